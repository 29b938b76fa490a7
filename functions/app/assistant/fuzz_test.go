package assistant

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzNext sends any message, any earlier message and any result: no panic, few calls, an end, a bounded reply in valid UTF-8.
func FuzzNext(f *testing.F) {
	for i, p := range phrasings {
		f.Add(phrasings[(i*7)%len(phrasings)].message, p.message, `{"pet":{"id":"p","name":"Fido","species":"dog"}}`)
	}
	for _, x := range replies {
		f.Add("cancel the second one", x.message, x.structured)
		f.Add(x.message, "and Milo?", x.structured)
	}
	f.Add(strings.Repeat("and book Fido ", 300), strings.Repeat("1/1 ", 900), `[[[[[{}]]]]]`)
	f.Add("İ's \xff\xfe 'S ʼn", "a's's's", `{"pets":[{"name":"İ","species":"DOG"}],"next_cursor":7}`)
	tools := append(clinicTools(f), kennel)
	now := monday(f)
	f.Fuzz(func(t *testing.T, before, message, result string) {
		if len(before)+len(message) > 8000 || len(result) > 8000 {
			return
		}
		var history []Exchange
		for _, m := range []string{before, message} {
			turn := Turn{Now: now, Tools: tools, History: history, Message: m}
			steps := 0
			for ; ; steps++ {
				s, err := planner.Next(context.Background(), turn)
				if err != nil {
					t.Fatal(err)
				}
				if len(s.Calls) == 0 {
					if s.Reply == "" || utf8.RuneCountInString(s.Reply) > maxReply || !utf8.ValidString(s.Reply) {
						t.Fatalf("bad reply %q to %q", s.Reply, m)
					}
					if len(s.Suggestions) > 4 {
						t.Fatalf("%d suggestions", len(s.Suggestions))
					}
					history = append(history, Exchange{Message: m, Reply: s.Reply, Done: turn.Done})
					break
				}
				if len(s.Calls) > maxCalls || steps > maxDone {
					t.Fatalf("no end: step %d, %d calls for %q", steps, len(s.Calls), m)
				}
				for i, c := range s.Calls {
					if _, err := json.Marshal(c.Arguments); err != nil {
						t.Fatalf("arguments of %s: %v", c.Name, err)
					}
					outcome := []Outcome{OK, ToolError, NeedsConsent, Denied, Failed}[(len(result)+i+steps)%5]
					turn.Done = append(turn.Done, Observation{Call: c, Outcome: outcome, Text: result, Structured: json.RawMessage(result)})
				}
			}
		}
	})
}
