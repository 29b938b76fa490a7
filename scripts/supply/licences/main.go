// Command licences looks at the licence of every module that a program is linked of, and fails at one that is not on its short list. On
// stdout it writes their texts, which the licences themselves want beside a program that is handed on.
//
//	go run ./scripts/supply/licences ./functions/vetassist >THIRD_PARTY_NOTICES.txt
//
// It looks at the modules of all systems that scripts/release builds for.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// systems are those of scripts/release. What a module is linked of is the same on both processors but for assembly.
var systems = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// A Module of the build, with its files that speak of rights.
type Module struct {
	Path, Version string
	Texts         []Text
}

// A Text is a file such as LICENSE or NOTICE.
type Text struct{ Name, Body string }

func main() {
	modules, err := modules(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
	wrong := false
	for _, m := range modules {
		found, err := m.licences()
		if err != nil {
			fmt.Fprintf(os.Stderr, "licences: %s %s: %v\n", m.Path, m.Version, err)
			wrong = true
			continue
		}
		fmt.Fprintf(os.Stderr, "%-60s %-42s %s\n", m.Path, m.Version, strings.Join(found, ", "))
	}
	if wrong {
		os.Exit(1)
	}
	write(os.Stdout, modules)
}

// kinds are the licences that we know by a sentence of theirs, and whether a program of ours may be linked with what has it. All that is
// allowed lets a program be handed on, changed or not, as long as their text goes with it.
var kinds = []struct {
	name    string
	allowed bool
	words   *regexp.Regexp
}{
	{"MIT", true, regexp.MustCompile(`Permission is hereby granted, free of charge, to any person obtaining a copy`)},
	{"BSD", true, regexp.MustCompile(`Redistribution and use in source and binary forms, with or without modification, are permitted`)},
	{"Apache-2.0", true, regexp.MustCompile(`Apache License,? Version 2\.0`)},
	{"ISC", true, regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software for any purpose`)},
	{"public domain", true, regexp.MustCompile(`(released into|is in|placed in|dedicated to) the public domain`)},
	{"MPL-2.0", true, regexp.MustCompile(`Mozilla Public License,? ([Vv]ersion|v\.) ?2\.0`)}, // binds their files only, and whoever has them must learn where: see write
	{"EPL", false, regexp.MustCompile(`Eclipse Public License`)},
	{"GPL, LGPL or AGPL", false, regexp.MustCompile(`GNU (LESSER |LIBRARY |AFFERO )?GENERAL PUBLIC LICENSE|terms of the GNU`)}, // the MPL names them, too, in other words
	{"SSPL", false, regexp.MustCompile(`Server Side Public License`)},
	{"BUSL", false, regexp.MustCompile(`Business Source License`)},
}

// notLinked are files that speak of what is beside a module's code, and no part of a program.
var notLinked = map[string]string{
	"github.com/aws/aws-lambda-go LICENSE-SUMMARY": "of its documentation and samples",
	"modernc.org/memory LICENSE-LOGO":              "of a picture in its README",
}

var (
	space  = regexp.MustCompile(`[\s*#/]+`)
	rights = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)`)
)

// licences are those of a module, or an error where there is none, an unknown one, or one that is not allowed.
func (m Module) licences() (found []string, err error) {
	known := false
	for _, t := range m.Texts {
		if notLinked[m.Path+" "+t.Name] != "" {
			continue
		}
		body, here := space.ReplaceAllString(t.Body, " "), false
		for _, k := range kinds {
			if !k.words.MatchString(body) {
				continue
			}
			if !k.allowed {
				return nil, fmt.Errorf("%s is %s, which is not on the list", t.Name, k.name)
			}
			here = true
			if !slices.Contains(found, k.name) {
				found = append(found, k.name)
			}
		}
		if upper := strings.ToUpper(t.Name); !here && (strings.HasPrefix(upper, "LICEN") || strings.HasPrefix(upper, "COPYING")) {
			return nil, fmt.Errorf("%s is a licence that is not known here", t.Name)
		}
		known = known || here
	}
	if !known {
		return nil, errors.New("no licence was found")
	}
	return found, nil
}

// write joins the texts, each under the name of its module.
func write(w io.Writer, modules []Module) {
	fmt.Fprint(w, "VetAssist is made with the work of others. These are their modules, and under which terms they may be used.\n"+
		"The source of each is where its name says: \"go mod download NAME@VERSION\" fetches it.\n")
	for _, m := range modules {
		for _, t := range m.Texts {
			fmt.Fprintf(w, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 80), m.Path, m.Version, t.Name, strings.TrimSpace(strings.ReplaceAll(t.Body, "\r\n", "\n")))
		}
	}
}

// modules asks go list which modules the packages are linked of, the standard library among them.
func modules(packages []string) ([]Module, error) {
	dirs := map[string]Module{}
	for _, system := range systems {
		goos, goarch, _ := strings.Cut(system, "/")
		cmd := exec.Command("go", append([]string{"list", "-deps", "-json=Module,Standard"}, packages...)...)
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list: %w\n%s", err, &stderr)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var p struct {
				Module *struct {
					Path, Version, Dir string
					Main               bool
				}
			}
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, err
			}
			if m := p.Module; m != nil && !m.Main {
				dirs[m.Dir] = Module{Path: m.Path, Version: m.Version}
			}
		}
	}
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return nil, err
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	dirs[root] = Module{Path: "Go's standard library", Version: version}
	var all []Module
	for dir, m := range dirs {
		if m.Texts, err = texts(dir); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

func texts(dir string) ([]Text, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Text
	for _, f := range files {
		if f.IsDir() || !rights.MatchString(f.Name()) {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, Text{f.Name(), string(body)})
	}
	return all, nil
}
