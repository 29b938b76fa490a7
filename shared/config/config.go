// Package config knows every environment variable of the project, once. Flags of the local binary have the same
// meaning and win.
package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Environment variables. The flag of the local binary with the same meaning is in brackets.
const (
	EnvAddr           = "VETASSIST_ADDR"              // [-addr] host and port to listen on
	EnvDB             = "VETASSIST_DB"                // [-db] path of the SQLite file, or ":memory:"
	EnvBaseURL        = "VETASSIST_BASE_URL"          // [-base-url] public URL, when a proxy stands in front
	EnvTrustedProxies = "VETASSIST_TRUSTED_PROXIES"   // [-trusted-proxies] whose word is taken for whom a request came from
	EnvAllowedOrigins = "VETASSIST_ALLOWED_ORIGINS"   // comma-separated origins whose pages may call /mcp
	EnvSeed           = "VETASSIST_SEED"              // [-seed] what a new database holds
	EnvAppClientID    = "VETASSIST_APP_CLIENT_ID"     // [-app-client-id] client_id of the chat app, or how it gets one
	EnvAppSecret      = "VETASSIST_APP_CLIENT_SECRET" // the secret that goes with it, if an authorization server gave one
	EnvClientDomains  = "VETASSIST_CLIENT_DOMAINS"    // hosts whose client ID metadata documents are accepted
	EnvRegistration   = "VETASSIST_REGISTRATION"      // who may register a client (RFC 7591)
	EnvRecorder       = "VETASSIST_RECORDER"          // [-recorder] on or off: the flight recorder
	EnvTokenLife      = "VETASSIST_TOKEN_LIFE"        // [-token-life] how long an access token lasts
	EnvDurability     = "VETASSIST_DURABILITY"        // [-durability] what a power cut may take of the SQLite file
	EnvTable          = "VETASSIST_TABLE"             // [-table] name of the DynamoDB table, in the cloud
)

// Environment variables that AWS, its SDKs and SAM name.
const (
	EnvRegion     = "AWS_REGION"
	EnvEndpoint   = "AWS_ENDPOINT_URL_DYNAMODB" // where DynamoDB is, when it is not Amazon's: DynamoDB Local
	EnvRuntimeAPI = "AWS_LAMBDA_RUNTIME_API"    // set: this process is a Lambda function
	EnvSAMLocal   = "AWS_SAM_LOCAL"             // true: by "sam local", on somebody's own machine
)

// samLocalURL is where "sam local start-api" listens. What its events say of the address has no port.
const samLocalURL = "http://localhost:3000"

// What a new database holds.
const (
	SeedDemo = "demo" // the demo's people, policy and pets
	SeedNone = "none" // an administrator and what administration needs
)

// How the chat app gets its client_id, in place of one.
const (
	AppClientDocument   = "metadata-document"    // it describes itself at a URL of its own
	AppClientRegistered = "dynamic-registration" // it registers itself (RFC 7591)
	AppClientAuto       = "auto"                 // the first of: entered by a person, one of these two as the authorization server offers them
)

// Who may register a client dynamically.
const (
	RegistrationOpen  = "open"  // anybody
	RegistrationToken = "token" // whoever has an initial access token (RFC 7591 §3), which an administrator made
	RegistrationOff   = "off"   // nobody
)

// The flight recorder.
const (
	RecorderOn  = "on"
	RecorderOff = "off"
)

// What a power cut may take of the SQLite file. The death of the process alone takes nothing that was answered.
const (
	DurabilityNormal = "normal" // the last moments, but never half a write
	DurabilityFull   = "full"   // nothing that was answered: each write waits for the disk
)

// DefaultDB is the file that is used when none is named.
const DefaultDB = "vetassist.db"

