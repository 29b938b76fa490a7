package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is what scripts/release names a release. Any other build says what Go knows of it.
var version string

// versionText says which VetAssist this is: its version, the commit that it was built of, when that was made, and by which Go. It is
// for whoever has the program in hands, and no page and no header tells it to strangers.
func versionText(version string, info *debug.BuildInfo) string {
	commit, date, changed := "unknown", "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.time":
			date = " of " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = ", with changes since"
		}
	}
	if commit == "unknown" {
		commit += `: "go build" in a clone notes it, and "go run" does not`
	}
	return fmt.Sprintf("vetassist %s\ncommit %s%s%s\n%s %s/%s\n", cmp.Or(version, info.Main.Version, "(devel)"),
		commit, date, changed, cmp.Or(info.GoVersion, runtime.Version()), runtime.GOOS, runtime.GOARCH)
}

func thisVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok { // only a program that was built without modules has none
		info = &debug.BuildInfo{}
	}
	return versionText(version, info)
}
