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
//	clinic/people/<shard>    <person>                         everybody who has a partition, since a store lists none
//	clinic/setup/seed        state                            what Seed, Reset or Restore has done, and has still to do
//	clinic/setup/gate        gate                             closed while all records are copied or replaced
//	clinic/snapshot/list     <snapshot>                       name, size
//	clinic/snapshot/data/<snapshot>  <number>                 a chunk of its records
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
// # All records at once
//
// Reset seeds the clinic anew, a Snapshot copies it, Restore brings a copy back. Each goes from person to person and
// writes at most 25 items at a time, behind the gate: meanwhile questions are answered from what is there, and changes are
// asked to come back. The gate opens by itself after a minute, and what was interrupted can be done again. Days in a
// snapshot are days of the calendar: restored a week later, its appointments lie a week nearer, or in the past.
//
// A person who has reminders or messages from before there was clinic/people, is no customer and has changed nothing
// since is not known to be there: a Reset leaves those records.
//
// # Left out
//
// Deleting a pet, giving it to another owner and renaming an owner: no tool asks for it yet. Appointments of other
// lengths than a slot.
package clinic
