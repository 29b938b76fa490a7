// Command extract lists every requirement of the pages of the MCP specification that the README of scripts/conformance answers, and says
// what is different from the list beside it.
//
//	git clone https://github.com/modelcontextprotocol/modelcontextprotocol /tmp/mcp
//	go run ./scripts/conformance/extract /tmp/mcp                  compare with the newest commit of the clone
//	go run ./scripts/conformance/extract -at 2026-07-28 /tmp/mcp   with any other
//	go run ./scripts/conformance/extract -full /tmp/mcp            show each requirement in full
//	go run ./scripts/conformance/extract -write /tmp/mcp           and take over what is different
//
// It needs git, and is run at the root of the project.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/vetassist/vetassist/scripts/conformance/table"
)

func main() {
	at := flag.String("at", "HEAD", "`revision` of the specification's repository")
	full := flag.Bool("full", false, "show each requirement in full")
	write := flag.Bool("write", false, "write the list")
	file := flag.String("list", "scripts/conformance/table/requirements.tsv", "`file` of the list")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: go run ./scripts/conformance/extract [-at revision] [-full] [-write] <clone of the specification's repository>")
		os.Exit(2)
	}
	same, err := run(flag.Arg(0), *at, *file, *full, *write)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !same {
		os.Exit(1)
	}
}

func run(dir, revision, file string, full, write bool) (same bool, err error) {
	old, err := table.ReadList(file)
	if err != nil && !(write && os.IsNotExist(err)) {
		return false, err
	}
	fresh, words, err := table.FromGit(dir, revision, old)
	if err != nil {
		return false, err
	}
	if full {
		for _, r := range fresh.Requirements {
			fmt.Printf("%s\t%s\t%s\n\t%s\n", r.ID, r.Level, r.Link(), r.Text())
		}
	}
	count := map[string]int{}
	for _, r := range fresh.Requirements {
		count[r.Prefix()]++
	}
	for _, p := range table.Pages {
		fmt.Printf("%-5s%4d requirements, from %d words like MUST, in %s\n", p.Prefix, count[p.Prefix], words[p.Prefix], p.File)
	}
	differences := table.Differences(old, fresh)
	for _, line := range differences {
		fmt.Println(line)
	}
	fmt.Printf("%d requirements at %.12s, %d differences from the list at %.12s\n", len(fresh.Requirements), fresh.Commit, len(differences), old.Commit)
	if write {
		return true, fresh.Write(file)
	}
	return len(differences) == 0, nil
}