// Config is what a process needs to know from outside.
type Config struct {
	Addr            string
	DB              string
	BaseURL         string   // scheme and host, no path, no trailing slash: the issuer, and the stem of every URL
	TrustedProxies  string   // comma-separated addresses and networks; see Proxies
	AllowedOrigins  []string // besides our own; each as in an Origin header
	Seed            string   // SeedDemo or SeedNone; empty: as the database began, SeedDemo for a new one
	AppClientID     string   // or one of AppClient…; empty: that of the demo, or what a person entered at the chat app
	AppClientSecret string   // that goes with AppClientID; empty: none
	ClientDomains   Hosts    // whose client ID metadata documents are accepted
	Registration    string   // RegistrationOpen, RegistrationToken or RegistrationOff
	Recorder        string   // RecorderOn or RecorderOff; empty: on where the base URL is on this machine
	TokenLife       string   // how long an access token lasts; empty: ten minutes
	Durability      string   // DurabilityNormal or DurabilityFull; empty: normal
	Table           string   // of DynamoDB
	Region          string   // of AWS
	Endpoint        string   // of DynamoDB; empty: Amazon's in the region
	Lambda          bool     // this process is a Lambda function
	SAMLocal        bool     // and that is on somebody's own machine

	clientDomains string // as written
}

// FromEnv reads the environment, which getenv gives (os.Getenv).
func FromEnv(getenv func(string) string) Config {
	c := Config{
		Addr: "localhost:8080", DB: DefaultDB,
		BaseURL: getenv(EnvBaseURL), Seed: getenv(EnvSeed), AppClientID: getenv(EnvAppClientID), AppClientSecret: getenv(EnvAppSecret),
		Table: getenv(EnvTable), Region: getenv(EnvRegion), Endpoint: getenv(EnvEndpoint),
		Lambda: getenv(EnvRuntimeAPI) != "", SAMLocal: getenv(EnvSAMLocal) == "true",
	}
	c.clientDomains, c.Registration, c.Recorder = getenv(EnvClientDomains), getenv(EnvRegistration), getenv(EnvRecorder)
	c.TokenLife, c.Durability, c.TrustedProxies = getenv(EnvTokenLife), getenv(EnvDurability), getenv(EnvTrustedProxies)
	if c.SAMLocal && c.BaseURL == "" {
		c.BaseURL = samLocalURL
	}
	if v := getenv(EnvAddr); v != "" {
		c.Addr = v
	}
	if v := getenv(EnvDB); v != "" {
		c.DB = v
	}
	for o := range strings.SplitSeq(getenv(EnvAllowedOrigins), ",") {
		if o = strings.TrimSpace(o); o != "" {
			c.AllowedOrigins = append(c.AllowedOrigins, o)
		}
	}
	return c
}

// Check completes and judges the values: an empty BaseURL becomes http:// and the address listened on, when that is on
// this machine only. In Lambda it stays empty: API Gateway tells its own name with each event.
// The error says what to write instead.
func (c *Config) Check() (err error) {
	if !c.Lambda {
		if err := c.checkAddress(); err != nil {
			return err
		}
	}
	if c.BaseURL != "" {
		if c.BaseURL, err = Origin(c.BaseURL); err != nil {
			return fmt.Errorf("the base URL: %w", err)
		}
	}
	if c.Lambda && !c.SAMLocal && c.Local() { // or everybody would log in with the demo's passwords
		return fmt.Errorf("the base URL %s is not one of AWS", c.BaseURL)
	}
	if _, err := c.Proxies(); err != nil {
		return err
	}
	for i, o := range c.AllowedOrigins {
		if c.AllowedOrigins[i], err = Origin(o); err != nil {
			return fmt.Errorf("an allowed origin: %w", err)
		}
	}
	if c.ClientDomains == nil {
		if c.ClientDomains, err = ParseHosts(cmp.Or(c.clientDomains, "*")); err != nil {
			return fmt.Errorf("the domains of clients: %w", err)
		}
	}
	switch c.Registration {
	case RegistrationOpen, RegistrationToken, RegistrationOff:
	case "":
		c.Registration = RegistrationOff
		if c.Local() { // nobody but who sits here
			c.Registration = RegistrationOpen
		}
	default:
		return fmt.Errorf("registration of clients is %s, %s or %s, not %q", RegistrationOpen, RegistrationToken, RegistrationOff, c.Registration)
	}
	if c.Recorder != "" && c.Recorder != RecorderOn && c.Recorder != RecorderOff {
		return fmt.Errorf("the recorder is %s or %s, not %q", RecorderOn, RecorderOff, c.Recorder)
	}
	if life, err := time.ParseDuration(cmp.Or(c.TokenLife, longest.String())); err != nil || life < shortest || life > longest {
		return fmt.Errorf("an access token lasts from 1m to 10m, not %q", c.TokenLife)
	}
	if c.Durability != "" && c.Durability != DurabilityNormal && c.Durability != DurabilityFull {
		return fmt.Errorf("the durability is %s or %s, not %q", DurabilityNormal, DurabilityFull, c.Durability)
	}
	if c.Seed != "" && c.Seed != SeedDemo && c.Seed != SeedNone {
		return fmt.Errorf("a database can be seeded with %s or %s, not with %q", SeedDemo, SeedNone, c.Seed)
	}
	return nil
}

