// Package audit is the log of who did what: every login, refusal, grant, token and revocation, and what administrators
// change. It is kept for ninety days, listed newest first, and exported as JSON lines.
//
// An event is written in one of two ways. What changes a grant writes its event in the same Write as the change (Op), so
// neither is there without the other. All else is written beside the answer (Record): a failure to write it does not fail
// the request, but the whole event then stands in the program's own log, at level error, so it is not lost in silence.
//
// What costs its causer nothing is bounded, so that nobody fills the log: refusals of strangers, and what is the same but for its time, again
// and again. Beyond the bound it is counted, and the next event that is written says how many were left out.
//
// An event never holds a secret, and of a failed login never the name that was typed, since people type passwords there:
// only the id of the user whose name it is, if it is one.
//
// Events lie under one partition for each day and shard, so that no partition is hot, and no two writers meet. The days
// that have events are listed beside them, so that nobody reads the others.
package audit
