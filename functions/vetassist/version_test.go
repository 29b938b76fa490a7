package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestVersion: whoever reports a mistake can say exactly what they ran. The command line of it is in testdata/version.txt.
func TestVersion(t *testing.T) {
	here := " " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
	git := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.time", Value: "2026-11-28T06:00:00Z"}, {Key: "vcs.modified", Value: modified}}
	}
	for _, c := range []struct {
		name, version string
		info          debug.BuildInfo
		want          string
	}{
		{"a release", "v1.2.3", debug.BuildInfo{GoVersion: "go1.26.11", Settings: git("false")},
			"vetassist v1.2.3\ncommit 0123abc of 2026-11-28T06:00:00Z\ngo1.26.11" + here},
		{"go build in a clone", "", debug.BuildInfo{GoVersion: "go1.26.11", Main: debug.Module{Version: "v1.2.4-0.20261128"}, Settings: git("true")},
			"vetassist v1.2.4-0.20261128\ncommit 0123abc of 2026-11-28T06:00:00Z, with changes since\ngo1.26.11" + here},
		{"go run, and go build in a folder without git", "", debug.BuildInfo{GoVersion: "go1.26.11"},
			"vetassist (devel)\ncommit unknown: \"go build\" in a clone notes it, and \"go run\" does not\ngo1.26.11" + here},
		{"nothing known", "", debug.BuildInfo{},
			"vetassist (devel)\ncommit unknown: \"go build\" in a clone notes it, and \"go run\" does not\n" + runtime.Version() + here},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := versionText(c.version, &c.info); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
