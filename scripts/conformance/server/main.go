// Command server puts the fixtures of the official conformance suite behind everything that guards the VetAssist MCP server, runs a
// command, and ends with it:
//
//	server [-way lambda|listen] [-own] -- conformance server --url {url} --requirements 2026-07-28
//
// {url} in the command is where the fixtures are, or with -own the clinic's tools:
//
//	suite -> loopback proxy -> way -> origin.go, bearer.go, body.go, challenge.go of functions/mcp -> go-sdk -> fixtures
//
// The suite can send no token, so the proxy adds one, and leaves everything else as it came, Host and Origin included. The way is
// the Lambda adapter with an API Gateway in front, or a plain listener as in the single binary, where the Host is checked too.
// Before the command runs, requests that no guard may let through are sent past the proxy: were the guard open, the suite would not notice.
//
// It is no part of the product, and therefore lives with the scripts.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/shared/dpop"
	"github.com/vetassist/vetassist/shared/rbac"
	"github.com/vetassist/vetassist/shared/store/sqlite"
	"github.com/vetassist/vetassist/shared/token"
	"github.com/vetassist/vetassist/shared/web"
	"github.com/vetassist/vetassist/shared/web/lambda"
	"github.com/vetassist/vetassist/shared/web/lambda/lambdatest"
)

func main() {
	way := flag.String("way", "lambda", "lambda or listen")
	clinic := flag.Bool("own", false, "the clinic's own server instead of the fixtures")
	flag.Parse()
	if err := run(context.Background(), *way, *clinic, flag.Args()); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(max(1, exit.ExitCode()))
		}
		fmt.Fprintln(os.Stderr, "conformance server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, way string, clinic bool, command []string) error {
	if len(command) == 0 {
		return errors.New("which command?")
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer front.Close()
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer back.Close()

	base := "http://" + front.Addr().String()
	db, err := sqlite.Open(ctx, ":memory:", time.Now)
	if err != nil {
		return err
	}
	defer db.Close()
	keys := token.NewKeyring(base, db, time.Now, rand.Reader)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	config := mcp.Config{
		BaseURL: base, Roles: noRoles{}, Rate: 1e6, Now: time.Now, Log: log,
		Verifier: token.NewVerifier(base, []string{base + "/mcp", mcp.Identifier}, token.StoredKeys(db, time.Now), time.Now),
		Proofs:   dpop.NewChecker(db, "mcp-dpop/", "mcp-secret/dpop", time.Now, rand.Reader),
	}
	var guarded http.Handler
	if clinic {
		guarded, err = own(ctx, config, db)
	} else {
		guarded, err = mcp.Guarded(config, fixtures(mcp.Options()))
	}
	if err != nil {
		return err
	}
	handler := web.Observe(log, http.MaxBytesHandler(guarded, web.MaxBody))
	if way == "lambda" {
		if handler, err = behindGateway(base, handler, log); err != nil {
			return err
		}
	} else if way != "listen" {
		return fmt.Errorf("there is no way %q", way)
	}
	go http.Serve(back, handler)
	go http.Serve(front, proxy(back.Addr().String(), keys, base))

	if err := closed(ctx, "http://"+back.Addr().String()+"/mcp", base); err != nil {
		return err
	}
	args := make([]string, len(command))
	for i, arg := range command {
		args[i] = strings.ReplaceAll(arg, "{url}", base+"/mcp")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// fixtures is the suite's server, with the options of ours.
func fixtures(options *sdk.ServerOptions) *sdk.Server {
	options.CompletionHandler = complete
	s := sdk.NewServer(&sdk.Implementation{Name: "conformance-fixtures", Version: "1.0.0"}, options)
	addTools(s)
	addInputRequired(s)
	addResources(s)
	addPrompts(s)
	return s
}

// noRoles: no role has more than the token, whose scopes are enough for everything.
type noRoles struct{}

func (noRoles) RoleScopes(context.Context, []string, string) ([]string, error) { return nil, nil }

// function is a Lambda function in this process.
type function struct{ *lambda.Function }

func (f function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	answer, err := f.Function.Invoke(ctx, e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func behindGateway(base string, handler http.Handler, log *slog.Logger) (http.Handler, error) {
	f, err := lambda.New(base, func(string) (http.Handler, error) { return handler, nil }, log)
	if err != nil {
		return nil, err
	}
	return lambdatest.NewGateway(lambdatest.Route{Key: "ANY /mcp", To: function{f}})
}

// proxy adds an access token to each request.
func proxy(to string, keys *token.Keyring, base string) http.Handler {
	forward := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: to})
		r.Out.Host = r.In.Host
	}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _, err := keys.Mint(r.Context(), token.Grant{ID: rand.Text(), Subject: "conformance", ClientID: "conformance-suite", Audience: []string{base + "/mcp"},
			Roles: []string{rbac.StaffRole}, Scopes: []string{rbac.PetProfileRead, rbac.AppointmentRead, rbac.ReminderRead}})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		r.Header.Set("Authorization", "Bearer "+raw)
		forward.ServeHTTP(w, r)
	})
}

// closed makes sure that without a token, with a bad one, or from a foreign page nobody gets in.
func closed(ctx context.Context, at, base string) error {
	for _, c := range []struct {
		header, value string
		status        int
	}{
		{"Authorization", "", http.StatusUnauthorized},
		{"Authorization", "Bearer forged", http.StatusUnauthorized},
		{"Origin", "https://evil.example", http.StatusForbidden},
	} {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
		if err != nil {
			return err
		}
		r.Host = strings.TrimPrefix(base, "http://")
		r.Header.Set("Content-Type", "application/json")
		if c.value != "" {
			r.Header.Set(c.header, c.value)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != c.status || c.status == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") == "" {
			return fmt.Errorf("the guard is open: %s %q is answered %s", c.header, c.value, resp.Status)
		}
	}
	return nil
}
