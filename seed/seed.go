// Package seed holds the demo's data as files: the policy (MCP servers, scopes, roles, clients), the people, the
// clinic and its knowledge base. Package directory reads policy.json and people.json, package clinic reads
// clinic.json and pets.json, package knowledge reads the articles.
package seed

import "embed"

// Files are the data files, by the names that they have in this folder.
//
//go:embed *.json knowledge/*.md
var Files embed.FS
