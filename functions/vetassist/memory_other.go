//go:build !linux

package main

// dropProgram does nothing where the system has no such call.
func dropProgram() {}
