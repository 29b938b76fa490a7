// Command bench measures VetAssist beside the programs that people would otherwise use for the same work: all on one machine, one after the
// other inside each round, in an order that turns, so that the ratios hold even where the figures do not. scripts/bench/run builds and
// installs everything and starts it.
//
//	plan.go       what is measured, with whom, and what ours must reach
//	servers.go    how each server is started
//	prepare.go    what ours knows before it starts: people, pets, logins, tokens
//	process.go    a running server, its processor time and its memory
//	rounds.go     the rounds of a row, and their medians
//	results.go    results.json and results.md
//	load/         the program that asks
//	peers/        the Go servers of others, a module of its own
//	node/         those for Node.js, in the versions that the lock file names
//
// Ours is the program that a user runs, over a SQLite file, with the flight recorder off, since the others record nothing; one line has
// it on, and one has each write on the disk before it is answered (-durability full). dex joins in where its program is on the PATH: no package registry holds it. Ory Hydra, which has none either, answers more than one flow at
// a time on SQLite with errors, so there is nothing to compare. No limit of it is lifted: its tool calls are those of two thousand people.
package main
