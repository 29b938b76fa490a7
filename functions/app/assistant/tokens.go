package assistant

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kljensen/snowball/english"
)

// maxMessage bounds what is read of one message, in bytes. The rest is ignored.
const maxMessage = 2000

// maxTokens bounds the words read of one message.
const maxTokens = 400

// A token is a word, a number or an address of the message.
type token struct {
	text       string // as typed, without a possessive ending
	low        string // lower case, spelling mended
	stem       string
	start, end int    // byte offsets in the message
	upper      bool   // begins with a capital that means something
	poss       bool   // was followed by 's
	first      bool   // begins a sentence
	mended     bool   // low is a guess at what was meant
	minus      bool   // a minus sign stands before it
	sep        string // the punctuation that follows: . ? ! ; , : or a line break
}

var (
	tokenPattern = compiled(`[\w.+-]+@[\w-]+(?:\.[\w-]+)+` + // an e-mail address
		`|(?i:[ap]\.m\b\.?)` + // a.m.
		`|\d+(?:[.,:/-]\d+)*[\p{L}]*` + // 30, 30kg, 4.5, 10:30, 12/5, 2026-12-01, 5th
		`|\p{L}[\p{L}\p{M}\p{N}_]*(?:['-][\p{L}\p{M}\p{N}_]+)*'?`) // words: check-up, don't, James'
	separator = compiled(`[.?!;:,\n]`)
	spaces    = compiled(`[^\S\n]+`)
	quotes    = strings.NewReplacer("’", "'", "‘", "'", "`", "'", "“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`, "–", "-", "—", " - ", "\r", "\n")
)

// clean makes a message safe to read: valid UTF-8, bounded, one kind of quote, no control characters.
func clean(message string) string {
	if len(message) > maxMessage {
		message = message[:maxMessage]
		for len(message) > 0 && !utf8.ValidString(message[max(0, len(message)-utf8.UTFMax):]) {
			message = message[:len(message)-1]
		}
	}
	message = quotes.Replace(strings.ToValidUTF8(message, " "))
	message = strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return ' '
		}
		return r
	}, message)
	return strings.TrimSpace(spaces().ReplaceAllString(message, " "))
}

// isWords are the words whose 's means "is".
var isWords = set("what when where who how it he she that there here why which")

// tokenize splits a cleaned message into tokens.
func tokenize(s string) []token {
	var out []token
	first := true
	found := tokenPattern().FindAllStringIndex(s, maxTokens)
	for n, at := range found {
		t := token{text: s[at[0]:at[1]], start: at[0], end: at[1], first: first}
		t.minus = at[0] > 0 && s[at[0]-1] == '-' && (at[0] == 1 || s[at[0]-2] == ' ')
		after := len(s)
		if n+1 < len(found) {
			after = found[n+1][0]
		}
		gap := s[at[1]:after]
		if m := separator().FindString(gap); m != "" {
			t.sep = m
			if strings.ContainsRune(gap, '?') { // "?)" or `?"`: what matters is that it was a question
				t.sep = "?"
			}
		} else if strings.Contains(gap, " - ") {
			t.sep = ","
		}
		if low := strings.ToLower(t.text); t.sep == "." && (courtesy[low] || isTitle(low)) {
			t.text, t.sep = t.text+".", ""
		}
		first = strings.ContainsAny(t.sep, ".?!;:\n") && t.sep != ""
		low := strings.ToLower(t.text)
		is := false
		switch {
		case strings.HasSuffix(low, "'s"):
			t.text, low = t.text[:len(t.text)-2], low[:len(low)-2]
			if is = isWords[low]; !is {
				t.poss = low != "let"
			}
		case strings.HasSuffix(low, "'"):
			t.text, low = t.text[:len(t.text)-1], low[:len(low)-1]
			t.poss = strings.HasSuffix(low, "s")
		}
		low = strings.TrimSuffix(low, ".")
		r, _ := utf8.DecodeRuneInString(t.text)
		t.upper = unicode.IsUpper(r)
		t.low = low
		sep := t.sep
		if is {
			t.sep = ""
		}
		out = append(out, t)
		if is {
			out = append(out, token{text: "is", low: "is", start: at[1], end: at[1], sep: sep})
		}
	}
	if !capitalsMean(out) {
		for i := range out {
			out[i].upper = false
		}
	}
	out = joinPhrases(out)
	for i := range out {
		out[i].stem = stem(out[i].low)
	}
	return out
}

// capitalsMean reports whether capital letters tell names from words here: not in a message that SHOUTS or Writes Titles.
func capitalsMean(toks []token) bool {
	small, plain, titled := 0, 0, 0
	for _, t := range toks {
		r, _ := utf8.DecodeRuneInString(t.text)
		if !unicode.IsLetter(r) {
			continue
		}
		if !t.upper {
			small++
		}
		if !t.first && t.low != "i" && lex().knows(t.low) {
			plain++
			if t.upper {
				titled++
			}
		}
	}
	return len(toks) == 1 || small > 0 && (titled < 2 || titled*2 < plain)
}

// stem reduces an English word: "vaccinations" and "vaccinated" are the same to the planner.
func stem(word string) string {
	if len(word) < 3 || len(word) > 40 {
		return word
	}
	return english.Stem(word, true)
}

// joinPhrases turns a known phrase ("check up", "get rid of") into one token.
func joinPhrases(toks []token) []token {
	lx := lex()
	out := toks[:0:0]
	for i := 0; i < len(toks); i++ {
		n, to := lx.phraseAt(toks, i)
		if n == 0 {
			t := toks[i]
			if a, ok := lx.alias[t.low]; ok {
				t.low = a
			}
			out = append(out, t)
			continue
		}
		t := toks[i]
		last := toks[i+n-1]
		t.low, t.end, t.sep, t.poss = to, last.end, last.sep, last.poss
		t.upper = false
		out = append(out, t)
		i += n - 1
	}
	return out
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
