// Package diagram draws what package trace recorded: the records of a flow become the numbered arrows and notes of a sequence diagram, in
// the style of the guide, and each of them can be explained.
//
//	steps.go      the arrows and notes, in order; the lanes
//	label.go      what stands on an arrow
//	title.go      what a flow is called in a list
//	mermaid.go    the diagram as text for Mermaid
//	markdown.go   the diagram with all that was said, for reading
//	har.go        the exchanges as an HTTP Archive, for other tools
//	curl.go       the command that repeats an exchange
//	rules.go      which sentences of the specifications an exchange obeys,
//	catalogue.go  and all of these sentences
//	claims.go     what the claims of a token mean
//	compare.go    two flows side by side
//	message.go    how all of these read a message
//
// All of it is pure: records in, text or values out. What it is given has had its secrets shortened already (package trace), and some of
// it was written by strangers: whoever shows it must escape it for where it is shown. Mermaid and Markdown do so here.
package diagram
