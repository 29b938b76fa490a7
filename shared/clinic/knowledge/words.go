package knowledge

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kljensen/snowball/english"
)

// split cuts a text into lower-case words: letters, digits and the marks on them, of any script.
// "dog's" is dog, "don't" is dont.
func split(text string) []string {
	text = strings.ReplaceAll(strings.ToLower(text), "’", "'")
	words := strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '\''
	})
	kept := words[:0]
	for _, w := range words {
		w = strings.Trim(w, "'")
		w = strings.ReplaceAll(strings.TrimSuffix(w, "'s"), "'", "")
		if w != "" {
			kept = append(kept, w)
		}
	}
	return kept
}

// stem gives the form under which a word is indexed. Stop words have one too: phrases are made of them.
func stem(word string) string { return english.Stem(word, true) }

// stemmer is stem with a memory: it halves the time that Load takes, which every cold start waits for.
func stemmer() func(word string) string {
	known := map[string]string{}
	return func(word string) string {
		s, ok := known[word]
		if !ok {
			s = stem(word)
			known[word] = s
		}
		return s
	}
}

// filler says that a word has no subject: it is neither indexed nor searched for.
func filler(word string) bool {
	return english.IsStopWord(word) || fillers[word] || utf8.RuneCountInString(word) < 2 ||
		strings.IndexFunc(word, unicode.IsLetter) < 0 // numbers
}

// fillers are what the library's stop words lack: how people ask, and words as common in questions as in articles.
var fillers = set(`also always another anyone anything around ask away back bad best better bit cannot cant come could day days
	didnt doesnt dont enough ever every everything find fine found gave get gets getting give gives giving go
	goes going good got happen happened happens hasnt havent hello help hes hi hour hours however id ill im isnt
	ive keep keeps kind know last least less let like likely little long lot lots made make makes many matter
	may maybe mean might mine minutes month months much must need needs never new next nice normal nothing often
	ok okay old one ones open opening please possible put quite rather really right said say says see seem seems
	shall shes shouldnt since someone something sometimes soon start started still stop sure take takes taking
	tell thank thanks thats thing things think time times today told tomorrow tonight try two us use used usual
	usually want wants wasnt way week weeks well went whats whether without wont would wouldnt year years yes
	yesterday yet`)

// background words, stemmed, fit any subject ("dog", "eat", "home"): they help to rank, but do not find an article.
// A question of nothing else ("cats") is the exception.
var background = stems(`dog cat pet animal owner puppy kitten vet veterinary clinic home house care caring healthy
	health problem disease treatment condition sign symptom age male female adult young eat ate`)

// speciesWords tell, stemmed, which species a question is about.
var speciesWords = map[string]string{}

func init() {
	for s, words := range map[string]string{
		"dog":    "dog dogs puppy puppies pup doggy doggie canine bitch hound",
		"cat":    "cat cats kitten kittens kitty tomcat feline",
		"rabbit": "rabbit rabbits bunny bunnies",
		"ferret": "ferret ferrets",
	} {
		for w := range stems(words) {
			speciesWords[w] = s
		}
	}
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

func stems(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[stem(w)] = true
	}
	return m
}
