package lambda

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// The events of SAM have one request id for all, so a number that somebody reports would say nothing.
func TestSAMLocalRequestID(t *testing.T) {
	event, err := os.ReadFile(filepath.Join("testdata", "sam-local.json"))
	if err != nil {
		t.Fatal(err)
	}
	f := functionAt(t, "http://localhost:3000", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, nil)
	for _, id := range []string{"first", "second"} {
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: id})
		out, err := f.invokeLocal(ctx, event)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Headers["X-Request-Id"]; got != id {
			t.Errorf("the answer to %s has the request id %q: %+v", id, got, out)
		}
	}
}
