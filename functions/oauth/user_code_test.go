package oauth

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
)

func TestParseUserCode(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]userCode{
		"WDJB-MJHT": "WDJBMJHT", "wdjbmjht": "WDJBMJHT", " wdjb mjht. ": "WDJBMJHT", "W-D-J-B-M-J-H-T": "WDJBMJHT", "WDJB–MJHT": "WDJBMJHT",
		"WDJBA-MJHTE": "WDJBMJHT", // what no code has does not count
		"":            "", "WDJB-MJH": "", "WDJB-MJHTB": "", "ÄÖÜ": "", "１２３４": "", "ＷＤＪＢＭＪＨＴ": "", "\xff\xfe": "", strings.Repeat("-", 57) + "WDJBMJHT": "",
	} {
		if got, ok := parseUserCode(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", typed, got, ok)
		}
	}
}

// Every letter is as likely as any other: of 256 bytes 16 count as none.
func TestNewUserCode(t *testing.T) {
	t.Parallel()
	count := map[rune]int{}
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	random := bytes.NewReader(all)
	for range 30 {
		code, err := newUserCode(random)
		if err != nil {
			t.Fatal(err)
		}
		if again, ok := parseUserCode(code.String()); !ok || again != code {
			t.Errorf("%q does not come back: %q", code, again)
		}
		for _, letter := range string(code) {
			count[letter]++
		}
	}
	for _, letter := range userCodeLetters {
		if count[letter] != 12 {
			t.Errorf("%c came %d times of 12", letter, count[letter])
		}
	}
	if _, err := newUserCode(random); err == nil {
		t.Error("the last 16 bytes count")
	}
	if a, b := must(newUserCode(rand.Reader)), must(newUserCode(rand.Reader)); a == b {
		t.Errorf("twice %q", a)
	}
}

func must(c userCode, err error) userCode {
	if err != nil {
		panic(err)
	}
	return c
}

func FuzzParseUserCode(f *testing.F) {
	for _, typed := range []string{"WDJB-MJHT", "wdjb mjht", "", "\xff", "ＷＤＪＢ", "ſ-K-ß"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := parseUserCode(typed)
		if !ok {
			return
		}
		if len(code) != userCodeLength || strings.Trim(string(code), userCodeLetters) != "" {
			t.Fatalf("%q became %q", typed, code)
		}
		if again, ok := parseUserCode(code.String()); !ok || again != code {
			t.Errorf("%q became %q, and that %q", typed, code, again)
		}
		if again, ok := parseUserCode(strings.ToLower(string(code))); !ok || again != code {
			t.Errorf("%q in small letters became %q", code, again)
		}
	})
}
