//go:build unix

package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/directory"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/sqlite"
)

// asCommand makes the test binary behave as the real command.
const asCommand = "VETASSIST_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"vetassist": main})
}

// process is the real command, as somebody else's process.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	lines chan string // of stdout; closed at its end
	said  record      // on stderr
}

var runningAt = regexp.MustCompile(`Open (http\S+) in a browser`)

func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only so that a bug cannot hang the tests
	p := &process{t: t, cmd: exec.CommandContext(ctx, os.Args[0], args...), lines: make(chan string, 100)}
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.Stderr = io.MultiWriter(os.Stderr, &p.said)
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel() // kills it, if it is still there
		_ = p.cmd.Wait()
	})
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	p.url = runningAt.FindStringSubmatch(p.waitFor("is running"))[1]
	p.waitFor("Ctrl-C")
	return p
}

// waitFor reads the output up to a line with these words.
func (p *process) waitFor(words string) string {
	p.t.Helper()
	for line := range p.lines {
		if strings.Contains(line, words) {
			return line
		}
	}
	p.t.Fatalf("the output ended without %q", words)
	return ""
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) wait() error {
	for range p.lines { // Wait closes the pipe, so it comes after the last line
	}
	return p.cmd.Wait()
}

// world is the process as the helpers of the other tests know servers.
func (p *process) world() *world { return &world{t: p.t, Server: &Server{URL: p.url}} }

// What was answered survives kill -9: login, connection, consent and booking.
func TestKill(t *testing.T) {
	db := filepath.Join(t.TempDir(), "vetassist.db")
	first := startProcess(t, "-addr", "localhost:0", "-db", db)
	bob := first.world().person()
	bob.connect("Which pets do I have?", "bob")
	bob.connect("Book an appointment for Fido on "+openDay()+" at 10", "bob")
	tokens := first.world().tokensFor("bob", "pet-profile:read")
	first.signal(syscall.SIGKILL)
	if err := first.wait(); err == nil {
		t.Fatal("kill -9 did not kill")
	}

	second := startProcess(t, "-addr", strings.TrimPrefix(first.url, "http://"), "-db", db)
	if second.url != first.url {
		t.Fatalf("%s, and before %s", second.url, first.url)
	}
	if a := bob.ask("Which appointments do I have?"); a.AuthorizeURL != "" || !strings.Contains(a.Reply, "10:00") {
		t.Errorf("the connection, or the booking, is gone: %+v", a)
	}
	if bob.open("/oauth/login"); !strings.Contains(bob.page.text, "Bob Miller") {
		t.Errorf("the login is gone: %s", bob.page.text)
	}
	wantTokens(t, "the refresh token of before", second.world().refresh(tokens.Refresh))
}

