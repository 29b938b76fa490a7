// Package clinic is the veterinary clinic: pets and their owners, vaccination plans, the diary, reminders and
// support tickets, over a store.Store. It knows people (Actor), not tokens or scopes: an owner sees their own
// pets, staff see all.
//
// # Where things are kept
//
// Everything that belongs to a person lies in that person's partition, so an owner's question never reads
// another owner's records: another owner's pet is not refused, it is simply not there.
//
//	clinic/person/<person>   profile                          name of a customer
//	                         pet/<pet>                        the pet
//	                         vaccination/<pet>/<date>/<code>  a dose that was given
//	                         appointment/<id>                 id begins with the UTC start, so order is by time
//	                         reminder/<id>                    the same
//	                         ticket/<id>                      a message to the clinic
//	                         guard                            its version serialises what counts or must be unique
//	clinic/day/<date>        <HH:MM>/<vet>                    a taken slot: written only if absent, so taken once
//	clinic/index/<shard>     pet/<name>/<pet>, owner/<name>/<person>   for staff; shards are ranges of first letters
//	clinic/ref/<id>          owner                            whose pet or appointment this is; for staff
//	clinic/setup/seed        state                            what Seed has done
//
// The index is sharded by ranges of the first letter rather than by a hash: a search by name prefix reads one
// shard, and a listing that walks the shards in order comes out sorted, with a plain cursor.
//
// # Time
//
// The clinic has one zone. Days are civil dates (Date), times of day are minutes (Clock); an instant is made of the
// two only at the end, so a day with 23 or 25 hours changes nothing in the diary. A time that the clocks skip is
// refused.
//
// # Left out
//
// Deleting a pet, giving it to another owner and renaming an owner: no tool asks for it yet. Appointments of other
// lengths than a slot.
package clinic
