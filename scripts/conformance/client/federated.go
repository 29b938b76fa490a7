package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/vetassist/federation"
)

// vouched is what the suite tells of scenarios in which somebody else vouches for the client.
type vouched struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	WorkloadJWT  string `json:"valid_jwt"`
	IDToken      string `json:"idp_id_token"`
	IDPClient    string `json:"idp_client_id"`
	IDPEndpoint  string `json:"idp_token_endpoint"`
}

// federated calls every tool once, by the word of an enterprise or of a platform, where the scenario is one of those.
func federated(ctx context.Context, server, about string) (done bool, err error) {
	var v vouched
	if err := json.Unmarshal([]byte(cmp.Or(about, "{}")), &v); err != nil {
		return false, err
	}
	c := federation.Client{ID: v.ClientID, Secret: v.ClientSecret}
	switch {
	case v.IDToken != "":
		c.Word = federation.Enterprise{TokenEndpoint: v.IDPEndpoint, ID: v.IDPClient, IDToken: func(context.Context) (string, error) { return v.IDToken, nil }}.Word
	case v.WorkloadJWT != "":
		c.Word = func(context.Context, federation.Place) (string, error) { return v.WorkloadJWT, nil }
	default:
		return false, nil
	}
	if c.Issuer, err = registeredAt(ctx, server); err != nil {
		return true, err
	}
	session, err := c.Connect(ctx, server)
	if err != nil {
		return true, err
	}
	defer session.Close()
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return true, err
		}
		if res, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name}); err != nil || res.IsError {
			return true, fmt.Errorf("%s: refused, %v", tool.Name, err)
		}
	}
	return true, nil
}
