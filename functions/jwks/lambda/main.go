// Command lambda is the public keys as an AWS Lambda function.
package main

import (
	"log"
	"os"
	"time"

	"github.com/vetassist/vetassist/functions/jwks"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/host"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/dynamo"
	"github.com/vetassist/vetassist/shared/trace"
	"github.com/vetassist/vetassist/shared/web/lambda"
)

func main() {
	c := config.FromEnv(os.Getenv)
	table, err := dynamo.Open(dynamo.Options{Table: c.Table, Region: c.Region, Endpoint: c.Endpoint}, time.Now)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(host.Host{Config: c, Store: store.Ahead(table, host.Clock, jwks.First)}, trace.JWKS, jwks.Open)
}
