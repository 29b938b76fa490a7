// Package learn is the teaching layer: the flight recorder's pages at /flow/, which draw what really happened, and the course at /learn/.
// It reads what package trace wrote, and who is looking. It changes nothing of anybody, but keeps how far each
// person is in the course.
//
//	open.go       what it opens, and its paths
//	learn.go      its routes
//	viewer.go     who is looking, and so what they may see
//	flows.go      the list of flows, as JSON
//	flow.go       one flow, drawn and explained, as JSON; its exports
//	flowpages.go  the recorder's pages, and the script of the panel beside the chat
//	outcome.go    how a flow stands
//	learn_*.go    the course: pages, checks, clock, board; package course has its lessons
//
// The scripts are modules without a build. diagram.js draws a flow wherever it is mounted: on its page, beside the chat (panel.js) and in
// the lessons (embed.js, for every element with data-flow). They never write HTML.
//
// In the cloud it is a function of its own, which is only there when the recorder is on.
package learn
