package app

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// listenPatience is how long a server may take to open the stream on which those of revisions before 2026-07-28 ask things (Streamable
// HTTP, Listening for Messages from the Server). The SDK waits for it before it calls anything.
const listenPatience = time.Second

// listen opens that stream. A server that has none, or does not come to the point, is one without questions.
func listen(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	late := time.AfterFunc(listenPatience, cancel)
	resp, err := next.RoundTrip(req.WithContext(ctx))
	if err != nil || !late.Stop() {
		cancel()
		if err == nil {
			resp.Body.Close()
		}
		return &http.Response{StatusCode: http.StatusMethodNotAllowed, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
	}
	resp.Body = &boundedBody{ended{resp.Body, cancel}, maxMCPBody}
	return resp, nil
}

// ended frees what a body needed when nobody reads it any more.
type ended struct {
	io.ReadCloser
	free func()
}

func (e ended) Close() error {
	defer e.free()
	return e.ReadCloser.Close()
}
