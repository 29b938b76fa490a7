package trace

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// ErrNotFound says that there is no such flow, or none that this viewer may see.
var ErrNotFound = errors.New("trace: no such flow")

// Viewer is who looks. User is who is logged in at the authorization server, Browser the hash of the recorder's cookie; each may be empty.
type Viewer struct {
	User    string
	Browser string
	All     bool // an administrator
}

// Reader reads what a Recorder wrote, in any process.
type Reader struct {
	store store.Store
	now   func() time.Time
}

// NewReader opens the records in s.
func NewReader(s store.Store, now func() time.Time) *Reader {
	return &Reader{store.Restrict(s, Partitions...), now}
}

const (
	maxRecords = maxFlow + 200 // of one flow, with those of others that are part of it
	maxMerged  = 8
)

// Flow is what the viewer may see of a flow, in the order in which it began. The error is ErrNotFound when that is nothing.
func (r *Reader) Flow(ctx context.Context, flow string, v Viewer) ([]Record, error) {
	if len(flow) != 32 || strings.Trim(flow, "0123456789abcdef") != "" {
		return nil, ErrNotFound
	}
	own, parts, err := r.read(ctx, flow)
	if err != nil {
		return nil, err
	}
	all := own
	for _, part := range parts {
		more, _, err := r.read(ctx, part)
		if err != nil {
			return nil, err
		}
		// What a client did before it was known: nobody's, or it would not be part of this.
		all = append(all, slices.DeleteFunc(more, func(rec Record) bool { return rec.Subject != "" && !v.All })...)
	}
	slices.SortStableFunc(all, func(a, b Record) int { return a.Begin.Compare(b.Begin) })
	if all = visible(all, v); len(all) == 0 {
		return nil, ErrNotFound
	}
	return all, nil
}

// visible are the records that a viewer may see: those about the viewer, and in a flow that is the viewer's those about nobody. A flow
// is the viewer's with a record about the viewer, or, as long as it is about nobody, with one of the viewer's browser. Somebody else's
// browser can be in it too, such as that of a person who followed a link which the viewer sent: what it did stays unseen.
func visible(all []Record, v Viewer) []Record {
	if v.All {
		return all
	}
	somebodys, mine, here := false, false, false
	browsers := map[string]bool{v.Browser: true, "": true}
	byID := map[string]Record{}
	for _, rec := range all {
		byID[rec.ID] = rec
		somebodys = somebodys || rec.Subject != ""
		here = here || rec.Browser != "" && rec.Browser == v.Browser
		if rec.Subject != "" && rec.Subject == v.User {
			mine = true
			browsers[rec.Browser] = true
		}
	}
	var sees func(Record, int) bool
	sees = func(rec Record, depth int) bool {
		switch {
		case rec.Subject != "":
			return rec.Subject == v.User
		case !mine && (somebodys || !here), !browsers[rec.Browser], depth > maxDepth:
			return false
		}
		parent, ok := byID[rec.Parent] // what happened in an exchange is as private as that
		return !ok || sees(parent, depth+1)
	}
	return slices.DeleteFunc(slices.Clone(all), func(rec Record) bool { return !sees(rec, 0) })
}

const maxDepth = 16

func (r *Reader) read(ctx context.Context, flow string) (records []Record, parts []string, err error) {
	merges, err := store.ReadAll[merged](ctx, r.store, store.Query{Partition: flowPartition + flow, Prefix: mergePrefix}, maxMerged)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range merges {
		parts = append(parts, m.Value.Flow)
	}
	q := store.Query{Partition: flowPartition + flow, Prefix: recordPrefix, Limit: 100}
	for len(records) < maxRecords {
		page, err := r.store.List(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		for _, item := range page.Items {
			var rec Record
			if err := json.Unmarshal(item.Body, &rec); err != nil {
				return nil, nil, err
			}
			records = append(records, rec)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return records, parts, nil
}

// Flows are the latest flows that a viewer may see, the newest first, from before on (exclusive; empty: from now on). A flow in the list
// can turn out to hold nothing for the viewer.
func (r *Reader) Flows(ctx context.Context, v Viewer, before string, limit int) (flows []string, next string, err error) {
	var partitions []string
	switch {
	case v.All:
		for shard := range shards {
			partitions = append(partitions, allPartition+string(rune('0'+shard)))
		}
	default:
		if v.User != "" {
			partitions = append(partitions, personPartition+v.User)
		}
		if v.Browser != "" {
			partitions = append(partitions, browserPartition+v.Browser)
		}
	}
	for _, p := range partitions {
		found, err := r.latest(ctx, p, before, limit+1)
		if err != nil {
			return nil, "", err
		}
		flows = append(flows, found...)
	}
	slices.Sort(flows)
	flows = slices.Compact(flows)
	slices.Reverse(flows)
	if len(flows) > limit {
		flows, next = flows[:limit], flows[limit-1]
	}
	return flows, next, nil
}

// latest reads a listing from its end. A cursor is between two pages only, so what is newer than before is passed over.
func (r *Reader) latest(ctx context.Context, partition, before string, limit int) (flows []string, err error) {
	q := store.Query{Partition: partition, Descending: true, Limit: min(limit, store.MaxLimit)}
	for range maxPages {
		page, err := r.store.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if before == "" || item.Sort < before {
				if flows = append(flows, item.Sort); len(flows) == limit {
					return flows, nil
				}
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	return flows, nil
}

const maxPages = 50