// Ctrl-C between two steps of a walkthrough ends it there and then, but puts things back.
func TestInterruptedWalkthrough(t *testing.T) {
	w := newWalkWorld(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "walkthrough", w.URL)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err = errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	const upTo = 12 // it has booked then
	for r := bufio.NewReader(out); strings.Count(said.String(), "Press Enter") < upTo; {
		b, err := r.ReadByte()
		if err != nil {
			t.Fatalf("%v after %s", err, &said)
		}
		if said.WriteByte(b); b == '.' && strings.HasSuffix(said.String(), "Press Enter to go on.") && strings.Count(said.String(), "Press Enter") < upTo {
			_, _ = io.WriteString(in, "\n")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(out)
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "stopped before the end") {
		t.Errorf("%v %s", err, &stderr)
	}
	if !strings.Contains(string(rest), "cancelled: the appointment") || !strings.Contains(string(rest), "taken back: what Bob allowed") || strings.Contains(string(rest), "13/22") {
		t.Errorf("%s", rest)
	}
}

// Ctrl-C while a chat is in flight: new connections are refused, but this one still gets its answer, although the app
// has to call the MCP server for it.
func TestInterruptFinishesWhatIsInFlight(t *testing.T) {
	p := startProcess(t, "-addr", "localhost:0", "-db", filepath.Join(t.TempDir(), "vetassist.db"))
	bob := p.world().person()
	bob.connect("Which pets do I have?", "bob")
	body := `{"message":"When is Fido's next vaccination?"}`
	conn := p.begin(bob, len(body))
	p.signal(os.Interrupt)
	p.waitFor("Stopping")
	p.waitUntilClosed()

	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(conn.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), "Rabies") {
		t.Errorf("%s %v: %s", resp.Status, err, answer)
	}
	p.waitFor("Stopped")
	if err := p.wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// SIGTERM is what a service manager sends; with nothing in flight the process ends by itself.
func TestTerminate(t *testing.T) {
	p := startProcess(t, "-addr", "localhost:0", "-db", ":memory:")
	p.signal(syscall.SIGTERM)
	p.waitFor("Stopped")
	if err := p.wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// SIGUSR1 has the process say what it holds, and go on.
func TestTellsWhatItHolds(t *testing.T) {
	told := make(chan string, 1)
	p := startProcess(t, "-addr", "localhost:0", "-db", filepath.Join(t.TempDir(), "vetassist.db"))
	s := &Server{conns: newConns(1, hasty)}
	end := tellWhatIsHeld(s, writerFunc(func(b []byte) (int, error) {
		told <- string(b)
		return len(b), nil
	}))
	p.signal(syscall.SIGUSR1) // it does not end it
	if a := p.world().send("GET", "/.well-known/jwks.json", ""); a.status != http.StatusOK {
		t.Errorf("afterwards: %d", a.status)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	line := <-told
	end()
	if !regexp.MustCompile(`^vetassist: holds \d+ goroutines, 0 connections, \d+ bytes on the heap\n$`).MatchString(line) {
		t.Errorf("it says %q", line)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A second Ctrl-C waits for nobody.
func TestSecondInterrupt(t *testing.T) {
	p := startProcess(t, "-addr", "localhost:0", "-db", ":memory:")
	p.begin(p.world().person(), 10) // and the body never comes
	p.signal(os.Interrupt)
	p.waitFor("Stopping")
	p.signal(os.Interrupt)
	var exit *exec.ExitError
	if err := p.wait(); !errors.As(err, &exit) {
		t.Fatalf("exit: %v", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v, not by the signal", exit)
	}
}

type connection struct {
	net.Conn
	reader *bufio.Reader
}

// begin sends a chat request up to its body, and returns when the handler waits for that: the server says
// 100 Continue when, and only when, somebody reads the body.
func (p *process) begin(who *person, length int) connection {
	p.t.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	var cookies []string
	for _, k := range who.http.Jar.Cookies(u) {
		cookies = append(cookies, k.String())
	}
	fmt.Fprintf(c, "POST /chat HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nCookie: %s\r\nExpect: 100-continue\r\n\r\n",
		u.Host, length, strings.Join(cookies, "; "))
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusContinue {
		p.t.Fatalf("%v %v", resp, err)
	}
	return connection{c, r}
}

// waitUntilClosed returns when the port accepts no connections.
func (p *process) waitUntilClosed() {
	p.t.Helper()
	for {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			return
		}
		c.Close()
	}
}

func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is taken for as long as the script runs
			if err != nil {
				return err
			}
			e.Defer(func() { l.Close() })
			e.Setenv("TAKEN", fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "root" { // for whom no folder is read-only
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// newer FILE makes a database of a version that this program does not know.
			"newer": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(makeNewer(ts.MkAbs(args[0])))
			},
			// begin FILE WHAT makes a database as the first start with -seed WHAT does.
			"begin": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(begin(config.Config{Addr: "localhost:0", DB: ts.MkAbs(args[0]), Seed: args[1]}))
			},
			// passkey FILE USERNAME gives somebody one more passkey.
			"passkey": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(givePasskey(ts.MkAbs(args[0]), args[1]))
			},
		},
	})
}

func begin(c config.Config) error {
	s, err := Start(context.Background(), Options{Config: c})
	if err != nil {
		return err
	}
	return s.Close()
}

func givePasskey(file, username string) (err error) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, file, time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	people := directory.New(store.Restrict(db, directory.Partitions...), "", false, time.Now)
	id, err := people.UserIDByUsername(ctx, username)
	if err != nil {
		return err
	}
	return people.AddPasskey(ctx, id, time.Now(), time.Time{}, directory.Passkey{ID: rand.Text(), Name: "A key", Credential: []byte("{}")})
}

func makeNewer(file string) error {
	db, err := sqlite.Open(context.Background(), file, time.Now)
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// user_version is the big-endian number at offset 60 of the file's header (SQLite, Database File Format §1.3).
	_, err = f.WriteAt([]byte{0, 0, 0, 99}, 60)
	return err
}
