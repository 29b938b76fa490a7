package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds a body, in bytes.
const maxAnswer = 1 << 20

// answer is what a server said. Its body is good until the next request on the connection.
type answer struct {
	status   int
	location string
	cookies  []string // name=value, as it was set
	body     []byte
}

// conn is one connection, opened again when the server closed it.
type conn struct {
	addr   string
	until  time.Time // no answer is waited for longer
	socket net.Conn
	in     *bufio.Reader
	body   []byte
	asked  int // requests sent
}

func (c *conn) do(request []byte) (answer, error) {
	c.asked++
	if c.socket == nil {
		socket, err := net.Dial("tcp", c.addr)
		if err != nil {
			return answer{}, err
		}
		if err := socket.SetDeadline(c.until); err != nil {
			return answer{}, err
		}
		c.socket, c.in = socket, bufio.NewReaderSize(socket, 16<<10)
	}
	if _, err := c.socket.Write(request); err != nil {
		c.close()
		return answer{}, err
	}
	a, keep, err := c.read()
	if err != nil || !keep {
		c.close()
	}
	return a, err
}

func (c *conn) close() {
	if c.socket != nil {
		c.socket.Close()
		c.socket = nil
	}
}

// read reads an answer (RFC 9112), and whether the connection stays open after it.
func (c *conn) read() (a answer, keep bool, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return a, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return a, false, fmt.Errorf("no HTTP/1.1 answer: %.40q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, false, err
	}
	length, chunked, keep := -1, false, true
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return a, false, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "content-length"):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return a, false, err
			}
		case is(name, "transfer-encoding"):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case is(name, "connection"):
			keep = !bytes.EqualFold(value, []byte("close"))
		case is(name, "location"):
			a.location = string(value)
		case is(name, "set-cookie"):
			cookie, _, _ := strings.Cut(string(value), ";")
			a.cookies = append(a.cookies, cookie)
		}
	}
	switch {
	case chunked:
		err = c.readChunks()
	case a.status == 204 || a.status == 304:
		c.body = c.body[:0]
	case length < 0:
		return a, false, fmt.Errorf("an answer without a length")
	default:
		c.body = c.body[:0]
		err = c.take(length)
	}
	a.body = c.body
	return a, keep, err
}

func is(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

// readChunks reads a chunked body (RFC 9112 §7.1), without trailers.
func (c *conn) readChunks() error {
	c.body = c.body[:0]
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if err := c.take(int(size)); err != nil {
			return err
		}
		if _, err := c.in.Discard(len("\r\n")); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

// take reads the next n bytes into the body.
func (c *conn) take(n int) error {
	had := len(c.body)
	if n < 0 || had+n > maxAnswer {
		return fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	if cap(c.body) < had+n {
		c.body = append(make([]byte, 0, 2*(had+n)), c.body...)
	}
	c.body = c.body[:had+n]
	_, err := io.ReadFull(c.in, c.body[had:])
	return err
}

// Request is what to send.
type Request struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}

// bytes is the request as it goes over the wire.
func (r Request) bytes(host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.Path, host)
	for name, value := range r.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	if r.Method == "POST" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("\r\n" + r.Body)
	return b.Bytes()
}
