// Command secrets looks for every secret that the servers of a test run gave out in everything that the run wrote: logs and the tests' output.
//
//	VETASSIST_SECRETS_DIR=$dir go test -v ./... >$log; go run ./scripts/secrets $dir $log
//
// See shared/secrettest. It says where a secret stands and of what kind it is, not what it is.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/vetassist/vetassist/shared/secrettest"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: secrets DIR FILE...")
		os.Exit(2)
	}
	if err := look(os.Stdout, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "secrets:", err)
		os.Exit(1)
	}
}

// everyKind are what a whole run gives out. One that is missing means that nothing would be found.
var everyKind = []string{"cookie", "code", "access_token", "refresh_token", "id_token", "client_secret", "device_code", "request_uri", "form_token", "Authorization"}

func look(out io.Writer, dir string, files []string) error {
	kinds := map[string]string{} // by the end of the secret
	count := map[string]int{}
	err := each(dir, "secrets-*", func(_ string, _ int, line string) {
		if kind, tail, ok := strings.Cut(line, " "); ok && len(tail) == secrettest.TailLength {
			kinds[tail] = kind
			count[kind]++
		}
	})
	if err != nil {
		return err
	}
	for _, kind := range everyKind {
		if count[kind] == 0 {
			return fmt.Errorf("no %s was given out: is VETASSIST_SECRETS_DIR set for the tests?", kind)
		}
	}
	found, lines := 0, 0
	see := func(file string, n int, line string) {
		lines++
		for i := secrettest.TailLength; i <= len(line); i++ {
			if kind, ok := kinds[line[i-secrettest.TailLength:i]]; ok {
				found++
				fmt.Fprintf(out, "%s:%d: here stands a secret (%s)\n", file, n, kind)
				break
			}
		}
	}
	if err := each(dir, "log-*", see); err != nil {
		return err
	}
	for _, file := range files {
		if err := each(filepath.Dir(file), filepath.Base(file), see); err != nil {
			return err
		}
	}
	if found > 0 {
		return fmt.Errorf("%d lines hold a secret", found)
	}
	fmt.Fprintf(out, "None of %d secrets is in any of %d lines.\n", len(kinds), lines)
	return nil
}

// each reads files line by line. There must be some.
func each(dir, pattern string, line func(file string, n int, line string)) error {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there is no %s in %s", pattern, dir)
	}
	for _, file := range files {
		if err := read(file, line); err != nil {
			return err
		}
	}
	return nil
}

func read(file string, line func(file string, n int, line string)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		text, err := r.ReadString('\n')
		line(file, n, strings.TrimSuffix(text, "\n"))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
