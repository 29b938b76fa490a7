package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// limitFiles sets how large a file the process may make from now on, as a disk does that has only so much room.
func (p *process) limitFiles(bytes uint64) {
	p.t.Helper()
	const fileSize = 1 // RLIMIT_FSIZE, setrlimit(2)
	limit := struct{ soft, hard uint64 }{bytes, ^uint64(0)}
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); err != 0 {
		p.t.Fatal(err)
	}
}

// The disk fills up under the running program: what only reads goes on, who writes is told to come again, the log says why, and once there is
// room it goes on by itself with all that it had answered.
func TestDiskFull(t *testing.T) {
	db := filepath.Join(t.TempDir(), "vetassist.db")
	p := startProcess(t, "-addr", "localhost:0", "-db", db)
	w := p.world()
	bob := w.person()
	bob.connect("Which pets do I have?", "bob")
	code := bob.answerOf(w.request(nil), "bob").Get("code")
	before := w.tokensFor("bob", "pet-profile:read", "appointment:write")
	day, err := time.Parse("2 January 2006", openDay())
	if err != nil {
		t.Fatal(err)
	}
	booking := `{"pet":"Fido","date":"` + day.Format(time.DateOnly) + `","time":"10:00"}`

	p.limitFiles(1)
	for what, got := range map[string]tokens{"a refresh": w.refresh(before.Refresh), "a code": w.redeem(code, nil)} {
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.Error == "" {
			t.Errorf("%s with a full disk: %d %s, Retry-After %q", what, got.status, got.Error, got.header.Get("Retry-After"))
		}
	}
	if got := w.callTool(before.Access, "book_vet_appointment", booking); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("a booking with a full disk: %d %s", got.status, got.body)
	}
	late := w.person()
	late.open("/oauth/login")
	if late.page.status == http.StatusOK {
		late.login("alice")
	}
	if late.page.status != http.StatusServiceUnavailable || late.page.header.Get("Retry-After") == "" {
		t.Errorf("a login with a full disk: %d %s", late.page.status, late.page.text)
	}
	if got := w.callTool(before.Access, "list_pets", `{}`); got.status != http.StatusOK || !strings.Contains(string(got.body), "Fido") {
		t.Errorf("reading with a full disk: %d %s", got.status, got.body)
	}
	if said := p.said.String(); !strings.Contains(said, "the disk is full") || strings.Contains(said, "panic") {
		t.Errorf("the log says %s", said)
	}

	p.limitFiles(^uint64(0))
	after := w.refresh(before.Refresh)
	wantTokens(t, "the refresh, again", after)
	wantTokens(t, "the code, again", w.redeem(code, nil))
	if got := w.callTool(before.Access, "book_vet_appointment", booking); got.status != http.StatusOK || got.result(t).Result.IsError {
		t.Errorf("the booking, again: %d %s", got.status, got.body)
	}
	p.signal(syscall.SIGKILL)
	_ = p.wait()
	q := startProcess(t, "-addr", strings.TrimPrefix(p.url, "http://"), "-db", db)
	wantTokens(t, "after a restart", q.world().refresh(after.Refresh))
	if a := bob.ask("Which pets do I have?"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "Fido") {
		t.Errorf("the connection of before is gone: %+v", a)
	}
}

// Nobody can start on a full disk, and hears why; nothing of a half-made database stands in the way of the next start.
func TestDiskFullAtStart(t *testing.T) {
	db := filepath.Join(t.TempDir(), "vetassist.db")
	said, code := startLimited(t, "-addr", "localhost:0", "-db", db)
	if code != exitFailed || !strings.Contains(said, "the disk is full") || strings.Contains(said, "panic") || strings.Contains(said, "store:") {
		t.Errorf("exit %d: %s", code, said)
	}
	p := startProcess(t, "-addr", "localhost:0", "-db", db)
	p.world().person().connect("Which pets do I have?", "bob")
}

// startLimited runs the command where no file may have more than 8 KB.
func startLimited(t *testing.T, args ...string) (said string, code int) {
	t.Helper()
	cmd := commandOf(t, "bash", append([]string{"-c", `ulimit -f 8; exec "$0" "$@"`, os.Args[0]}, args...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
