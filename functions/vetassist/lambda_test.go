//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store/dynamo"
	"github.com/vetassist/vetassist/shared/store/dynamo/faulty"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/web/lambda/lambdatest"
)

// TestStoryAllInOne: the whole program as one function, as sam local runs it, one request at a time.
func TestStoryAllInOne(t *testing.T) {
	t.Parallel()
	w, program := allInOne(t)
	tellAt(w)
	if n := program.Starts(); n != 1 {
		t.Errorf("it was started %d times", n)
	}
}

// TestEmptyAllInOne: the administrator's password stands in the log, which SAM shows. There is no other way to it.
func TestEmptyAllInOne(t *testing.T) {
	w, program := allInOne(t, config.EnvSeed+"="+config.SeedNone)
	admin := w.person()
	admin.open("/oauth/login")
	m := shownPassword.FindAllStringSubmatch(program.Logs(), -1)
	if len(m) != 1 || m[0][1] != "admin" {
		t.Fatalf("the log shows %d passwords", len(m))
	}
	if p := admin.submit("username", url.Values{"username": {"admin"}, "password": {m[0][2]}}); p.status != http.StatusOK || !strings.Contains(p.text, "Administrator") {
		t.Errorf("%d: %s", p.status, p.text)
	}
}

func allInOne(t *testing.T, env ...string) (*world, *lambdatest.Function) {
	t.Helper()
	front := httptest.NewUnstartedServer(nil)
	base := "http://" + strings.Replace(front.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	program := lambdatest.New(lambdatest.Config{
		Bootstrap: os.Args[0], Freeze: true, Timeout: time.Minute,
		Env: append(env, asCommand+"=1", config.EnvSAMLocal+"=true", config.EnvBaseURL+"="+base, config.EnvDB+"="+filepath.Join(t.TempDir(), "vetassist.db")),
	})
	t.Cleanup(program.Close)
	gateway, err := lambdatest.NewGateway(lambdatest.Route{Key: "$default", To: program})
	if err != nil {
		t.Fatal(err)
	}
	gateway.Domain = "localhost" // without a port
	front.Config.Handler = gateway
	front.Start()
	t.Cleanup(front.Close)
	logsOf(t, "", program)
	return &world{t: t, Server: &Server{URL: base}}, program
}

// TestLambdaRefuses: on AWS itself each instance would have its own users and keys.
func TestLambdaRefuses(t *testing.T) {
	var stderr bytes.Buffer
	env := map[string]string{config.EnvRuntimeAPI: "127.0.0.1:1"}
	if code := run(nil, func(name string) string { return env[name] }, io.Discard, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "template.yaml") {
		t.Errorf("%d: %s", code, &stderr)
	}
}

// cloud is VetAssist as deployed: the functions of template.yaml, compiled, behind a gateway that ends TLS, over
// DynamoDB Local. Nothing tells them their address but the gateway's events.
type cloud struct {
	*world
	front     *httptest.Server
	functions map[string]*lambdatest.Function
	env       []string // of all processes
	table     dynamo.Options
}

// cloudName is what the gateway is called, and what the certificate of httptest says.
const cloudName = "example.com"

func newCloud(t *testing.T, endpoint, recorder string) *cloud {
	t.Helper()
	c := &cloud{world: &world{t: t, Server: &Server{URL: "https://" + cloudName}}, functions: map[string]*lambdatest.Function{}}
	c.front = httptest.NewUnstartedServer(nil)
	tunnel := httptest.NewServer(http.HandlerFunc(c.tunnel))
	t.Cleanup(tunnel.Close)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	c.table = storetest.NewTable(t)
	c.env = []string{config.EnvTable + "=" + c.table.Table, config.EnvEndpoint + "=" + endpoint, config.EnvSeed + "=demo", config.EnvRecorder + "=" + recorder,
		"HTTPS_PROXY=" + tunnel.URL, "SSL_CERT_FILE=" + authority}

	tp := readTemplate(t, "../../template.yaml")
	var routes []lambdatest.Route
	for name, l := range lambdas {
		if tp.Resources[name].Condition == recorderOn && recorder != config.RecorderOn {
			continue
		}
		bootstrap, err := lambdatest.Build(t.Context(), "github.com/vetassist/vetassist/functions/"+l.folder+"/lambda", t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		f := lambdatest.New(lambdatest.Config{Bootstrap: bootstrap, Env: c.env, Concurrency: 4, Freeze: true})
		t.Cleanup(f.Close)
		logsOf(t, l.folder, f)
		c.functions[l.folder] = f
		for _, e := range at(tp.Resources[name].Properties, "Events").(node) {
			path := at(e, "Properties", "Path").(string)
			if path != "$default" {
				path = "ANY " + path
			}
			routes = append(routes, lambdatest.Route{Key: path, To: f})
		}
	}
	gateway, err := lambdatest.NewGateway(routes...)
	if err != nil {
		t.Fatal(err)
	}
	gateway.Remap = true
	c.front.Config.Handler = gateway
	c.front.StartTLS()
	t.Cleanup(c.front.Close)
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.front.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c.network = c.front.Client().Transport.(*http.Transport).Clone()
	c.network.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, c.front.Listener.Addr().String())
	}

	out := c.command("seed", "-base-url", c.URL)
	for _, m := range shownPassword.FindAllStringSubmatch(out, -1) {
		t.Setenv("VETASSIST_STORY_"+strings.ToUpper(m[1])+"_PASSWORD", m[2])
	}
	return c
}

