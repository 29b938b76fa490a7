package mcp

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/vetassist/vetassist/shared/rbac"
)

// plainCall is a call of a tool of the one shape in which nearly every host sends it: direct.go can answer it. That a message is not of
// this shape does not say that it is wrong; the SDK judges it.
type plainCall struct {
	id        json.RawMessage // as the SDK would write it
	name      string
	arguments json.RawMessage
	meta      json.RawMessage
	params    json.RawMessage // all three
}

const (
	maxPlain      = 16 << 10 // bytes of a body
	maxPlainDepth = 32

	maxPlainNumber = 20 // digits, and no exponent
)

// readPlain reads a body, which is valid JSON. No member may come twice, none is unknown, no name and no id is escaped: so there is one way
// only to read it.
func readPlain(body []byte) *plainCall {
	if len(body) > maxPlain {
		return nil
	}
	var c plainCall
	ok := object(body, func(name string, value []byte) bool {
		switch name {
		case "jsonrpc":
			return string(value) == `"2.0"`
		case "method":
			return string(value) == `"tools/call"`
		case "id":
			c.id = value
			return isPlainID(value)
		case "params":
			c.params = value
			return true
		}
		return false
	}, "jsonrpc", "method", "id", "params")
	ok = ok && object(c.params, func(name string, value []byte) bool {
		switch name {
		case "name":
			c.name = string(bytes.Trim(value, `"`))
			_, known := rbac.Tools[c.name]
			return known && value[0] == '"'
		case "arguments":
			c.arguments = value
			return value[0] == '{'
		case "_meta":
			c.meta = value
			return value[0] == '{'
		}
		return false
	}, "name")
	if !ok {
		return nil
	}
	return &c
}

// isPlainID: one that is read and written again comes out as it was.
func isPlainID(id []byte) bool {
	if id[0] == '"' {
		return !bytes.ContainsFunc(id[1:len(id)-1], func(r rune) bool { return r < ' ' || r > '~' || r == '\\' })
	}
	return len(id) <= 15 && !bytes.ContainsFunc(id, func(r rune) bool { return r < '0' || r > '9' })
}

// object calls take for each member of a JSON object, which is valid JSON. It tells whether it is one, in which none comes twice, all that
// are needed are there, and take took all.
func object(data []byte, take func(name string, value []byte) bool, needed ...string) bool {
	at := skipSpace(data, 0)
	if at == len(data) || data[at] != '{' {
		return false
	}
	var names [8]string
	seen := names[:0]
	for at = skipSpace(data, at+1); data[at] != '}'; at = skipSpace(data, at) {
		if data[at] == ',' {
			at = skipSpace(data, at+1)
		}
		end := skipValue(data, at)
		name := data[at+1 : max(at+1, end-1)]
		if end < 0 || len(seen) == cap(seen) || bytes.IndexByte(name, '\\') >= 0 || slices.Contains(seen, string(name)) {
			return false
		}
		seen = append(seen, string(name))
		at = skipSpace(data, skipSpace(data, end)+1) // the colon
		if end = skipValue(data, at); end < 0 || !take(seen[len(seen)-1], data[at:end]) {
			return false
		}
		at = end
	}
	return !slices.ContainsFunc(needed, func(name string) bool { return !slices.Contains(seen, name) })
}

func skipSpace(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\t' || data[at] == '\n' || data[at] == '\r') {
		at++
	}
	return at
}

// skipValue returns where the value that begins at at ends; -1 when it is deep, or has a number that may be too large for some.
func skipValue(data []byte, at int) int {
	depth := 0
	for ; at < len(data); at++ {
		switch data[at] {
		case '"':
			for at++; data[at] != '"'; at++ {
				if data[at] == '\\' {
					at++
				}
			}
			if depth == 0 {
				return at + 1
			}
		case '{', '[':
			if depth++; depth > maxPlainDepth {
				return -1
			}
		case '}', ']':
			switch depth--; {
			case depth < 0: // the end of a number or a word, at the end of what it stands in
				return at
			case depth == 0:
				return at + 1
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return at
			}
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			begin := at
			for ; at < len(data) && (data[at] >= '0' && data[at] <= '9' || data[at] == '-' || data[at] == '.'); at++ {
			}
			if at-begin > maxPlainNumber || at < len(data) && (data[at] == 'e' || data[at] == 'E') {
				return -1
			}
			at--
		}
	}
	return at
}
