package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vetassist/vetassist/functions/vetassist/attack"
	"github.com/vetassist/vetassist/shared/attacks"
)

// TestReadmeAttack: what the README shows of the attack lab is what it prints, and there are as many attacks as it says.
func TestReadmeAttack(t *testing.T) {
	readmeSays(t, fmt.Sprintf("It knows %d attacks", len(attacks.All())))
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n## Attack lab\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	blocks := strings.Split(chapter, "```\n")
	if len(blocks) != 7 {
		t.Fatalf("%d blocks", len(blocks)/2)
	}
	w := newWorld(t)
	var printed strings.Builder
	run := func(command string) int {
		args := strings.Fields(strings.TrimPrefix(strings.TrimSpace(command), "go run ./functions/vetassist"))
		for i, arg := range args {
			args[i] = strings.ReplaceAll(arg, "http://localhost:8080", w.URL)
		}
		printed.Reset()
		return attackIt(append([]string{"-only", "code-replay"}, args[1:]...), &printed, &printed)
	}
	if status := run(blocks[1]); status != exitOK || !strings.HasPrefix(printed.String(), blocks[3]) {
		t.Errorf("%d, and it prints\n%s\nwhere the README has\n%s", status, &printed, blocks[3])
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("logins.txt", []byte("bob bob-demo\nalice alice-demo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	deployed := strings.ReplaceAll(strings.Split(blocks[5], "\n")[1], "https://vetassist.example.com", w.URL)
	if status := run(deployed); status != exitOK {
		t.Errorf("%d %s", status, &printed)
	}
	for _, id := range []string{"code-replay", "mix-up"} {
		if _, err := attack.Run(t.Context(), "http://localhost:1", attack.Options{Only: []string{id}, Logins: map[string]string{"bob": "x", "alice": "x"}}); err == nil || strings.Contains(err.Error(), "no attack") {
			t.Errorf("%s: %v", id, err)
		}
	}
}
