package dynamo

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Bounds on what a verb takes. API Gateway waits for 30 seconds, for all verbs of a request.
const (
	connectTimeout = time.Second
	attemptTimeout = 3 * time.Second // DynamoDB answers within milliseconds, or not at all
	patience       = 8 * time.Second // with all attempts
)

// Options say which table it is.
type Options struct {
	Table    string
	Region   string // may be empty with an endpoint
	Endpoint string // a URL in place of AWS's own, such as DynamoDB Local's
}

// DB is a store.Store in one DynamoDB table.
type DB struct {
	client   *client
	table    string
	where    string // for messages
	now      func() time.Time
	retryer  *retry.Standard
	patience time.Duration
}

// Open makes a client. It sends nothing, so it is quick and cannot fail but for what is missing in its options.
func Open(o Options, now func() time.Time) (*DB, error) {
	return open(o, now, attemptTimeout, patience)
}

func open(o Options, now func() time.Time, attempt, patience time.Duration) (*DB, error) {
	if o.Table == "" {
		return nil, errors.New("no DynamoDB table is named: set VETASSIST_TABLE")
	}
	c := &client{http: newClient(attempt), url: o.Endpoint, region: o.Region, credentials: credentials(o.Endpoint != ""), signer: signer.NewSigner()}
	where := o.Endpoint
	switch {
	case o.Endpoint != "":
		c.region = cmp.Or(o.Region, "us-east-1") // it signs with some region; nobody looks
	case o.Region == "":
		return nil, errors.New("no region is named: set AWS_REGION")
	default:
		c.url, where = endpoint(o.Region), o.Region
	}
	c.url = strings.TrimSuffix(c.url, "/") + "/"
	return &DB{client: c, table: o.Table, where: where, now: now, retryer: newRetryer(), patience: patience}, nil
}

// endpoint is DynamoDB's address in a region. What has another than these two names it with AWS_ENDPOINT_URL_DYNAMODB.
func endpoint(region string) string {
	url := "https://dynamodb." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		url += ".cn"
	}
	return url
}

// newClient keeps connections. After a Lambda container was frozen the old ones may be dead without a word, so they are not
// used after a short while of idling: net/http measures that by the wall clock, which goes on in the cold.
func newClient(attempt time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: connectTimeout}).DialContext
	t.TLSHandshakeTimeout = connectTimeout
	t.IdleConnTimeout = 20 * time.Second
	t.MaxIdleConnsPerHost = 64
	t.ForceAttemptHTTP2 = false // DynamoDB speaks HTTP/1.1
	t.DisableCompression = true // its checksum is that of the bytes on the wire
	return &http.Client{Transport: t, Timeout: attempt}
}

// credentials are what Lambda, or a person's shell, has in the environment, read whenever they are used. DynamoDB Local
// takes any, so none are needed at an endpoint of one's own.
func credentials(local bool) aws.CredentialsProviderFunc {
	return func(context.Context) (aws.Credentials, error) {
		c := aws.Credentials{
			AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			Source:          "environment",
		}
		switch {
		case c.HasKeys():
			return c, nil
		case local:
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "none"}, nil
		}
		return c, errNoCredentials
	}
}

var errNoCredentials = errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
