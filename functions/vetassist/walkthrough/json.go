package walkthrough

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxShownText  = 240 // bytes of a text in JSON
	maxShownItems = 6   // of a list
	maxShown      = 800 // bytes of it all
)

// notShown are members that repeat what is shown, as HTML; hinted are those of which it is enough that they are there: a tool's result says the
// same in words.
var (
	notShown = []string{"html", "status_html"}
	hinted   = []string{"_meta", "structuredContent"}
)

// shortJSON is JSON in its own order with the secrets shortened and long things cut: for eyes, not for parsers.
func shortJSON(body []byte) string {
	var out bytes.Buffer
	in := jsontext.NewDecoder(bytes.NewReader(body))
	if err := copyShort(in, &out, ""); err != nil && !errors.Is(err, io.EOF) {
		return "no JSON: " + clip(string(body), 120)
	}
	return clip(out.String(), maxShown)
}

// copyShort copies the next value, which is a member of this name.
func copyShort(in *jsontext.Decoder, out *bytes.Buffer, name string) error {
	switch in.PeekKind() {
	case '{':
		return copyObject(in, out)
	case '[':
		return copyList(in, out, name)
	case '"':
		t, err := in.ReadToken()
		if err != nil {
			return err
		}
		text, err := jsontext.AppendQuote(nil, clip(shortValue(name, t.String()), maxShownText))
		out.Write(text)
		return err
	}
	v, err := in.ReadValue()
	out.Write(v)
	return err
}

func copyObject(in *jsontext.Decoder, out *bytes.Buffer) error {
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	out.WriteByte('{')
	first := true
	for in.PeekKind() != '}' {
		t, err := in.ReadToken()
		if err != nil {
			return err
		}
		name := t.String()
		if slices.Contains(notShown, name) {
			if err := in.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if !first {
			out.WriteString(", ")
		}
		first = false
		quoted, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			return err
		}
		out.Write(append(quoted, ':', ' '))
		if slices.Contains(hinted, name) && in.PeekKind() == '{' {
			out.WriteString("{…}")
			if err := in.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := copyShort(in, out, name); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	_, err := in.ReadToken()
	return err
}

func copyList(in *jsontext.Decoder, out *bytes.Buffer, name string) error {
	if _, err := in.ReadToken(); err != nil {
		return err
	}
	out.WriteByte('[')
	for n := 0; in.PeekKind() != ']'; n++ {
		switch {
		case n == maxShownItems:
			out.WriteString(", …")
			fallthrough
		case n > maxShownItems:
			if err := in.SkipValue(); err != nil {
				return err
			}
			continue
		case n > 0:
			out.WriteString(", ")
		}
		if err := copyShort(in, out, name); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	_, err := in.ReadToken()
	return err
}
