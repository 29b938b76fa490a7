package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/web"
)

func TestDocument(t *testing.T) {
	d := web.NewDocument([]byte(`{"a":1}`), 5*time.Minute)
	ask := func(method string, header ...string) *http.Response {
		r := httptest.NewRequest(method, "/", nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		w.Header().Add("Cache-Control", "spoilt") // by whoever is around it
		return w.Result()
	}
	tag := ask("GET").Header.Get("ETag")
	for _, c := range []struct {
		method string
		header []string
		status int
		length string
	}{
		{"GET", nil, 200, "7"},
		{"HEAD", nil, 200, "7"},
		{"GET", []string{"If-None-Match", tag}, 304, ""},
		{"GET", []string{"If-None-Match", `"other"`}, 200, "7"},
		{"GET", []string{"Range", "bytes=0-2"}, 206, "3"},
	} {
		r := ask(c.method, c.header...)
		if r.StatusCode != c.status || r.Header.Get("Content-Length") != c.length || !slices.Equal(r.Header["Cache-Control"], []string{"public, max-age=300"}) || r.Header.Get("ETag") != tag {
			t.Errorf("%s %v: %s %v", c.method, c.header, r.Status, r.Header)
		}
	}
}
