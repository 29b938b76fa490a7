//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// What can happen to a database's file, and what people then see. TestCommandLine has more of what stands in the way of a start.

// commandOf is another program, or ours, for as long as the test runs.
func commandOf(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// Another program keeps a lock on the file: who writes is told to come again, and once it lets go all goes on.
func TestLocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onFile(t))
	tokens := w.tokensFor("bob", "pet-profile:read")
	other, err := sql.Open("sqlite", "file:"+w.options.DB+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Rollback()
	if got := w.refresh(tokens.Refresh); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("while it is locked: %d %s", got.status, got.Error)
	}
	if got := w.callTool(tokens.Access, "list_pets", `{}`); got.status != http.StatusOK || !strings.Contains(string(got.body), "Fido") {
		t.Errorf("reading while it is locked: %d %s", got.status, got.body)
	}
	if !strings.Contains(w.log.String(), "another process is writing to it") {
		t.Error("the log does not say why")
	}
	second := w.options
	second.Addr, second.BaseURL = "localhost:0", ""
	if s, err := Start(t.Context(), second); err == nil || !strings.Contains(err.Error(), "another process is writing to it") {
		t.Errorf("a start while it is locked: %v", err)
		if err == nil {
			s.Close()
		}
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	wantTokens(t, "once the lock is gone", w.refresh(tokens.Refresh))
}

// somebody is who starts the program in a folder, and may not write everything there.
type somebody struct {
	t            *testing.T
	program, dir string
	as           *syscall.SysProcAttr
}

