// Package seed holds data as files: what administration needs (admin.json: the admin API, its role, the console's
// client), and the demo: its policy (MCP servers, scopes, roles, clients), its people, the clinic and its knowledge
// base. Package directory reads admin.json, policy.json and people.json, package clinic reads clinic.json and
// pets.json, package knowledge reads the articles.
package seed

import "embed"

// Files are the data files, by the names that they have in this folder.
//
//go:embed *.json knowledge/*.md
var Files embed.FS
