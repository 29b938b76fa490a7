package oauth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// authenticator is a security key with the browser around it, as far as our server can see them: it makes ES256 passkeys
// and answers with them. What a test wants to be wrong it sets before.
type authenticator struct {
	t      *testing.T
	origin string
	rpID   string
	flags  byte   // of the authenticator data, but that a new key is attached
	count  uint32 // how often it has signed
	keys   []softKey

	challenge string // instead of the one that it is given
	handle    string // instead of the user's
}

type softKey struct {
	id     []byte
	handle string // whose it is
	key    *ecdsa.PrivateKey
}

// The flags of authenticator data (WebAuthn §6.1).
const (
	userPresent  = 0x01
	userVerified = 0x04
	keyAttached  = 0x40
)

func (w *world) authenticator(t *testing.T) *authenticator {
	return &authenticator{t: t, origin: w.url, rpID: "localhost", flags: userPresent | userVerified}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) clientData(kind, challenge string) []byte {
	if a.challenge != "" {
		challenge = a.challenge
	}
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authenticator) authData(flags byte) []byte {
	hash := sha256.Sum256([]byte(a.rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.count)
}

// creationOptions is what we look at of PublicKeyCredentialCreationOptionsJSON.
type creationOptions struct {
	Challenge string `json:"challenge"`
	RP        struct{ ID string }
	User      struct{ ID, Name string }
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
	Selection struct {
		ResidentKey, UserVerification string
		RequireResidentKey            bool
	} `json:"authenticatorSelection"`
	Timeout int
}

// create makes a key (navigator.credentials.create), in the form of credential.toJSON().
func (a *authenticator) create(o creationOptions) json.RawMessage {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil {
		a.t.Fatal(err)
	}
	k := softKey{id: make([]byte, 16), handle: string(handle), key: private}
	rand.Read(k.id)
	a.keys = append(a.keys, k)
	return a.attest(o, k)
}

func (a *authenticator) attest(o creationOptions, k softKey) json.RawMessage {
	a.t.Helper()
	point, err := k.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		a.t.Fatal(err)
	}
	public := a.cbor(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}) // RFC 9053 §2.1, §7.1
	data := append(a.authData(a.flags|keyAttached), make([]byte, 16)...)               // no AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id)))
	data = append(append(data, k.id...), public...)
	return a.json(map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(a.clientData("webauthn.create", o.Challenge)), "transports": []string{"internal"},
			"attestationObject": b64(a.cbor(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}))}})
}

// requestOptions is what we look at of PublicKeyCredentialRequestOptionsJSON.
type requestOptions struct {
	Challenge, RPID, UserVerification string
	Allow                             []any `json:"allowCredentials"`
}

// get signs with a key (navigator.credentials.get).
func (a *authenticator) get(o requestOptions, k softKey) json.RawMessage {
	a.t.Helper()
	a.count++
	clientData, data := a.clientData("webauthn.get", o.Challenge), a.authData(a.flags)
	hash := sha256.Sum256(clientData)
	digest := sha256.Sum256(slices.Concat(data, hash[:]))
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, digest[:])
	if err != nil {
		a.t.Fatal(err)
	}
	handle := k.handle
	if a.handle != "" {
		handle = a.handle
	}
	return a.json(map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": b64(clientData), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64([]byte(handle))}})
}

func (a *authenticator) cbor(v any) []byte {
	b, err := cbor.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authenticator) json(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// scriptAnswer is what the page's script gets.
type scriptAnswer struct {
	Status   int    `json:"-"`
	Code     string `json:"error"`
	Message  string `json:"message"`
	Location string `json:"location"`
	raw      []byte
}

// script sends what passkey.js sends.
func (b *browser) script(path string, body map[string]any, edit ...func(*http.Request)) scriptAnswer {
	b.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, bytes.NewReader(sent))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
	for _, e := range edit {
		e(req)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := scriptAnswer{Status: resp.StatusCode}
	if out.raw, err = io.ReadAll(resp.Body); err != nil {
		b.t.Fatal(err)
	}
	json.Unmarshal(out.raw, &out) // of a refusal by a guard, which is no JSON, the status is enough
	return out
}

// options reads what a ceremony begins with.
func options[T any](b *browser, a scriptAnswer) (o T) {
	b.t.Helper()
	if err := json.Unmarshal(a.raw, &o); err != nil || a.Status != http.StatusOK {
		b.t.Fatalf("the options: %d %s", a.Status, a.raw)
	}
	return o
}

var tokenRE = regexp.MustCompile(`data-token="([^"]*)"`)

// token is the form token that a page gives its script.
func (b *browser) token(page answer) string {
	b.t.Helper()
	m := tokenRE.FindStringSubmatch(page.body)
	if m == nil {
		b.t.Fatalf("no token for a script on this page, status %d:\n%s", page.status, page.body)
	}
	return html.UnescapeString(m[1])
}
