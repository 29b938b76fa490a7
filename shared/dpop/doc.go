// Package dpop is proof of possession (RFC 9449): a token that is bound to a key is worth nothing to whoever stole it, since each
// request that uses it comes with a proof, a small JWT that the key signed for this one request.
//
// A client makes proofs with package possession. A Checker here checks those that come to one server, the authorization server or a resource
// server:
//
//	check.go   is it a proof, signed by the key in it, for this method, this URL, this token, and fresh?   RFC 9449 §4.3
//	nonce.go   does it hold a nonce that this server handed out in the last minutes?                       §8, §9
//	replay.go  was it used before?                                                                         §11.1
//
// A nonce is always demanded. It costs a client one round trip every few minutes at most, and a proof that was made in advance, for
// a time to come, is then worth nothing (§11.2); nor is there a proof without one to fall back to (§11.3).
package dpop
