// Package dynamo is the cloud's engine of the storage contract: one DynamoDB table, over aws-sdk-go-v2's signer and retryer. The few
// operations that it needs are in wire.go: the SDK's client of the service, with all of DynamoDB in it, is one to three megabytes of program and
// a millisecond or two at the start of each function.
//
// An item has the attributes pk and sk (its key), version, expires (Unix seconds, absent when never; the table's TTL
// attribute), body (the JSON as it came) and, see below, nonce. The table's own time to live deletes late, up to days, so
// conditions, reads and listings look at expires themselves, by our clock.
//
// Every read is strongly consistent, at twice the price of one that is not: what was just written is asked for by the next
// request, of another process: the login behind a session, the code that a token is asked for with, a grant that was
// revoked a moment ago.
//
// A write of several operations is one transaction. Its token makes it the same one however often it is sent (for ten
// minutes), so an answer that is lost costs nothing but time. A single put that asks for absence or for a version, which
// most writes are, is sent as a plain update, for half the price. That has no such token, so the put writes a nonce: when a
// repeated one finds its condition unmet, the nonce in the item tells whether it was met by the attempt whose answer was
// lost. Where that cannot be known any more, because somebody wrote after it, the answer is ErrBusy, not a guess. Other
// single operations (a delete leaves no nonce; an unconditional put that is repeated could overwrite what came after
// it) are transactions too.
//
// One thing no nonce can see: a put of something new that is held up on its way, is repeated, and arrives after the item
// was deleted again would make it once more. The connection of an attempt that took too long is closed, so that it would
// have to be held up inside DynamoDB. What must never come back is changed to say so, not deleted: a used code, a rotated
// refresh token.
//
// Retries end after ten attempts or eight seconds, or with the caller's context.
package dynamo
