// Package store is the storage contract: items under a partition and a sort key, with a version, an optional
// expiry and a JSON body; three verbs to reach them. Package sqlite obeys it on a laptop, package dynamo in
// the cloud; package storetest holds any engine to it.
//
// A partition is also the unit of permission (Restrict) and, in DynamoDB, the unit of throughput, so partition
// names are chosen by whoever owns the records: one per user, per pet, per session. Rules live there too; an
// engine knows keys, versions and clocks, nothing else.
//
// What a version does not tell: an item that was deleted and made again starts at version 1 again.
package store
