package trace

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
)

// Party is one who sends or answers: a lane of the diagram.
type Party string

// The parties.
const (
	Browser Party = "browser"
	App     Party = "app"     // the chat's backend
	OAuth   Party = "oauth"   // the authorization server
	JWKS    Party = "jwks"    // its public keys
	MCP     Party = "mcp"     // the MCP server
	Client  Party = "client"  // another MCP host or OAuth client
	Outside Party = "outside" // a server of somebody else
)

// Moment orders what happened. N counts within a process, for clocks that stand still.
type Moment struct {
	Time time.Time `json:"t"`
	N    int64     `json:"n"`
}

// Compare orders moments, the earlier first.
func (m Moment) Compare(o Moment) int { return cmp.Or(m.Time.Compare(o.Time), cmp.Compare(m.N, o.N)) }

// Before tells whether m is earlier than o.
func (m Moment) Before(o Moment) bool { return m.Compare(o) < 0 }

// Record is one exchange: a request with its answer, as its receiver saw them, or, of a stranger's server, its sender.
type Record struct {
	Flow      string     `json:"flow"`             // 32 hexadecimal digits, of which the first 8 are the second in which it began
	ID        string     `json:"id"`               // 16 of them
	Parent    string     `json:"parent,omitempty"` // the exchange in which this one happened
	From      Party      `json:"from"`
	To        Party      `json:"to"`
	Name      string     `json:"name,omitempty"` // what a Client calls itself: the first product of its User-Agent
	Host      string     `json:"host,omitempty"` // of a server that is Outside
	Begin     Moment     `json:"begin"`
	End       Moment     `json:"end"`
	Request   Message    `json:"request"`
	Response  Message    `json:"response"`
	Decisions []Decision `json:"decisions,omitempty"`
	Subject   string     `json:"subject,omitempty"` // id of the user whom it is about
	Client    string     `json:"client,omitempty"`  // client_id
	Browser   string     `json:"browser,omitempty"` // hash of the cookie by which the recorder knows a browser
}

// Message is a request or a response, with its secrets shortened.
type Message struct {
	Method  string   `json:"method,omitempty"` // of a request
	URL     string   `json:"url,omitempty"`    // of a request: path and query
	Status  int      `json:"status,omitempty"` // of a response; 0: there was none
	Headers []Header `json:"headers,omitempty"`
	Type    string   `json:"type,omitempty"` // media type of the body
	Body    string   `json:"body,omitempty"` // text; of a page only its title
	Size    int      `json:"size,omitempty"` // bytes of the whole body
	Cut     bool     `json:"cut,omitempty"`  // Body is its beginning
	Tokens  []Token  `json:"tokens,omitempty"`
}

// Header is one line of a header.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Header is the first value of a header, in any spelling of its name.
func (m Message) Header(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// Token is a JWT that a message held, without its signature: what it says is no secret to whom it is about.
type Token struct {
	Where  string          `json:"where"` // Authorization, DPoP, access_token, id_token, client_assertion, …
	Header json.RawMessage `json:"header"`
	Claims json.RawMessage `json:"claims"`
}

// Kind is what a Decision is about.
type Kind string

// The decisions.
const (
	ClientCheck Kind = "client"  // who the client is, and whether its request is right
	Login       Kind = "login"   // who the person is
	Policy      Kind = "policy"  // which scopes can be had: the formula of package rbac
	Consent     Kind = "consent" // what the person answered
	Mint        Kind = "mint"    // what a token says, by the formula once more
	TokenCheck  Kind = "token"   // signature, issuer, audience, time
	ProofCheck  Kind = "proof"   // whether the sender has the key that the token is bound to
	ToolCheck   Kind = "tool"    // the scope that the operation needs
	OwnerCheck  Kind = "owner"   // whose record it is
	StateCheck  Kind = "state"   // whether an authorization response belongs to a request of this browser, and comes from its issuer
)

// Outcome is how a Decision ended.
type Outcome string

// The outcomes.
const (
	Allowed Outcome = "allowed"
	Refused Outcome = "refused"
	Asked   Outcome = "asked" // somebody has to act first
)

// Decision is what a party decided, and what it compared for that. It tells its viewer no more than the answer did, and holds no secret.
type Decision struct {
	At       Moment     `json:"at"` // set by Decide
	Kind     Kind       `json:"kind"`
	Outcome  Outcome    `json:"outcome"`
	Text     string     `json:"text"` // one plain sentence
	Compared []Compared `json:"compared,omitempty"`
	Sets     *Sets      `json:"sets,omitempty"` // of Policy and Mint
}

// Compared is one comparison of a Decision.
type Compared struct {
	What   string `json:"what"` // such as: audience
	Wanted string `json:"wanted"`
	Got    string `json:"got"`
	OK     bool   `json:"ok"`
}

// Sets are the four sets of the formula, and what is in all of them.
type Sets struct {
	Requested []string `json:"requested"`
	Client    []string `json:"client"`
	Role      []string `json:"role"`
	Consent   []string `json:"consent"`
	Granted   []string `json:"granted"`
}
