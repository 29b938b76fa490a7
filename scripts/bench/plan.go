package main

// row is one kind of work, and who does it.
type row struct {
	name        string
	what        string
	mode        string // of the load program
	connections int
	servers     []string // ours first
	must        []must
}

// must is what ours has to reach, as a multiple of what another does in the same run.
type must struct {
	peer  string
	least float64
	aim   float64 // 0: no more than least
}

const (
	ours         = "vetassist"
	oursRecorded = "vetassist, recorder on"
	oursFull     = "vetassist, -durability full"
)

var rows = []row{
	{"flow", "authorization code + PKCE, whole flow of a person who is logged in and has consented", "flow", 4,
		[]string{ours, oursRecorded, oursFull, "zitadel/oidc", "dex", "workers-oauth-provider", "oidc-provider"},
		[]must{{"zitadel/oidc", 0.5, 0.8}, {"dex", 1, 0}}},
	{"refresh", "refresh with rotation", "refresh", 4,
		[]string{ours, oursRecorded, "zitadel/oidc", "oidc-provider"},
		[]must{{"oidc-provider", 1, 0}, {"zitadel/oidc", 0, 0.8}}},
	{"credentials", "client credentials, answered with a JWT", "request", 16,
		[]string{ours, "zitadel/oidc", "dex", "oidc-provider"},
		[]must{{"zitadel/oidc", 0.9, 0}}},
	{"tools", "tools/call; ours checks token, scope and owner, and reads the pet from SQLite", "request", 16,
		[]string{ours, oursRecorded, "mcp-go", "go-sdk", "go-sdk + ES256", "TypeScript SDK"},
		[]must{{"go-sdk", 2.5, 0}, {"TypeScript SDK", 5, 0}, {"mcp-go", 0, 1}}},
	{"jwks", "the public keys", "request", 16,
		[]string{ours, "net/http hello", "zitadel/oidc"},
		[]must{{"net/http hello", 0.7, 0}}},
	{"metadata", "the authorization server's metadata", "request", 16,
		[]string{ours, "net/http hello", "zitadel/oidc"},
		[]must{{"net/http hello", 0.7, 0}}},
}

// What ours must not exceed.
const (
	mostAtRest = 30  // MB
	mostLoaded = 128 // MB
	mostSeeded = 80  // ms
	mostFresh  = 400 // ms
)

// fallen is which part of the ratio of the last full result the short form must reach, in speed or in processor time. It runs a second a server on machines that others
// use too, where ratios of a round differ by a quarter; what falls below this has become slower, not unlucky.
const fallen = 0.6
