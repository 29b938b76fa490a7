// Command archive packs files into a .tar.gz or a .zip, whichever the name of the archive says, so that the same files make the same bytes
// on every machine: in the order of their names, of one time, of nobody, and with no modes but 0755 and 0644.
//
//	go run ./scripts/supply/archive -time 1700000000 -folder vetassist_v1_linux_arm64 OUT.tar.gz FILE...
//
// scripts/release uses it. The bytes depend on the version of Go, whose compressor it is, and on nothing else.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	seconds := flag.Int64("time", 0, "the time of every file, in seconds since 1970")
	folder := flag.String("folder", "", "the folder in the archive")
	flag.Parse()
	if flag.NArg() < 2 || *folder == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(flag.Arg(0), *folder, time.Unix(*seconds, 0).UTC(), flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func write(out, folder string, at time.Time, files []string) (err error) {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	if strings.HasSuffix(out, ".zip") {
		return writeZip(f, folder, at, files)
	}
	return writeTar(f, folder, at, files)
}

// entry is a file as both archives have it.
type entry struct {
	name string
	mode int64
	body []byte
}

func entries(folder string, files []string) ([]entry, error) {
	var all []entry
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		e := entry{path.Join(folder, filepath.Base(file)), 0o644, body}
		if base := filepath.Base(file); base == "vetassist" || base == "vetassist.exe" { // not what the file system says: one of Windows knows no modes
			e.mode = 0o755
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

func writeTar(w io.Writer, folder string, at time.Time, files []string) error {
	all, err := entries(folder, files)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, e := range all {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode, Size: int64(len(e.body)), ModTime: at, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(e.body); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func writeZip(w io.Writer, folder string, at time.Time, files []string) error {
	all, err := entries(folder, files)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, e := range all {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: at}
		h.SetMode(os.FileMode(e.mode))
		f, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(e.body); err != nil {
			return err
		}
	}
	return z.Close()
}
