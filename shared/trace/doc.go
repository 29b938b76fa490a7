// Package trace is the flight recorder: it keeps what browser, chat app, authorization server, keys and MCP server said to each other, so
// that a page can draw it and a reader sees why each step happened. With the recorder off it does nothing at all.
//
// Who receives a request reports it, with the answer and with what was decided in between; towards a stranger's server the sender does.
// What belongs together is one flow. A request of ours carries the flow in its traceparent header (W3C Trace Context §3.2), whose trace-id
// is the flow's, with a seal that nobody else can make (seal.go); a browser that is sent from one party to the other is known again by the
// state of its authorization request, and a client of others by the code, the refresh token or the access token that it got (join.go). All
// of these are kept as hashes.
//
// Nothing is stored as it was sent before redact.go has shortened every secret in it. A person sees the exchanges that are about that
// person, and what happened in the same flow before anybody was known; an administrator sees all (read.go). Records expire after a day.
//
// It costs a request as little as possible: the middleware keeps references and copies at most maxBody bytes of each body; all else is done
// by one goroutine that writes what has gathered ten times a second. In Lambda, where nothing runs after the answer, it is one write
// before it, and a process reads its key once. A flood is not recorded: beyond flowRate exchanges a second they are counted only.
// Those who are known to nobody get half of the room, so that they cannot take all of it.
package trace
