package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSameFilesSameBytes: neither the folder, the order, the times nor the modes of the files show in an archive.
func TestSameFilesSameBytes(t *testing.T) {
	for _, name := range []string{"a.tar.gz", "a.zip"} {
		t.Run(name, func(t *testing.T) {
			var got [2][]byte
			for i, mode := range []os.FileMode{0o600, 0o755} {
				dir := t.TempDir()
				files := []string{filepath.Join(dir, "vetassist"), filepath.Join(dir, "LICENSE")}
				for _, f := range files {
					if err := os.WriteFile(f, []byte("what is in "+filepath.Base(f)), mode); err != nil {
						t.Fatal(err)
					}
					if err := os.Chtimes(f, time.Unix(int64(i)*1e6, 0), time.Unix(int64(i)*1e7, 0)); err != nil {
						t.Fatal(err)
					}
				}
				if i == 1 {
					files[0], files[1] = files[1], files[0]
				}
				out := filepath.Join(dir, name)
				if err := write(out, "v1", time.Unix(1_700_000_000, 0).UTC(), files); err != nil {
					t.Fatal(err)
				}
				got[i], _ = os.ReadFile(out)
			}
			if len(got[0]) == 0 || !bytes.Equal(got[0], got[1]) {
				t.Errorf("%d and %d bytes, and not the same", len(got[0]), len(got[1]))
			}
			const want = "v1/LICENSE -rw-r--r-- 1700000000 what is in LICENSE\nv1/vetassist -rwxr-xr-x 1700000000 what is in vetassist\n"
			if list := list(t, name, got[0]); list != want {
				t.Errorf("got\n%s\nwant\n%s", list, want)
			}
		})
	}
}

func list(t *testing.T, name string, archive []byte) (all string) {
	t.Helper()
	line := func(name string, mode os.FileMode, at time.Time, r io.Reader) {
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all += fmt.Sprintf("%s %v %d %s\n", name, mode, at.Unix(), body)
	}
	if name == "a.zip" {
		z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			line(f.Name, f.Mode(), f.Modified, r)
		}
		return all
	}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		line(h.Name, h.FileInfo().Mode(), h.ModTime, r)
	}
}
