package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver
)

const attendees = 8

// lab is the place: the command, the database to begin with, and the people in it.
type lab struct {
	dir, base string
	random    *rand.Rand
	seen      *seen
	cards     []card
}

// card is how a person gets in, as "vetassist workshop" writes it.
type card struct {
	Username, Password, Pet string
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// prepare builds the command and makes the database that every generation begins with.
func (l *lab) prepare(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", l.path("vetassist"), "github.com/vetassist/vetassist/functions/vetassist")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return err
	}
	l.base = fmt.Sprintf("http://localhost:%d", free.Addr().(*net.TCPAddr).Port)
	if err := free.Close(); err != nil {
		return err
	}
	s, err := l.start(ctx, l.path("first"))
	if err != nil {
		return err
	}
	workshop := exec.CommandContext(ctx, l.path("vetassist"), "workshop", "-attendees", fmt.Sprint(attendees), "-cards", l.path("cards.json"), l.base)
	if out, err := workshop.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("%w: %s", err, out), s.kill())
	}
	text, err := os.ReadFile(l.path("cards.json"))
	if err == nil {
		err = json.Unmarshal(text, &l.cards)
	}
	return errors.Join(err, s.stop())
}

// live is one generation: kills, and what is looked at after each.
func (l *lab) live(ctx context.Context, db string, kills int) error {
	text, err := os.ReadFile(l.path("first"))
	if err == nil {
		err = os.WriteFile(db, text, 0o600)
	}
	if err != nil {
		return err
	}
	var people []*person
	for _, c := range l.cards {
		people = append(people, newPerson(l.base, c, rand.New(rand.NewPCG(l.random.Uint64(), l.random.Uint64()))))
	}
	for end := l.seen.kills + kills; l.seen.kills < end; {
		if l.seen.kills+1 < end && l.random.IntN(8) == 0 {
			if err := l.killStarting(ctx, db); err != nil {
				return err
			}
		}
		s, err := l.start(ctx, db)
		if err != nil {
			return err
		}
		err = l.look(ctx, db, people)
		if err == nil {
			err = l.load(ctx, s, people)
		}
		if err != nil {
			return errors.Join(err, s.kill(), s.complaint())
		}
	}
	s, err := l.start(ctx, db)
	if err != nil {
		return err
	}
	return errors.Join(l.look(ctx, db, people), s.stop())
}

// load lets everybody work, and kills the server meanwhile.
func (l *lab) load(ctx context.Context, s *server, people []*person) error {
	var working sync.WaitGroup
	errs := make([]error, len(people))
	for i, p := range people {
		working.Go(func() { errs[i] = p.work(ctx) })
	}
	time.Sleep(time.Duration(l.random.IntN(500)) * time.Millisecond) // the random moment
	err := s.kill()
	working.Wait()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	l.seen.kills++
	for _, p := range people {
		l.seen.add(p)
	}
	return errors.Join(append(errs, err, s.complaint())...)
}

// look checks all that was promised, everybody at once as they come, and then the books and the files.
func (l *lab) look(ctx context.Context, db string, people []*person) error {
	var looking sync.WaitGroup
	errs := make([]error, len(people))
	for i, p := range people {
		looking.Go(func() {
			if err := p.check(ctx); err != nil {
				errs[i] = fmt.Errorf("%s: %w", p.card.Username, err)
			}
		})
	}
	looking.Wait()
	for _, p := range people {
		l.seen.checks += p.checks
		p.checks = 0
	}
	return errors.Join(append(errs, nothingTwice(people), sound(ctx, db), sound(ctx, db+"-flows"))...)
}

// sound asks SQLite whether a file is as it should be.
func sound(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("PRAGMA integrity_check of %s: %s", filepath.Base(path), said)
	}
	return nil
}

// server is the command, running.
type server struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	killed bool
}

// begin starts the command. The lines that it prints come out of the reader.
func (l *lab) begin(ctx context.Context, db string) (*server, *bufio.Scanner, error) {
	s := &server{cmd: exec.CommandContext(ctx, l.path("vetassist"), "-addr", strings.TrimPrefix(l.base, "http://"), "-db", db)}
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	return s, bufio.NewScanner(out), err
}

// start starts the command and waits until it serves.
func (l *lab) start(ctx context.Context, db string) (*server, error) {
	began := time.Now()
	s, lines, err := l.begin(ctx, db)
	if err != nil {
		return nil, err
	}
	for lines.Scan() {
		if strings.Contains(lines.Text(), "is running") {
			l.seen.starts = append(l.seen.starts, time.Since(began))
			go func() {
				for lines.Scan() { // the rest is not read, but must not be in the way
				}
			}()
			return s, nil
		}
	}
	return nil, fmt.Errorf("it does not start: %w %s", s.cmd.Wait(), &s.stderr)
}

// killStarting kills it before it serves, or a moment later.
func (l *lab) killStarting(ctx context.Context, db string) error {
	s, lines, err := l.begin(ctx, db)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(l.random.IntN(150)) * time.Millisecond)
	err = s.cmd.Process.Kill()
	for lines.Scan() {
	}
	_ = s.cmd.Wait() // its error is the kill
	l.seen.kills++
	l.seen.starting++
	return errors.Join(err, s.complaint())
}

func (s *server) kill() error {
	if s.killed {
		return nil
	}
	s.killed = true
	err := s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	return err
}

// stop ends it as Ctrl-C does.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return errors.Join(s.cmd.Wait(), s.complaint())
}

// complaint is what it said to whoever started it, which should be nothing.
func (s *server) complaint() error {
	text, err := io.ReadAll(&s.stderr)
	if err == nil && len(text) > 0 {
		err = fmt.Errorf("it said: %s", text)
	}
	return err
}
