package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
)

const (
	crowd       = 200 // logins at once, that do not wait
	class       = 100 // people who log in at the same instant: none of them is to be sent away
	classTime   = 30 * time.Second
	loginMemory = 420 // MB resident, at most
)

// logins has many passwords checked at once: 19 MiB and some 20 ms of a core each. Memory must not follow.
func logins(ctx context.Context, s soak) (found finding, err error) {
	srv, err := start(s.bin, s.dir)
	if err != nil {
		return found, err
	}
	defer srv.kill()
	people, _, err := gather(ctx, srv.url, s.many)
	if err != nil {
		return found, err
	}
	begin := time.Now()
	peak := make(chan int, 1)
	watching, end := context.WithCancel(ctx)
	go func() {
		most := 0
		for rest(watching, 20*time.Millisecond) {
			most = max(most, srv.look(begin).rss)
		}
		peak <- most
	}()
	in, full, wrong := storm(ctx, srv.url, people)
	found.figure("logins at the same instant", crowd, "")
	found.figure("of them at once logged in", float64(in), "")
	found.figure("and told to come again in a moment (503, Retry-After)", float64(full), "")
	if wrong != nil {
		found.wrong = append(found.wrong, wrong)
	}
	if in == 0 || in+full != crowd {
		found.wrongf("%d logged in and %d were told to come again, of %d", in, full, crowd)
	}
	took, wrong := classBegins(ctx, srv.url, people)
	if wrong != nil {
		found.wrong = append(found.wrong, wrong)
	}
	slices.Sort(took)
	found.figure("a class that logs in at the same instant", class, "people")
	found.figure("half of them are in after", ms(percentile(took, 50))/1000, "s")
	found.figure("the last one after", ms(took[len(took)-1])/1000, "s")
	if last := took[len(took)-1]; last > classTime {
		found.wrongf("the last of the class was in after %s", last)
	}
	end()
	most := <-peak
	found.figure("resident memory, at most", float64(most)/mb, "MB")
	if most > loginMemory*mb {
		found.wrongf("%d MB resident", most/mb)
	}
	if _, err := srv.stop(); err != nil {
		found.wrongf("stopping: %w", err)
	}
	if lines := srv.complaints(); len(lines) > 0 {
		found.wrongf("it complained: %s", lines[0])
	}
	return found, nil
}

// together does a thing as often as n says, all at the same instant.
func together(n int, do func(int)) {
	var ready, all sync.WaitGroup
	gun := make(chan struct{})
	ready.Add(n)
	for i := range n {
		all.Go(func() {
			ready.Done()
			<-gun
			do(i)
		})
	}
	ready.Wait()
	close(gun)
	all.Wait()
}

// storm logs in at once, with a right password, and takes no for an answer where it says when to come again.
func storm(ctx context.Context, base string, people []*person) (in, full int, err error) {
	var ins, fulls atomic.Int64
	var mu sync.Mutex
	note := func(one error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			err = one
		}
	}
	browsers := make([]*visitor.Browser, crowd)
	for i := range browsers {
		browsers[i] = visitor.NewBrowser(base, from(2000+i))
		if _, err := browsers[i].Open(ctx, "/oauth/login"); err != nil {
			return 0, 0, err
		}
	}
	together(crowd, func(i int) {
		p := people[i%len(people)]
		page, err := browsers[i].Login(ctx, p.Username, p.Password)
		switch {
		case err != nil:
			note(err)
		case page.Status == http.StatusOK && page.URL.Path == "/oauth/account":
			ins.Add(1)
		case page.Status == http.StatusServiceUnavailable && page.Header.Get("Retry-After") != "":
			fulls.Add(1)
		default:
			note(fmt.Errorf("a login: %d %.200s", page.Status, page.Text()))
		}
	})
	return int(ins.Load()), int(fulls.Load()), err
}

// classBegins logs everybody of a class in.
func classBegins(ctx context.Context, base string, people []*person) ([]time.Duration, error) {
	took := make([]time.Duration, class)
	errs := make([]error, class)
	together(class, func(i int) {
		p := people[i%len(people)]
		begin := time.Now()
		b := visitor.NewBrowser(base, from(3000+i))
		_, err := b.Open(ctx, "/oauth/login")
		var page *visitor.Page
		if err == nil {
			page, err = b.Login(ctx, p.Username, p.Password)
		}
		if err == nil && (page.Status != http.StatusOK || page.URL.Path != "/oauth/account") {
			err = fmt.Errorf("%d %.200s", page.Status, page.Text())
		}
		if took[i] = time.Since(begin); err != nil {
			errs[i] = fmt.Errorf("one of the class: %w", err)
		}
	})
	return took, errors.Join(errs...)
}
