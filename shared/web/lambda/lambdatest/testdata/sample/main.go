// A function for the tests of lambdatest: started as all of ours are, with a handler that shows what it got and misbehaves.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/web"
	"github.com/vetassist/vetassist/shared/web/lambda"
)

func main() {
	if os.Getenv("SAMPLE_EXITS") != "" {
		os.Exit(3)
	}
	lambda.Start(host.Host{Config: config.FromEnv(os.Getenv)}, "", open)
}

func open(h host.Host) (http.Handler, error) {
	if _, err := os.Stat(os.Getenv("SAMPLE_NEEDS")); err != nil {
		return nil, errors.New("what it needs is not there")
	}
	var requests, late atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/echo/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		h.Log.InfoContext(r.Context(), "echo", "id", web.RequestID(r.Context()))
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "target": r.RequestURI, "path": r.URL.Path, "host": r.Host, "from": web.ClientAddress(r.Context()),
			"header": r.Header, "body": body, "base": h.BaseURL, "length": len(body)})
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode([]int32{requests.Add(1), late.Load()})
	})
	mux.HandleFunc("/answer", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Set("WWW-Authenticate", `Bearer scope="a b", error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte{0xff, 0, 1})
	})
	mux.HandleFunc("/sleep", func(w http.ResponseWriter, r *http.Request) { // does not look at its context
		d, _ := time.ParseDuration(r.URL.Query().Get("for"))
		time.Sleep(d)
		late.Add(1)
		io.WriteString(w, "slept")
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("oh") })
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(4) })
	return mux, nil
}