func newSomebody(t *testing.T) *somebody {
	t.Helper()
	s := &somebody{t, os.Args[0], t.TempDir(), &syscall.SysProcAttr{}}
	if os.Geteuid() == 0 { // who may write everything, so it is somebody else
		s.as.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		s.program = filepath.Join(s.dir, "vetassist")
		if said, err := exec.CommandContext(t.Context(), "cp", os.Args[0], s.program).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, said)
		}
		if err := os.Chmod(filepath.Dir(s.dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// own gives files to somebody, with a mode.
func (s *somebody) own(mode os.FileMode, files ...string) {
	s.t.Helper()
	for _, file := range files {
		var err error
		if s.as.Credential != nil {
			err = os.Chown(file, 65534, 65534)
		}
		if err = errors.Join(err, os.Chmod(file, mode)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// run lets somebody run the program, which may say what went wrong, and never in words that only this project knows.
func (s *somebody) run(args ...string) (said string, code int) {
	s.t.Helper()
	cmd := commandOf(s.t, s.program, args...)
	cmd.SysProcAttr = s.as
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	if said = string(out); strings.Contains(said, "panic") || strings.Contains(said, "store:") {
		s.t.Errorf("it says %s", said)
	}
	return said, cmd.ProcessState.ExitCode()
}

// What lies in somebody's folder may be read-only for backup and restore, too: they say what to do, and leave nothing behind that was not there.
func TestReadOnlyBackup(t *testing.T) {
	who := newSomebody(t)
	const readOnly, both = "Let this user write both", "v.db saved.db other.db"
	for name, c := range map[string]struct {
		args   string
		folder os.FileMode
		file   string // that is read-only
		code   int
		says   string
		files  string // that are there afterwards
	}{
		"a restore over a database":      {"restore -db v.db saved.db", 0o755, "v.db", exitFailed, readOnly, both},
		"a restore in a folder":          {"restore -db v.db saved.db", 0o555, "", exitFailed, "may not write to the folder", both},
		"a restore of a file":            {"restore -db new.db saved.db", 0o755, "saved.db", exitOK, "new.db is as it was", both + " new.db"},
		"a restore of a database's file": {"restore -db new.db other.db", 0o755, "other.db", exitOK, "new.db is as it was", both + " new.db"},
		"a backup of a database":         {"backup -db v.db new.db", 0o755, "v.db", exitOK, "new.db is a copy", both + " new.db"},
		"a backup into a folder":         {"backup -db v.db new.db", 0o555, "", exitFailed, "may not write to the folder", both},
	} {
		t.Run(name, func(t *testing.T) {
			folder, err := os.MkdirTemp(who.dir, "")
			if err != nil {
				t.Fatal(err)
			}
			in := func(name string) string { return filepath.Join(folder, name) }
			for _, db := range []string{"v.db", "other.db"} { // in WAL mode, as each that a vetassist had open
				if err := begin(config.Config{Addr: "localhost:0", DB: in(db), Recorder: "off"}); err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(in(db + flowsEnd)); err != nil {
					t.Fatal(err)
				}
			}
			if err := sqlite.Backup(t.Context(), in("v.db"), in("saved.db"), theirs, false); err != nil {
				t.Fatal(err)
			}
			for _, file := range strings.Fields(both) {
				who.own(0o600, in(file))
			}
			if c.file != "" {
				who.own(0o400, in(c.file))
			}
			who.own(c.folder, folder)
			t.Cleanup(func() { _ = os.Chmod(folder, 0o755) })
			args := strings.Fields(c.args)
			args[2], args[3] = in(args[2]), in(args[3])
			if said, code := who.run(args...); code != c.code || !strings.Contains(said, c.says) || strings.Contains(said, "disk") {
				t.Errorf("%d: %s", code, said)
			}
			var files []string
			there, err := os.ReadDir(folder)
			for _, f := range there {
				files = append(files, f.Name())
			}
			want := strings.Fields(c.files)
			slices.Sort(want)
			if err != nil || !slices.Equal(files, want) {
				t.Errorf("there are %v, want %v, %v", files, want, err)
			}
		})
	}
}

// Who starts it may not write the file, or not the folder, where SQLite keeps its log: it does not start, and says what to do.
func TestReadOnly(t *testing.T) {
	who := newSomebody(t)
	for name, c := range map[string]struct {
		folder, file os.FileMode // file 0: there is none
		says         string
	}{
		"the folder, without a file": {0o555, 0, "permission denied"},
		"the file":                   {0o755, 0o444, "permission denied"},
		"the folder, with a file":    {0o555, 0o600, "Let this user write both"},
	} {
		t.Run(name, func(t *testing.T) {
			folder, err := os.MkdirTemp(who.dir, "")
			if err != nil {
				t.Fatal(err)
			}
			db := filepath.Join(folder, "vetassist.db")
			if c.file != 0 {
				if err := begin(config.Config{Addr: "localhost:0", DB: db}); err != nil {
					t.Fatal(err)
				}
				who.own(c.file, db)
			}
			if err := os.Chmod(folder, c.folder); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(folder, 0o755) })
			said, code := who.run("-addr", "localhost:0", "-db", db)
			if code != exitFailed || !strings.Contains(said, c.says) || !strings.Contains(said, "-db") {
				t.Errorf("%d: %s", code, said)
			}
		})
	}
}

// The file is damaged under the running program: what meets the damage fails with a number to report, the log says what to do, and a backup helps.
func TestDamaged(t *testing.T) {
	w := newWorld(t, onFile(t))
	saved := filepath.Join(t.TempDir(), "saved.db")
	var out bytes.Buffer
	none := func(string) string { return "" }
	if code := run([]string{"backup", "-db", w.options.DB, saved}, none, &out, &out); code != exitOK {
		t.Fatalf("%d %s", code, &out)
	}
	w.restart() // which brings all of the log into the file, and nothing of the file into memory
	f, err := os.OpenFile(w.options.DB, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(info.Size())-page), page); err != nil { // all but the header
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, path := range []string{"/", "/oauth/login", "/.well-known/jwks.json", "/oauth/authorize?" + w.request(nil).Encode(), "/oauth/authorize?client_id=stranger"} {
		got := w.send("GET", path, "")
		if got.status == http.StatusInternalServerError {
			failed++
		} else if got.status > http.StatusInternalServerError {
			t.Errorf("%s: %d, and trying again cannot help", path, got.status)
		}
		honestNumber(t, path, got)
	}
	if got := w.refresh("no such token"); got.status == http.StatusInternalServerError {
		failed++
	}
	if log := w.log.String(); failed == 0 || !strings.Contains(log, "vetassist restore") || strings.Contains(log, "panic") {
		t.Errorf("%d failed, and the log has no advice, or a panic", failed)
	}
	_ = w.Close() // that may fail now
	if s, err := Start(context.Background(), w.options); err == nil || !strings.Contains(err.Error(), "vetassist restore") {
		t.Errorf("a start over the damaged file: %v", err)
		if err == nil {
			s.Close()
		}
	}
	if code := run([]string{"restore", "-db", w.options.DB, saved}, none, &out, &out); code != exitOK {
		t.Fatalf("restore: %d %s", code, &out)
	}
	w.start()
	story(w, nextTuesday)
}

// honestNumber: a failure has a number under which the log has its cause, and tells nothing else.
func honestNumber(t *testing.T, what string, got answer) {
	t.Helper()
	if got.status >= 500 && (got.header.Get("X-Request-Id") == "" || bytes.Contains(got.body, []byte("SQLite"))) {
		t.Errorf("%s: %d %q %s", what, got.status, got.header.Get("X-Request-Id"), got.body)
	}
}

// The log is cut short, or a part of it is damaged, as a power cut may leave it: what comes before is there, whole, and all goes on.
func TestLogCutShort(t *testing.T) {
	p := startProcess(t, "-addr", "localhost:0", "-db", filepath.Join(t.TempDir(), "vetassist.db"))
	bob := p.world().person()
	bob.connect("Which pets do I have?", "bob")
	p.world().tokensFor("alice", "pet-profile:read")
	dir := filepath.Dir(p.cmd.Args[len(p.cmd.Args)-1])
	p.signal(syscall.SIGKILL)
	_ = p.wait()
	for name, spoil := range map[string]func([]byte) []byte{
		"cut in the middle of a page":  func(b []byte) []byte { return b[:len(b)*2/3-100] },
		"cut to nothing":               func([]byte) []byte { return nil },
		"a byte of it is another":      func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"its end was never written":    func(b []byte) []byte { clear(b[len(b)*3/4:]); return b },
		"more is there than was meant": func(b []byte) []byte { return append(b, make([]byte, 10_000)...) },
	} {
		t.Run(name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "vetassist.db")
			for _, end := range []string{"", "-wal", flowsEnd, flowsEnd + "-wal"} {
				b, err := os.ReadFile(filepath.Join(dir, "vetassist.db"+end))
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(end, "-wal") {
					if len(b) == 0 {
						t.Fatal("there is no log to spoil")
					}
					b = spoil(b)
				}
				if err := os.WriteFile(db+end, b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			w := newWorld(t, func(o *Options) { o.DB, o.Now = db, time.Now })
			var said string
			check, err := sql.Open("sqlite", db)
			if err == nil {
				err = check.QueryRow("PRAGMA integrity_check").Scan(&said)
				check.Close()
			}
			if err != nil || said != "ok" {
				t.Errorf("%v %s", err, said)
			}
			w.person().connect("Which pets do I have?", "bob")
		})
	}
}