// tunnel is the way out of the functions (RFC 9110 §9.3.6): all of it leads to the gateway.
func (c *cloud) tunnel(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || r.Host != cloudName+":443" {
		c.t.Errorf("a function wants %s %s", r.Method, r.Host)
		http.Error(w, "there is nothing else", http.StatusForbidden)
		return
	}
	to, err := net.Dial("tcp", c.front.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(to, from)
		to.Close()
	}()
	_, _ = io.Copy(from, to)
}

// command runs vetassist, and returns what it says.
func (c *cloud) command(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), os.Args[0], args...)
	cmd.Env = append(c.env, asCommand+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("vetassist %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// logsOf shows what a function wrote when the test fails.
func logsOf(t *testing.T, name string, f *lambdatest.Function) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s:\n%s", name, f.Logs())
		}
	})
}

// TestDynamoDBAsDeployed tells the story of the five functions. The doctor finds nothing wrong with them. Then things happen to them.
func TestDynamoDBAsDeployed(t *testing.T) {
	proxy := faulty.New(t, storetest.Endpoint(t), well)
	c := newCloud(t, proxy.URL, config.RecorderOff)
	t.Run("story", func(t *testing.T) { tellAt(c.in(t)) })
	t.Run("walkthrough", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "passwords")
		text := fmt.Sprintf("bob %s\ncarol %s\nadmin %s\n", passwordOf("bob"), passwordOf("carol"), passwordOf("admin"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, tale := range []string{"-yes", "-clients", "-revisions"} { // as scripts/deploy does at its end
			if out := c.command("walkthrough", "-yes", tale, "-password-file", file, c.URL); !strings.HasSuffix(out, "All of it came as it should.\n") {
				t.Errorf("%s", out)
			}
		}
	})
	t.Run("doctor", func(t *testing.T) {
		if out := c.command("doctor", c.URL); !strings.Contains(out, "x-amzn-remapped-www-authenticate") {
			t.Errorf("it did not see what the gateway does:\n%s", out)
		}
	})
	t.Run("killed between two writes", func(t *testing.T) { killedBetween(c.in(t), c, proxy) })
	t.Run("out of time", func(t *testing.T) { outOfTime(c.in(t), proxy) })
	t.Run("without keys", func(t *testing.T) { withoutKeys(c.in(t), c, proxy) })
	t.Run("over instances", func(t *testing.T) { overInstances(c.in(t), c) })
}
