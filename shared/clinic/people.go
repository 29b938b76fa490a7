package clinic

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// The store cannot be asked which partitions there are, so everybody who has records here is listed: in the write that begins
// their partition, or, for one from before there was this list, in their next one.

// guardRecord is a person's guard; see change.
type guardRecord struct {
	Listed bool `json:"listed,omitempty"`
}

type listed struct {
	ID string `json:"id"`
}

// peopleShards is by how many partitions the list of people is spread.
const peopleShards = 8

func peopleShard(n int) string { return fmt.Sprintf("clinic/people/%d", n) }

func peopleKey(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id))
	return peopleShard(int(h.Sum32() % peopleShards))
}

func listPerson(id string) store.Op {
	return store.Put(store.Encode(peopleKey(id), id, listed{id}, time.Time{}), store.Always())
}

func unlistPerson(id string) store.Op { return store.Delete(peopleKey(id), id, store.Always()) }

// eachPerson calls f with the id of everybody who has records. A person may come twice.
func eachPerson(ctx context.Context, s store.Store, f func(id string) error) error {
	for n := range peopleShards {
		if err := each(ctx, s, store.Query{Partition: peopleShard(n)}, f); err != nil {
			return err
		}
	}
	for n := range shards { // customers from before there was the list
		if err := each(ctx, s, store.Query{Partition: shardName(n), Prefix: "owner/"}, f); err != nil {
			return err
		}
	}
	return nil
}

func each(ctx context.Context, s store.Store, q store.Query, f func(id string) error) error {
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			return fmt.Errorf("clinic: %w", err)
		}
		for _, item := range page.Items {
			var p listed
			if err := json.Unmarshal(item.Body, &p); err != nil {
				return fmt.Errorf("clinic: %s/%s: %w", item.Partition, item.Sort, err)
			}
			if err := f(p.ID); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

// along are the items that are written with an item of a person's partition: its lines in the index, its slot, its ref. They
// follow from it byte for byte, so a snapshot need not hold them.
func along(item store.Item) ([]store.Item, error) {
	kind, _, _ := cutSort(item.Sort)
	at := func(partition, sort string, body []byte, expires time.Time) store.Item {
		return store.Item{Partition: partition, Sort: sort, Body: body, Expires: expires}
	}
	switch kind {
	case "profile":
		var o Owner
		err := json.Unmarshal(item.Body, &o)
		return []store.Item{at(indexOf(o.Name), ownerIndexKey(o), item.Body, time.Time{})}, err
	case "pet":
		var p Pet
		err := json.Unmarshal(item.Body, &p)
		return []store.Item{at(indexOf(p.Name), petIndexKey(p), item.Body, time.Time{}),
			store.Encode(refKey(p.ID), "owner", ref{p.Owner.ID}, time.Time{})}, err
	case "appointment":
		var a Appointment
		err := json.Unmarshal(item.Body, &a)
		items := []store.Item{store.Encode(refKey(a.ID), "owner", ref{a.Owner}, item.Expires)}
		if !a.Cancelled {
			items = append(items, at(dayKey(a.Date), slotKey(a.Time, a.VetID), item.Body, a.Start.Add(keepDays*24*time.Hour)))
		}
		return items, err
	}
	return nil, nil
}
