//go:build !unix

package main

import "io"

// tellWhatIsHeld needs a signal that only Unix has.
func tellWhatIsHeld(*Server, io.Writer) (end func()) { return func() {} }

func outliveFileLimit() {}
