package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"path/filepath"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/web/lambda"
)

const refusal = `vetassist: this program keeps its users and keys in a file of its own, so of several instances each would have others, and
all would be gone with it. As a Lambda function it is for "sam local start-api" only. template.yaml has what to deploy.
`

// serveLambda is the whole program as one function, for "sam local start-api". All of its requests to itself stay in the
// process: a container answers one event at a time, so the next one would wait for the one that sent it.
func serveLambda(getenv func(string) string, stderr io.Writer) int {
	c := config.FromEnv(getenv)
	if !c.SAMLocal {
		fmt.Fprint(stderr, refusal)
		return exitFailed
	}
	if getenv(config.EnvDB) == "" {
		c.DB = filepath.Join("/tmp", config.DefaultDB) // nothing else can be written to
	}
	h := host.Host{Config: c, Now: host.Clock, Rand: rand.Reader, Log: lambdacontext.NewLogger()}
	lambda.Start(h, "", func(h host.Host) (http.Handler, error) {
		o := Options{Config: h.Config, Now: h.Now, Rand: h.Rand, Log: h.Log, Stdout: stderr}
		o.setDefaults()
		s := &Server{}
		if err := s.open(context.Background(), &o); err != nil {
			return nil, err
		}
		return s.handler, banner(o, s.filled, "") // SAM shows it with the log
	})
	return exitOK
}
