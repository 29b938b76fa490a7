package app

import (
	"context"
	"sync"
	"time"
)

const (
	maxTurns     = 8  // at once in this process: thinking takes processor time, and anybody may ask
	maxTurnsWait = 64 // that wait for one of them to end
	maxInLine    = 10 // of one session, with the one that runs
	turnPatience = 20 * time.Second
)

// turns lets in a bounded number of turns, and of each session one at a time, in the order in which they came: the second
// message of two may be about the answer to the first.
type turns struct {
	running chan struct{} // holds one for each
	wait    int           // how many more may wait

	mu    sync.Mutex
	in    int // running or waiting
	lines map[string]*line
}

// line is where the turns of one session queue up.
type line struct {
	first  chan struct{} // full while one of them runs, or is the next to
	length int
}

func newTurns(running, wait int) *turns {
	return &turns{running: make(chan struct{}, running), wait: wait, lines: map[string]*line{}}
}

// enter waits until a turn of a session may run, and returns what to call at its end. The error is errContended when the session
// asks too much, errBusy when everybody together does, or that of ctx.
func (t *turns) enter(ctx context.Context, session string) (leave func(), err error) {
	l, err := t.queue(session)
	if err != nil {
		return nil, err
	}
	patience, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	if !put(patience, l.first) {
		t.unqueue(session)
		return nil, cause(ctx, errContended)
	}
	if !put(patience, t.running) {
		<-l.first
		t.unqueue(session)
		return nil, cause(ctx, errBusy)
	}
	return func() {
		<-t.running
		<-l.first
		t.unqueue(session)
	}, nil
}

func (t *turns) queue(session string) (*line, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[session]
	switch {
	case l != nil && l.length >= maxInLine:
		return nil, errContended
	case t.in >= cap(t.running)+t.wait:
		return nil, errBusy
	case l == nil:
		l = &line{first: make(chan struct{}, 1)}
		t.lines[session] = l
	}
	l.length++
	t.in++
	return l, nil
}

func (t *turns) unqueue(session string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[session]
	l.length--
	t.in--
	if l.length == 0 {
		delete(t.lines, session)
	}
}

func put(ctx context.Context, c chan<- struct{}) bool {
	select {
	case c <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// cause is the error of ctx when that has ended, else err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
