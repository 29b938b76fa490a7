package main

import (
	"context"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/vetassist/nightly"
	"github.com/vetassist/vetassist/shared/clientkey"
)

// machine calls every tool once, as a program that acts for itself.
func machine(ctx context.Context, server string, k known) error {
	p := nightly.Program{ID: k.ClientID, Secret: k.ClientSecret}
	if k.Key != "" {
		key, err := clientkey.Parse([]byte(k.Key))
		if err != nil {
			return err
		}
		p.Key = &key
	}
	var err error
	if p.Issuer, err = registeredAt(ctx, server); err != nil {
		return err
	}
	session, err := p.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer session.Close()
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return err
		}
		res, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool.Name})
		if err != nil {
			return err
		}
		if res.IsError {
			return fmt.Errorf("%s: refused", tool.Name)
		}
	}
	return nil
}
