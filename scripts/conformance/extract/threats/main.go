// Command threats reads MCP's two security pages and the ASVS again, and says what is different from scripts/conformance/table/threats.tsv.
// The RFCs never change.
//
//	git clone https://github.com/modelcontextprotocol/modelcontextprotocol /tmp/mcp
//	git clone https://github.com/OWASP/ASVS /tmp/asvs
//	go run ./scripts/conformance/extract/threats /tmp/mcp /tmp/asvs
//
// It needs git, and is run at the root of the project.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"

	"github.com/vetassist/vetassist/scripts/conformance/table"
)

const (
	list = "scripts/conformance/table/threats.tsv"
	asvs = "5.0/docs_en/OWASP_Application_Security_Verification_Standard_5.0.0_en.csv"
)

var pages = []string{"docs/docs/2026-07-28/tutorials/security/security_best_practices.mdx", "docs/specification/2026-07-28/basic/authorization/security-considerations.mdx"}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./scripts/conformance/extract/threats <clone of MCP's specification> <clone of OWASP/ASVS>")
		os.Exit(2)
	}
	same, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !same {
		os.Exit(1)
	}
}

func run(mcpClone, asvsClone string) (bool, error) {
	var headings []string
	for _, page := range pages {
		text, err := show(mcpClone, page)
		if err != nil {
			return false, err
		}
		headings = append(headings, table.MCPThreats(text)...)
	}
	text, err := show(asvsClone, asvs)
	if err != nil {
		return false, err
	}
	requirements, err := table.ASVSRequirements(text)
	if err != nil {
		return false, err
	}
	same := true
	for _, source := range []struct {
		prefix string
		fresh  []string
	}{{"MCP", headings}, {"ASVS", requirements}} {
		listed, err := table.Listed(list, source.prefix)
		if err != nil {
			return false, err
		}
		fmt.Printf("%s: %d in the source, %d in the list\n", source.prefix, len(source.fresh), len(listed))
		for _, f := range source.fresh {
			if !slices.Contains(listed, f) {
				fmt.Println("  new:", f)
			}
		}
		for _, l := range listed {
			if !slices.Contains(source.fresh, l) {
				fmt.Println("  gone:", l)
			}
		}
		same = same && slices.Equal(source.fresh, listed)
	}
	return same, nil
}

func show(clone, file string) (string, error) {
	out, err := exec.Command("git", "-C", clone, "show", "HEAD:"+file).Output()
	if err != nil {
		return "", fmt.Errorf("git -C %s show HEAD:%s: %w", clone, file, err)
	}
	return string(out), nil
}
