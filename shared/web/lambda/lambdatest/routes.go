package lambdatest

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Invoker is what a route leads to: a *Function, or a function in this process.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// Route is a line of an HTTP API: a key in API Gateway's form, such as "ANY /oauth/{proxy+}", "GET /mcp" or "$default".
type Route struct {
	Key string
	To  Invoker
}

// route is a Route, read.
type route struct {
	Route
	method   string // "ANY" for all
	segments []string
	greedy   string // name of a last {name+}
	standard bool   // $default
}

func readRoutes(list []Route) ([]route, error) {
	var routes []route
	seen := map[string]bool{}
	for _, r := range list {
		if seen[r.Key] {
			return nil, fmt.Errorf("lambdatest: the route %q is there twice", r.Key)
		}
		seen[r.Key] = true
		if r.Key == "$default" {
			routes = append(routes, route{Route: r, standard: true})
			continue
		}
		method, path, ok := strings.Cut(r.Key, " ")
		if !ok || method == "" || !strings.HasPrefix(path, "/") || len(path) > 1 && strings.HasSuffix(path, "/") {
			return nil, fmt.Errorf("lambdatest: %q is no route key, such as \"ANY /mcp\"", r.Key)
		}
		out := route{Route: r, method: method, segments: strings.Split(path[1:], "/")}
		if last := out.segments[len(out.segments)-1]; strings.HasSuffix(last, "+}") {
			out.greedy = strings.TrimSuffix(strings.TrimPrefix(last, "{"), "+}")
			out.segments = out.segments[:len(out.segments)-1]
		}
		routes = append(routes, out)
	}
	slices.SortStableFunc(routes, func(a, b route) int { return slices.Compare(b.rank(), a.rank()) })
	return routes, nil
}

// rank orders routes as API Gateway chooses: a full match, then a greedy one, then $default; among these the one that says more, and
// its own method before ANY.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func (r route) rank() []int {
	kind := 2
	switch {
	case r.standard:
		kind = 0
	case r.greedy != "":
		kind = 1
	}
	words := 0
	for _, s := range r.segments {
		if !strings.HasPrefix(s, "{") {
			words++
		}
	}
	own := 0
	if r.method != "ANY" {
		own = 1
	}
	return []int{kind, len(r.segments), words, own}
}

// match is the path parameters of a request that the route is for. A last slash makes no difference (nor can a route key have one),
// as is known from https://github.com/aws-powertools/powertools-lambda-python/issues/1552; the documentation is silent.
func (r route) match(method, path string) (map[string]string, bool) {
	if r.standard {
		return nil, true
	}
	if r.method != "ANY" && r.method != method {
		return nil, false
	}
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
	if len(parts) < len(r.segments) || r.greedy == "" && len(parts) != len(r.segments) {
		return nil, false
	}
	params := map[string]string{}
	for i, s := range r.segments {
		if name, ok := strings.CutPrefix(s, "{"); ok && parts[i] != "" {
			params[strings.TrimSuffix(name, "}")] = parts[i]
		} else if s != parts[i] {
			return nil, false
		}
	}
	if r.greedy != "" {
		rest := strings.Join(parts[len(r.segments):], "/")
		if rest == "" {
			return nil, false
		}
		params[r.greedy] = rest
	}
	return params, true
}
