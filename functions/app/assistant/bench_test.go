package assistant

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// BenchmarkLongHistory is the dearest turn that the bounds allow: every earlier message full of words that nobody knows.
func BenchmarkLongHistory(b *testing.B) {
	turn := Turn{Now: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)}
	for i := range maxHistory + 1 {
		var words []string
		for j := 0; len(words) < 300; j++ {
			words = append(words, fmt.Sprintf("%c%s", 'a'+j%26, strings.Repeat("qz", 1+j%3)+string(rune('a'+(i+j)%26))+"x"))
		}
		turn.Message = strings.Join(words, " ")
		turn.History = append(turn.History, Exchange{Message: turn.Message, At: turn.Now})
	}
	a := Offline()
	for b.Loop() {
		if _, err := a.Next(context.Background(), turn); err != nil {
			b.Fatal(err)
		}
	}
}