func (c *Config) checkAddress() error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("the address %q is not host:port, such as localhost:8080", c.Addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q is not a port: it is a number up to 65535, or 0 for a free one", port)
	}
	if c.BaseURL == "" {
		if !IsLoopback(host) {
			// The whole network would reach it, so the address that people will use has to be said, not guessed.
			return fmt.Errorf("listening on %s lets other machines in: say with -base-url at which address they reach it, such as https://vetassist.example.com", c.Addr)
		}
		c.BaseURL = "http://" + net.JoinHostPort(host, port)
	}
	return nil
}

// An access token may end sooner than after the ten minutes of token.Lifetime, on which much else is built, never later. Below a minute
// a client would do nothing but refresh.
const (
	shortest = time.Minute
	longest  = 10 * time.Minute
)

// TokenLifetime is how long an access token lasts.
func (c Config) TokenLifetime() time.Duration {
	life, err := time.ParseDuration(c.TokenLife)
	if err != nil { // it is empty: Check has seen it
		return longest
	}
	return life
}

// Origin accepts a scheme and a host, with or without a last slash, and returns it without. Only a
// loopback host may be plain http (OAuth 2.1 §1.5, RFC 8414 §2).
func Origin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("%q is not a URL such as https://vetassist.example.com", s)
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("%q must be scheme and host only, without path, query or user", s)
	}
	if u.Scheme == "http" && !IsLoopback(u.Hostname()) {
		return "", fmt.Errorf("%q must be https: plain http is for localhost only", s)
	}
	// Browsers leave the default port out of an Origin, so the issuer must too.
	if p := u.Port(); (u.Scheme == "http" && p == "80") || (u.Scheme == "https" && p == "443") {
		u.Host = strings.TrimSuffix(u.Host, ":"+p)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// IsLoopback reports whether a host name (no port) means this very machine.
func IsLoopback(host string) bool {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// IsLoopbackHost is IsLoopback for a Host header, with or without a port.
func IsLoopbackHost(hostport string) bool {
	if host, port, err := net.SplitHostPort(hostport); err == nil && strings.Trim(port, "0123456789") == "" {
		hostport = host
	}
	return IsLoopback(hostport)
}

// demoClientID is the chat app in seed/policy.json.
const demoClientID = "vet-assist-ai"

// ChatClientID is the client_id of the chat app: the setting, or that of the demo. Empty: the chat asks for it.
func (c Config) ChatClientID() string {
	if c.AppClientID == "" && c.Seed != SeedNone {
		return demoClientID
	}
	return c.AppClientID
}

// Records reports whether the flight recorder is on.
func (c Config) Records() bool {
	return c.Recorder == RecorderOn || c.Recorder == "" && c.Local()
}

// Local reports whether the base URL is a loopback address: then, and only then, the demo's passwords work.
func (c Config) Local() bool {
	u, err := url.Parse(c.BaseURL)
	return err == nil && IsLoopback(u.Hostname())
}
