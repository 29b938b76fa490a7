// Command vetassist is the whole of VetAssist in one process: the authorization server, the public keys, the MCP
// server and the chat app, on one port, over one SQLite file.
//
//	go run ./functions/vetassist
//
// The functions stay as separate here as they are in the cloud. Each opens the store through store.Restrict with its
// own list of partitions, and they talk to each other over HTTP only:
//
//	browser ──▶ app ──▶ /.well-known/…  /oauth/token  /mcp
//	                                              mcp ──▶ /.well-known/jwks.json
//
//	main.go      the command: subcommands, signals, exit codes
//	flags.go     what it can be told, and its help
//	server.go    Start, Server.Close: what a test starts too; the files that it opens
//	fill.go      what a new database holds, and its first administrator
//	password.go  the subcommand admin-password
//	backup.go    the subcommands backup and restore, over shared/store/sqlite
//	doctor.go    the subcommand doctor; the folder doctor is what it does
//	nightly.go   the subcommand nightly; the folder nightly is what it does
//	learn.go     the subcommand learn check; the folder progress is what it does
//	walkthrough.go  the subcommand walkthrough; the folder walkthrough is what it does
//	attack.go    the subcommand attack; the folder attack is what it does
//	workshop.go  the subcommand workshop; the folder workshop is what it does
//	seed.go      the subcommand seed: what fill.go does, for the table of a deployment
//	lambda.go    the whole as one Lambda function, for "sam local" only
//	handler.go   every function on one mux
//	listen.go    localhost means two addresses
//	connections.go  the open connections: how many, who gives way, how they end; last_*.go closes the port without losing any
//	modest.go    what is larger than a request has to be
//	held_unix.go what the process holds, for whoever asks by a signal
//	inside.go    requests that we send to ourselves
//	banner.go    what a person reads at the start
//	version.go   which VetAssist this is
//	memory.go    how the garbage collector is set, and why
//
// The end-to-end tests are here as well, since only this package may import every function: story_test.go is the
// story of the README over real HTTP, browser_test.go the same in Chromium, story_at_test.go the same at any address,
// lambda_test.go the same of compiled Lambda functions behind an emulated gateway.
package main
