package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vetassist/vetassist/functions/admin"
	"github.com/vetassist/vetassist/functions/app"
	"github.com/vetassist/vetassist/functions/jwks"
	"github.com/vetassist/vetassist/functions/learn"
	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/functions/oauth"
	"github.com/vetassist/vetassist/shared/config"
	"github.com/vetassist/vetassist/shared/store"
	"github.com/vetassist/vetassist/shared/store/storetest"
	"github.com/vetassist/vetassist/shared/trace"
)

// What template.yaml says of the functions is what they say of themselves. Step template of scripts/check asks AWS's own tools.

// lambdas are the functions of template.yaml. What is in reads they never write. Those that are a party of a flow are recorded, if
// anything is.
var lambdas = map[string]struct {
	folder             string
	partitions, routes []string
	reads              []string
	party              trace.Party
}{
	"Oauth": {"oauth", oauth.Partitions, oauth.Routes, []string{"policy/", "trust/"}, trace.OAuth},
	"Jwks":  {"jwks", jwks.Partitions, jwks.Routes, jwks.Partitions, trace.JWKS},
	"Mcp":   {"mcp", mcp.Partitions, mcp.Routes, []string{"policy/"}, trace.MCP},
	"Admin": {"admin", admin.Partitions, admin.Routes, nil, ""},
	"App":   {"app", app.Partitions, app.Routes, []string{"app/agent/"}, trace.App},
	"Learn": {"learn", learn.Partitions, learn.Routes, slices.DeleteFunc(slices.Clone(learn.Partitions), func(p string) bool { return p == "learn/" }), ""},
}

// An HTTP API takes no route that ends in a slash, and asked for /x/ it takes the route of /x (https://github.com/aws/serverless-application-model/issues/1949
// and https://github.com/aws-powertools/powertools-lambda-python/issues/1552 saw that; nobody looked from here, and the
// documentation is silent). A greedy variable is for what is below.
func gatewayPaths(routes []string) (paths []string) {
	for _, r := range routes {
		switch {
		case r == "/":
			paths = append(paths, "$default")
		case strings.HasSuffix(r, "/"):
			paths = append(paths, strings.TrimSuffix(r, "/"), r+"{proxy+}")
		default:
			paths = append(paths, r)
		}
	}
	return sorted(paths)
}

func TestTemplateRoutes(t *testing.T) {
	tp := readTemplate(t, "../../template.yaml")
	functions := tp.ofType("AWS::Serverless::Function")
	if got, want := slices.Sorted(maps.Keys(functions)), slices.Sorted(maps.Keys(lambdas)); !slices.Equal(got, want) {
		t.Fatalf("the functions are %v, want %v", got, want)
	}
	for name, f := range functions {
		want := lambdas[name]
		var got []string
		for event, e := range at(f.Properties, "Events").(node) {
			if at(e, "Type") != "HttpApi" || at(e, "Properties", "Method") != "ANY" || at(e, "Properties", "ApiId", "Ref") != "Api" {
				t.Errorf("%s, event %s: %v", name, event, e)
			}
			got = append(got, at(e, "Properties", "Path").(string))
		}
		slices.Sort(got)
		if want := gatewayPaths(want.routes); !slices.Equal(got, want) {
			t.Errorf("%s answers %q, want %q", name, got, want)
		}
		if at(f.Properties, "CodeUri") != "functions/"+want.folder+"/lambda" {
			t.Errorf("%s is made of %v", name, at(f.Properties, "CodeUri"))
		}
	}
}

var (
	reading = []string{"dynamodb:GetItem", "dynamodb:Query"}
	writing = append([]string{"dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem"}, reading...)
)

