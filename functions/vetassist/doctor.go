package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/vetassist/vetassist/functions/vetassist/doctor"
)

const doctorUsage = `Examines a VetAssist from outside, as any stranger could: can it be reached, does it know its own address, do gateways in front
leave its headers alone, may the right pages call it, are its keys in order, are strangers turned away. Each finding says why,
and each that is not ok how to mend it. Nothing is changed there. Away from this machine the demo's passwords of bob and admin are tried once each, which counts as a
wrong guess.

Usage:

  go run ./functions/vetassist doctor [-json] URL

  URL     the address, such as http://localhost:8080
  -json   print the findings for programs

The exit status is 0 when nothing is wrong (there may be warnings), and 1 otherwise.
`

// examine is the subcommand doctor.
func examine(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("doctor", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	asJSON := f.Bool("json", false, "")
	err := f.Parse(args)
	typed := f.Arg(0)
	if err == nil && f.NArg() > 1 { // -json after the address is understood too
		err = f.Parse(f.Args()[1:])
		if err == nil && f.NArg() > 0 {
			typed = ""
		}
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, doctorUsage)
		return exitOK
	case err == nil && typed == "":
		err = errors.New("it takes one address, such as https://vetassist.example.com")
	}
	var report doctor.Report
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		report, err = doctor.Examine(ctx, typed, doctor.Options{})
	}
	if err != nil {
		fmt.Fprintf(stderr, "vetassist: %v\nRun it with -h to see what it takes.\n", err)
		return exitUsage
	}
	return showReport(report, *asJSON, stdout, stderr)
}

func showReport(report doctor.Report, asJSON bool, stdout, stderr io.Writer) int {
	var err error
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(report)
	} else {
		err = report.WriteText(stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "vetassist: %v\n", err)
		return exitFailed
	case report.Wrong > 0:
		return exitFailed
	}
	return exitOK
}
