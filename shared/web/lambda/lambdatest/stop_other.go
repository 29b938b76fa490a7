//go:build !unix

package lambdatest

import "os"

// signalStop does nothing here: Windows has no such signals, and Lambda is Linux. A test that freezes functions says nothing then.
func signalStop(*os.Process, bool) {}
