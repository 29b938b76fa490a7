package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func insideClient(t *testing.T, h http.HandlerFunc) *http.Client {
	t.Helper()
	base, err := url.Parse("https://demo.example.com")
	if err != nil {
		t.Fatal(err)
	}
	in := newInside(base, true)
	in.handler = h
	return &http.Client{Transport: in}
}

// A handler sees what a server would have shown it.
func TestInsideRequest(t *testing.T) {
	c := insideClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Host != "demo.example.com" || r.RequestURI != "/a%2Fb?x=1" || r.URL.Host != "" || r.URL.Path != "/a/b" || r.RemoteAddr == "" || string(body) != "hello" {
			t.Errorf("%s %s %v %q %q", r.Host, r.RequestURI, r.URL, r.RemoteAddr, body)
		}
		w.Header().Set("X-Before", "1")
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-After", "1")
		_, _ = io.WriteString(w, "short and stout")
	})
	resp, err := c.Post("https://demo.example.com/a%2Fb?x=1", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "short and stout" || resp.Status != "418 I'm a teapot" || resp.Header.Get("X-Before") != "1" || resp.Header.Get("X-After") != "" {
		t.Errorf("%v %s %v %q", err, resp.Status, resp.Header, body)
	}
}

// Only our own address is answered inside.
func TestInsideOthers(t *testing.T) {
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "outside") }))
	defer outside.Close()
	c := insideClient(t, func(http.ResponseWriter, *http.Request) { t.Error("it came inside") })
	resp, err := c.Get(outside.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "outside" {
		t.Errorf("%q %v", body, err)
	}
}

// A handler that gives up breaks the answer, before its head or in the middle, and nothing else.
func TestInsideAborts(t *testing.T) {
	c := insideClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/later" {
			_, _ = io.WriteString(w, "half an ")
		}
		panic(http.ErrAbortHandler)
	})
	if resp, err := c.Get("https://demo.example.com/now"); !errors.Is(err, errAborted) {
		t.Errorf("%v %v", resp, err)
	}
	resp, err := c.Get("https://demo.example.com/later")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, errAborted) {
		t.Errorf("the broken answer reads as whole: %v", err)
	}
}

// Who gives up waiting is not kept, and the handler hears of it.
func TestInsideCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan struct{})
	c := insideClient(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
		close(heard)
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://demo.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := c.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v %v", resp, err)
	}
	<-heard
}
