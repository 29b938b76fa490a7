// Command ran reads the output of "go test -v ./..." and says which tests that scripts/conformance/README.md and threats.md name did not
// pass in it.
//
//	go test -v ./... | go run ./scripts/conformance/ran
//
// Step test of scripts/check does so. It is run at the root of the project.
package main

import (
	"fmt"
	"os"

	"github.com/vetassist/vetassist/scripts/conformance/table"
)

func main() {
	wrong, err := run()
	for _, line := range wrong {
		fmt.Fprintln(os.Stderr, line)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || len(wrong) > 0 {
		os.Exit(1)
	}
}

func run() ([]string, error) {
	readme, err := os.ReadFile("scripts/conformance/README.md")
	if err != nil {
		return nil, err
	}
	rows, err := table.Parse(string(readme))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile("scripts/conformance/threats.md")
	if err != nil {
		return nil, err
	}
	threats, err := table.ParseThreats(string(text))
	if err != nil {
		return nil, err
	}
	return table.Failed(append(rows, table.ThreatRows(threats)...), os.Stdin)
}
