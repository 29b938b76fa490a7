// Command gosdk is an MCP server of modelcontextprotocol/go-sdk with one tool that adds two numbers.
//
//	gosdk ADDRESS          checks no token
//	gosdk ADDRESS es256    checks an ES256 token, as the SDK's own middleware does; GET /token gives one
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	issuer   = "https://as.example.com"
	resource = "https://mcp.example.com/mcp"
	scope    = "mcp:tools"
)

type numbers struct {
	A int `json:"a"`
	B int `json:"b"`
}

func main() {
	s := mcp.NewServer(&mcp.Implementation{Name: "bench", Version: "1"}, nil)
	mcp.AddTool(s, &mcp.Tool{Name: "add", Description: "adds two numbers"}, func(_ context.Context, _ *mcp.CallToolRequest, n numbers) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: strconv.Itoa(n.A + n.B)}}}, nil, nil
	})
	var handler http.Handler = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	if len(os.Args) > 2 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			log.Fatal(err)
		}
		handler = guard(&key.PublicKey, handler)
		http.HandleFunc("GET /token", func(w http.ResponseWriter, _ *http.Request) {
			token, err := mint(key)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			io.WriteString(w, token)
		})
	}
	http.Handle("/mcp", handler)
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}

type claims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

func guard(key *ecdsa.PublicKey, next http.Handler) http.Handler {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuer), jwt.WithAudience(resource), jwt.WithExpirationRequired())
	verify := func(_ context.Context, raw string, _ *http.Request) (*auth.TokenInfo, error) {
		var c claims
		if _, err := parser.ParseWithClaims(raw, &c, func(*jwt.Token) (any, error) { return key, nil }); err != nil {
			return nil, fmt.Errorf("%w: %v", auth.ErrInvalidToken, err)
		}
		return &auth.TokenInfo{Scopes: strings.Fields(c.Scope), Expiration: c.ExpiresAt.Time, UserID: c.Subject}, nil
	}
	return auth.RequireBearerToken(verify, &auth.RequireBearerTokenOptions{Scopes: []string{scope}})(next)
}

func mint(key *ecdsa.PrivateKey) (string, error) {
	now := time.Now()
	return jwt.NewWithClaims(jwt.SigningMethodES256, claims{jwt.RegisteredClaims{Issuer: issuer, Subject: "somebody", Audience: jwt.ClaimStrings{resource},
		ExpiresAt: jwt.NewNumericDate(now.Add(time.Hour)), IssuedAt: jwt.NewNumericDate(now), ID: rand.Text()}, scope}).SignedString(key)
}
