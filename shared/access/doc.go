// Package access knows what is open at the authorization server: logins of browsers, and grants, most of which are families
// of refresh tokens. The authorization server begins and rotates them; whoever may end them does it here too.
//
// Partitions:
//
//	login/…    one login each, under the hash of its cookie
//	grant/…    one grant each
//	refresh/…  one refresh token each, under its hash; it names its grant, and is worth nothing without it
//	access/…   the indexes: logins and grants by user, grants by client
//
// An item and its index items are written together or not at all, and expire together. An index item is a copy, so a list
// is read without a look at every grant; the price is two more items in the write of a refresh.
//
// What belongs to a user lies in one partition, since a person opens few things. A client can have a grant of everybody, so
// its index is spread over partitions by the grant's id, which is random: none is hot, and the list has no order that
// anybody would see a meaning in.
package access