// A function's role opens the partitions with which its package opens the store, by the same names, and nothing else.
func TestTemplatePermissions(t *testing.T) {
	tp := readTemplate(t, "../../template.yaml")
	for name, want := range lambdas {
		if at(tp.Resources[name].Properties, "Role", "GetAtt") != name+"Role.Arn" {
			t.Errorf("%s has the role %v", name, at(tp.Resources[name].Properties, "Role"))
		}
		role := tp.Resources[name+"Role"].Properties
		managed := []any{node{"Ref": "TracePolicy"}}
		if want.party != "" {
			managed = append(managed, node{"If": []any{recorderOn, node{"Ref": "RecorderPolicy"}, node{"Ref": "AWS::NoValue"}}})
		}
		if got := at(role, "ManagedPolicyArns"); !reflect.DeepEqual(got, managed) {
			t.Errorf("%s has the policies %v", name, got)
		}
		trust, _ := at(role, "AssumeRolePolicyDocument", "Statement").([]any)
		if want := (node{"Effect": "Allow", "Principal": node{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}); len(trust) != 1 || !reflect.DeepEqual(trust[0], want) {
			t.Errorf("%s: its role may be taken by %v", name, trust)
		}
		var all []string
		for _, s := range statements(role) {
			actions := texts(at(s, "Action"))
			if at(s, "Effect") != "Allow" {
				t.Errorf("%s: %v", name, s)
			}
			switch at(s, "Resource", "GetAtt") {
			case "Table.Arn":
				keys := texts(at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys"))
				// "For all values" holds when there is none, so there has to be one.
				if at(s, "Condition", "Null", "dynamodb:LeadingKeys") != "false" || len(keys) == 0 {
					t.Errorf("%s: a request that names no partition is let through: %v", name, s)
				}
				for i, k := range keys {
					keys[i] = strings.TrimSuffix(k, "*")
					if keys[i]+"*" != k || !strings.HasSuffix(keys[i], "/") || strings.ContainsAny(keys[i], "*?") {
						t.Errorf("%s: the pattern %q is not a partition prefix and *", name, k)
					}
				}
				all = append(all, keys...)
				may := writing
				if slices.Equal(sorted(keys), sorted(want.reads)) {
					may = reading
				}
				if !slices.Equal(sorted(actions), sorted(may)) {
					t.Errorf("%s may %v to %v, want %v", name, actions, keys, may)
				}
			case name + "Logs.Arn":
				if !slices.Equal(actions, []string{"logs:CreateLogStream", "logs:PutLogEvents"}) {
					t.Errorf("%s: %v", name, s)
				}
			default:
				t.Errorf("%s may reach %v", name, at(s, "Resource"))
			}
		}
		if slices.Sort(all); !slices.Equal(all, sorted(want.partitions)) {
			t.Errorf("%s may open %q, and opens %q", name, all, sorted(want.partitions))
		}
	}
	// Nothing else gives permissions or another way in: a policy of SAM's, a function's own URL, a policy of the table's.
	onlyHas(t, "a function", tp.Globals["Function"], "Runtime", "Handler", "Architectures", "Tracing", "ReservedConcurrentExecutions", "Environment")
	for name := range lambdas {
		onlyHas(t, name, tp.Resources[name].Properties, "FunctionName", "CodeUri", "MemorySize", "Timeout", "Role", "LoggingConfig", "Events", "Environment")
		onlyHas(t, name+"Role", tp.Resources[name+"Role"].Properties, "AssumeRolePolicyDocument", "ManagedPolicyArns", "Policies")
	}
	onlyHas(t, "Table", tp.Resources["Table"].Properties, "BillingMode", "AttributeDefinitions", "KeySchema", "TimeToLiveSpecification",
		"SSESpecification", "PointInTimeRecoverySpecification")
	// No other role or policy, and nothing that names no resource but the tracing, which cannot.
	for name, r := range tp.Resources {
		policy := strings.HasPrefix(r.Type, "AWS::IAM::")
		if _, ok := lambdas[strings.TrimSuffix(name, "Role")]; policy && !ok && name != "TracePolicy" && name != "RecorderPolicy" || r.Properties["Policies"] != nil && !policy {
			t.Errorf("%s, a %s, gives permissions", name, r.Type)
		}
	}
	for _, s := range at(tp.Resources["TracePolicy"].Properties, "PolicyDocument", "Statement").([]any) {
		for _, a := range texts(at(s, "Action")) {
			if !strings.HasPrefix(a, "xray:Put") {
				t.Errorf("all functions may %s", a)
			}
		}
	}
}

// recorderOn is the condition of all that is there only with the flight recorder.
const recorderOn = "HasRecorder"

// Without the recorder nothing of it is there: no function, no permission, no variable that says on. With it each party may write
// records and find out to which flow they belong, and only the function that shows them may list them.
func TestTemplateRecorder(t *testing.T) {
	tp := readTemplate(t, "../../template.yaml")
	if got := at(tp.Conditions, recorderOn, "Equals"); !reflect.DeepEqual(got, []any{node{"Ref": "Recorder"}, config.RecorderOn}) {
		t.Errorf("it is on when %v", got)
	}
	if p := tp.Parameters["Recorder"]; p["Default"] != config.RecorderOff || !slices.Equal(sorted(texts(p["AllowedValues"])), []string{config.RecorderOff, config.RecorderOn}) {
		t.Errorf("it can be %v", p)
	}
	if got := at(tp.Globals["Function"], "Environment", "Variables", config.EnvRecorder, "Ref"); got != "Recorder" {
		t.Errorf("the functions are told %v", got)
	}
	for name, r := range tp.Resources {
		if own := name == "RecorderPolicy" || strings.HasPrefix(name, "Learn"); own != (r.Condition == recorderOn) {
			t.Errorf("%s has the condition %q", name, r.Condition)
		}
	}
	for _, name := range []string{"Learn", "LearnRole", "LearnLogs", "LearnAlarms"} {
		if _, ok := tp.Resources[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	statements := at(tp.Resources["RecorderPolicy"].Properties, "PolicyDocument", "Statement").([]any)
	want := node{"Sid": "Record", "Effect": "Allow", "Action": []any{"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}, "Resource": node{"GetAtt": "Table.Arn"},
		"Condition": node{"Null": node{"dynamodb:LeadingKeys": "false"}, "ForAllValues:StringLike": node{"dynamodb:LeadingKeys": []any{trace.Partitions[0] + "*"}}}}
	if len(trace.Partitions) != 1 || !reflect.DeepEqual(statements, []any{want}) {
		t.Errorf("the parties may %v", statements)
	}
	for _, f := range functions {
		for name, l := range lambdas {
			if reflect.DeepEqual(f.routes, l.routes) && f.party != l.party {
				t.Errorf("%s is the party %q in one process, and %q in the cloud", name, f.party, l.party)
			}
		}
	}
}

// onlyHas: what else somebody adds is looked at here first.
func onlyHas(t *testing.T, name string, properties node, known ...string) {
	t.Helper()
	for p := range properties {
		if !slices.Contains(known, p) {
			t.Errorf("%s has also %s: %v", name, p, properties[p])
		}
	}
}

func statements(role node) (out []any) {
	policies, _ := at(role, "Policies").([]any)
	for _, p := range policies {
		out = append(out, at(p, "PolicyDocument", "Statement").([]any)...)
	}
	return out
}

// A variable that nobody reads would be a setting that does nothing.
func TestTemplateEnvironment(t *testing.T) {
	source, err := os.ReadFile("../../shared/config/config.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\tEnv\w+ += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		known[m[1]] = true
	}
	if !known[config.EnvTable] || !known[config.EnvEndpoint] {
		t.Fatalf("found only %v", known)
	}
	cloud, one := readTemplate(t, "../../template.yaml"), readTemplate(t, "../../infra/all-in-one.yaml")
	variables := []any{at(cloud.Globals["Function"], "Environment", "Variables"), at(one.Resources["VetAssist"].Properties, "Environment", "Variables")}
	for name := range cloud.ofType("AWS::Serverless::Function") {
		variables = append(variables, at(cloud.Resources[name].Properties, "Environment", "Variables"))
	}
	for _, v := range variables {
		m, _ := v.(node)
		for name := range m {
			if !known[name] {
				t.Errorf("%s is no variable of shared/config", name)
			}
		}
	}
	for _, name := range []string{config.EnvTable, config.EnvBaseURL, config.EnvSeed, config.EnvAppClientID, config.EnvAllowedOrigins} {
		if at(variables[0], name) == nil {
			t.Errorf("the functions are not told %s", name)
		}
	}
	for _, name := range []string{config.EnvRegistration, config.EnvClientDomains} { // who may be a client here is the authorization server's to know
		if at(cloud.Resources["Oauth"].Properties, "Environment", "Variables", name) == nil {
			t.Errorf("the authorization server is not told %s", name)
		}
	}
	if at(cloud.Resources["Admin"].Properties, "Environment", "Variables", config.EnvRegistration) == nil { // which the console tells
		t.Errorf("administration is not told %s", config.EnvRegistration)
	}
}

// What all requests pass: no prefix in the paths, a bound, no address besides one's own, and a log without queries.
func TestTemplateGateway(t *testing.T) {
	tp := readTemplate(t, "../../template.yaml")
	p := tp.Resources["Api"].Properties
	onlyHas(t, "Api", p, "DisableExecuteApiEndpoint", "DefaultRouteSettings", "AccessLogSettings")
	if got := at(p, "DisableExecuteApiEndpoint", "If"); !reflect.DeepEqual(got, []any{"HasDomain", true, false}) {
		t.Errorf("its own address is off when %v", got)
	}
	rate, _ := at(p, "DefaultRouteSettings", "ThrottlingRateLimit").(int)
	burst, _ := at(p, "DefaultRouteSettings", "ThrottlingBurstLimit").(int)
	if rate < 1 || burst < rate {
		t.Errorf("it lets through %d a second, %d at once", rate, burst)
	}
	format, _ := at(p, "AccessLogSettings", "Format").(string)
	for _, m := range regexp.MustCompile(`\$[\w.]+`).FindAllString(format, -1) {
		if !strings.HasPrefix(m, "$context.") || strings.HasPrefix(m, "$context.authorizer") {
			t.Errorf("the log has %s", m)
		}
	}
	if !strings.Contains(format, `"id":"$context.requestId"`) {
		t.Errorf("the log does not say which request it was: %s", format)
	}
}

// What each function has beside it: a log that ends, traces, alarms, a timeout within API Gateway's 30 seconds.
func TestTemplateOperations(t *testing.T) {
	tp := readTemplate(t, "../../template.yaml")
	all := tp.Globals["Function"]
	if at(all, "Tracing") != "Active" || !reflect.DeepEqual(at(all, "ReservedConcurrentExecutions", "If"),
		[]any{"HasReservedConcurrency", node{"Ref": "ReservedConcurrency"}, node{"Ref": "AWS::NoValue"}}) {
		t.Errorf("all functions: %v", all)
	}
	for name := range lambdas {
		p := tp.Resources[name].Properties
		if s, _ := at(p, "Timeout").(int); s < 5 || s > 29 {
			t.Errorf("%s may take %v seconds", name, at(p, "Timeout"))
		}
		if at(p, "LoggingConfig", "LogGroup", "Ref") != name+"Logs" || at(p, "LoggingConfig", "LogFormat") != "JSON" {
			t.Errorf("%s logs to %v", name, at(p, "LoggingConfig"))
		}
		if alarms := tp.Resources[name+"Alarms"]; at(alarms.Properties, "Parameters", "Function", "Ref") != name || at(alarms.Properties, "TemplateURL") != "infra/alarms.yaml" {
			t.Errorf("%s has no alarms", name)
		}
	}
	for name, group := range tp.ofType("AWS::Logs::LogGroup") {
		if days, _ := at(group.Properties, "RetentionInDays").(int); days < 1 {
			t.Errorf("%s keeps everything for ever", name)
		}
	}
	// An alarm that names no function, or an API that is not there, is never heard.
	watched := func(a resource, dimension, of string) string {
		if got := at(a.Properties, "Dimensions"); !reflect.DeepEqual(got, []any{node{"Name": dimension, "Value": node{"Ref": of}}}) {
			t.Errorf("an alarm looks at %v", got)
		}
		return fmt.Sprint(at(a.Properties, "Namespace"), " ", at(a.Properties, "MetricName"))
	}
	if m := watched(tp.Resources["ApiAlarm"], "ApiId", "Api"); m != "AWS/ApiGateway 5xx" {
		t.Errorf("the API's alarm looks at %v", m)
	}
	metrics := map[string]bool{}
	for _, a := range readTemplate(t, "../../infra/alarms.yaml").ofType("AWS::CloudWatch::Alarm") {
		metrics[watched(a, "FunctionName", "Function")] = true
	}
	if !metrics["AWS/Lambda Errors"] || !metrics["AWS/Lambda Throttles"] || !metrics["AWS/Lambda Duration"] {
		t.Errorf("the alarms look at %v", metrics)
	}
}

// The table is made in two ways: here, and for DynamoDB Local by the engine itself.
func TestTemplateTable(t *testing.T) {
	table := readTemplate(t, "../../template.yaml").Resources["Table"]
	p := table.Properties
	if got := at(p, "KeySchema"); !reflect.DeepEqual(got, []any{node{"AttributeName": "pk", "KeyType": "HASH"}, node{"AttributeName": "sk", "KeyType": "RANGE"}}) {
		t.Errorf("the key is %v", got)
	}
	if at(p, "TimeToLiveSpecification", "AttributeName") != "expires" || at(p, "TimeToLiveSpecification", "Enabled") != true {
		t.Error("nothing expires")
	}
	if at(p, "SSESpecification", "SSEEnabled") != true || at(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true || at(p, "BillingMode") != "PAY_PER_REQUEST" {
		t.Errorf("%v", p)
	}
	if table.DeletionPolicy != "RetainExceptOnCreate" {
		t.Errorf("deleting the stack would delete what people wrote: %s", table.DeletionPolicy)
	}
}

// readOnly lets no write touch the partitions that template.yaml gives the functions of the story for reading.
type readOnly struct {
	store.Store
	t     *testing.T
	armed atomic.Bool
}

func (s *readOnly) Write(ctx context.Context, ops ...store.Op) error {
	for _, op := range ops {
		for _, name := range []string{"Oauth", "Mcp", "Jwks"} {
			reads := slices.ContainsFunc(lambdas[name].reads, func(p string) bool { return strings.HasPrefix(op.Item.Partition, p) })
			if reads && s.armed.Load() {
				s.t.Errorf("%s is part of a write, which only the administration may", op.Item.Partition)
			}
		}
	}
	return s.Store.Write(ctx, ops...)
}

// What template.yaml says is only read is only read, in the story and around it.
func TestTemplateReads(t *testing.T) {
	s := &readOnly{Store: storetest.Open(t, newClock().Now), t: t}
	w := newWorld(t, func(o *Options) { o.Open = always(s) })
	s.armed.Store(true)
	story(w, nextTuesday)
	tokens := w.tokensFor("bob", "pet-profile:read")
	tokens = w.refresh(tokens.Refresh)
	w.post("/oauth/revoke", url.Values{"client_id": {"vet-assist-ai"}, "token": {tokens.Refresh}})
	w.forget("bob")
}
