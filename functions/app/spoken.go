package app

import (
	"net/url"
	"slices"
	"strings"
)

// Who is offered three buttons may as well write "the second one", "9:30" or "none of these". That is an answer too. Whatever could
// mean something else is a message like any other.

var (
	ordinals = map[string]int{"first": 0, "1st": 0, "1": 0, "second": 1, "2nd": 1, "2": 1, "third": 2, "3rd": 2, "3": 2, "fourth": 3, "4th": 3, "4": 3, "last": -1}
	fillers  = []string{"the", "one", "please", "then", "take", "i'll", "i", "would", "like", "choose", "option", "number", "at", "on", "with", "ok", "okay", "yes"}
	refusals = []string{"none", "none of these", "none of them", "none of those", "neither", "no", "no thanks", "no thank you"}
)

// spoken reads a message as the answer to a question that is one choice.
func (q *question) spoken(message string) (url.Values, bool) {
	f, _, err := readForm(q.Schema)
	if err != nil || f.choices() == nil {
		return nil, false
	}
	if slices.Contains(refusals, strings.Join(plainWords(message), " ")) && f.fields[0].kind == "one" {
		return url.Values{"do": {"decline"}}, true
	}
	options := f.choices()
	fits := func(i int) (url.Values, bool) { return url.Values{inputName(0): {options[i].Value}}, true }
	for i, o := range options {
		if slices.Equal(plainWords(message), plainWords(o.Title)) {
			return fits(i)
		}
	}
	words := slices.DeleteFunc(plainWords(message), func(w string) bool { return slices.Contains(fillers, w) })
	if len(words) == 0 {
		return nil, false
	}
	if n, ok := ordinals[words[0]]; ok && len(words) == 1 {
		if n < 0 {
			n = len(options) - 1
		}
		if n < len(options) {
			return fits(n)
		}
		return nil, false
	}
	found := -1
	for i, o := range options {
		title := plainWords(o.Title)
		if slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(title, w) }) {
			continue
		}
		if found >= 0 {
			return nil, false // it could be several
		}
		found = i
	}
	if found < 0 {
		return nil, false
	}
	return fits(found)
}

// plainWords are the words of a text in small letters; 9:30 is 09:30.
func plainWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" \t\n.,;!?“”\"()", r) })
	for i, w := range words {
		if len(w) == 4 && w[1] == ':' {
			words[i] = "0" + w
		}
	}
	return words
}

// spoken tells whether a message answers the question that is open in a conversation: which exchange's, and how.
func (a *app) spoken(c conversation, message string) (id string, form url.Values, ok bool) {
	if len(c.Exchanges) == 0 {
		return "", nil, false
	}
	last := c.Exchanges[len(c.Exchanges)-1]
	if last.Question == nil || !a.now().Before(last.Question.Until) {
		return "", nil, false
	}
	if form, ok = last.Question.spoken(message); ok {
		form.Set("question", last.Question.ID)
	}
	return last.ID, form, ok
}
