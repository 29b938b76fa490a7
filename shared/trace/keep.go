package trace

import (
	"fmt"
	"hash/fnv"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

const (
	flowPartition    = "trace/flow/"    // + flow: its records, and the flows that turned out to be part of it
	personPartition  = "trace/person/"  // + user id: flows, by when they began
	browserPartition = "trace/browser/" // + hash of the cookie: the same
	allPartition     = "trace/all/"     // + shard: the same, of everybody
	linkPartition    = "trace/link/"    // + hash of what a flow is known by

	recordPrefix = "r/"
	mergePrefix  = "m/"
	linkSort     = "flow"

	shards = 4
)

// merged is the record that another flow is part of this one.
type merged struct {
	Flow string `json:"flow"`
}

// ops are the operations that store an exchange, with whatever makes its flow found. What strangers sent is read here: should that ever
// go wrong, it takes nothing with it but the record.
func (r *Recorder) ops(s *span) (ops []store.Op) {
	defer func() {
		if p := recover(); p != nil {
			ops = nil
			r.leftOut.Add(1)
			r.Log.Error("flight recorder: panic", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	k := r.remember(s.flow())
	if k.records.Add(1) > maxFlow {
		r.leftOut.Add(1)
		return nil
	}
	rec := s.finished()
	links, merge, dropped := s.raw.links, s.raw.merge, s.raw.dropped
	expires := rec.Begin.Time.Add(Keep)
	item := store.Encode(flowPartition+rec.Flow, sortOf(rec), rec, expires)
	if len(item.Body) > store.MaxBody { // of many decisions, or tokens
		rec.Request.Body, rec.Response.Body, rec.Decisions, rec.Request.Tokens, rec.Response.Tokens = "", "", nil, nil, nil
		item = store.Encode(flowPartition+rec.Flow, sortOf(rec), rec, expires)
	}
	if len(item.Body) > store.MaxBody { // JSON takes six bytes for some characters: one write that is refused would lose all that is in it
		rec.Request.Headers, rec.Response.Headers = nil, nil
		item = store.Encode(flowPartition+rec.Flow, sortOf(rec), rec, expires)
	}
	stranger := rec.Subject == "" && rec.Parent == "" // of which there can be any number, so they get a half of the room
	if now := time.Now(); stranger && !r.strangers.AllowN(now, len(item.Body)) || !r.bytes.AllowN(now, len(item.Body)) {
		r.leftOut.Add(1)
		return nil
	}
	ops = []store.Op{store.Put(item, store.IfAbsent())} // its id is new; alone it is no transaction in DynamoDB then, which costs half
	index := func(partition string) {
		if _, done := k.indexed.Get(partition); !done {
			k.indexed.Add(partition, true)
			ops = append(ops, store.Put(store.Encode(partition, rec.Flow, struct{}{}, expires), store.Always()))
		}
	}
	index(allPartition + shardOf(rec.Flow))
	if rec.Subject != "" {
		index(personPartition + rec.Subject)
	}
	if rec.Browser != "" {
		index(browserPartition + rec.Browser)
	}
	if merge != "" && merge != rec.Flow {
		ops = append(ops, store.Put(store.Encode(flowPartition+rec.Flow, mergePrefix+merge, merged{merge}, expires), store.Always()))
	}
	for _, key := range links {
		ops = append(ops, store.Put(store.Encode(linkPartition+key, linkSort, link{Flow: rec.Flow, Seen: rec.End.Time}, expires), store.Always()))
	}
	if dropped != "" {
		ops = append(ops, store.Delete(linkPartition+dropped, linkSort, store.Always()))
	}
	return ops
}

// sortOf lists records in the order in which they began.
func sortOf(rec Record) string {
	return fmt.Sprintf("%s%019d-%010d-%s", recordPrefix, rec.Begin.Time.UnixNano(), rec.Begin.N, rec.ID)
}

func shardOf(flow string) string {
	h := fnv.New32a()
	h.Write([]byte(flow))
	return strconv.Itoa(int(h.Sum32() % shards))
}
