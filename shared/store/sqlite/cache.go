package sqlite

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru" // bounds what is remembered

	"github.com/vetassist/vetassist/shared/store"
)

// Bounds of what is remembered.
const (
	maxRemembered = 16384    // items, and partitions that have lists
	maxBytes      = 8 << 20  // of all of them
	maxOne        = 16 << 10 // of one item or list
	maxLists      = 4        // of one partition
	overhead      = 250      // bytes that an item takes beside its key and its body, about
)

// cache remembers what was read and written. It is exact: what it knows is so in one state of the file, and it is asked only while that is
// the state. A commit of this process brings it to the next one, without what was written; one of anybody else empties it.
type cache struct {
	index *view // nil: the database is in memory

	mu         sync.Mutex
	at         state // in which all of this is so
	committing bool  // this process may be about to bring about the next
	closed     bool  // nothing is known any more, nor will be
	latest     int64 // Unix seconds at which it was asked, or written
	known      *simplelru.LRU[key, remembered]
	bytes      int
	given      uint64      // the last mark
	marks      [256]uint64 // of partitions, by hash
	seed       maphash.Seed
}

// key is of an item, or without a sort key of a partition's lists.
type key struct{ partition, sort string }

type remembered struct {
	item  store.Item
	lists []listed
	bytes int
}

type listed struct {
	query store.Query
	page  store.Page
	until int64 // Unix seconds, when the first of it expires; 0: never
	bytes int
}

func newCache(v *view) *cache {
	c := &cache{index: v, seed: maphash.MakeSeed()}
	c.known, _ = simplelru.NewLRU(maxRemembered, func(_ key, r remembered) { c.bytes -= r.bytes }) // fails for no size only
	return c
}

// see tells which state the file is in. It is not ok when nothing may be remembered or believed just now. The caller does not hold mu.
func (c *cache) see() (s state, ok bool) {
	if c == nil {
		return s, false
	}
	if c.index != nil {
		s, ok = c.index.read()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return s, false
	case c.index == nil:
		return c.at, true
	case ok && s == c.at:
		return s, true
	case c.committing:
		return s, false
	}
	if s, ok = c.index.read(); ok && s != c.at { // now no commit of ours comes in between
		c.forgetAll()
		c.at = s
	}
	return s, ok
}

// logged is how many pages the log has, if that is known.
func (c *cache) logged() (pages int, ok bool) {
	if c == nil || c.index == nil {
		return 0, false
	}
	s, ok := c.index.read()
	return s.pages(), ok
}

func (c *cache) close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetAll()
	c.closed = true
	return c.index.close()
}

func (c *cache) forgetAll() {
	c.known.Purge()
	c.given++
	for i := range c.marks {
		c.marks[i] = c.given
	}
}

func (c *cache) mark(partition string) *uint64 {
	return &c.marks[maphash.String(c.seed, partition)%uint64(len(c.marks))]
}

// Changes implements store.Watcher. There are more partitions than marks, so it may tell of a change that was in another one.
func (db *DB) Changes(partition string) (mark uint64, ok bool) {
	c := db.cache
	s, ok := c.see()
	if !ok {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.mark(partition), s == c.at
}

// still reports whether what is known is so in a state. The caller holds mu.
func (c *cache) still(s state, now int64) bool {
	c.tick(now)
	return s == c.at
}

// tick looks whether the clock was set back. Then nothing is known: what had expired has been deleted, or not. The caller holds mu.
func (c *cache) tick(now int64) {
	if now < c.latest-1 { // not those who were slower by a moment
		c.forgetAll()
		c.latest = now
	}
	c.latest = max(c.latest, now)
}

// item is what is remembered of one, if it is so in a state.
func (c *cache) item(s state, k key, now int64) (store.Item, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.still(s, now) {
		return store.Item{}, false
	}
	r, ok := c.known.Get(k)
	if !ok {
		return store.Item{}, false
	}
	if until := store.ToUnix(r.item.Expires); until != 0 && until <= now {
		c.known.Remove(k)
		return store.Item{}, false
	}
	r.item.Body = slices.Clone(r.item.Body)
	return r.item, true
}

func (c *cache) list(s state, q store.Query, now int64) (store.Page, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.still(s, now) {
		return store.Page{}, false
	}
	r, _ := c.known.Get(key{partition: q.Partition})
	for _, l := range r.lists {
		if l.query == q && (l.until == 0 || now < l.until) {
			return cloned(l.page), true
		}
	}
	return store.Page{}, false
}

func cloned(p store.Page) store.Page {
	p.Items = slices.Clone(p.Items)
	for i := range p.Items {
		p.Items[i].Body = slices.Clone(p.Items[i].Body)
	}
	return p
}

// keepItem remembers what was read while the file was in a state.
func (c *cache) keepItem(s state, item store.Item) {
	if !c.unchanged(s) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s == c.at {
		c.put(item)
	}
}

// unchanged reports whether the file is in a state still. The caller does not hold mu.
func (c *cache) unchanged(s state) bool {
	if c.index == nil {
		return true // keeping asks again
	}
	now, ok := c.index.read()
	return ok && now == s
}

// put remembers an item. The caller holds mu.
func (c *cache) put(item store.Item) {
	bytes := sizeOf(item)
	if bytes > maxOne {
		return
	}
	item.Body = slices.Clone(item.Body)
	c.add(key{item.Partition, item.Sort}, remembered{item: item, bytes: bytes})
}

func (c *cache) add(k key, r remembered) {
	c.known.Remove(k) // so that its bytes are counted once
	c.known.Add(k, r)
	c.bytes += r.bytes
	for c.bytes > maxBytes {
		c.known.RemoveOldest()
	}
}

func sizeOf(item store.Item) int {
	return overhead + len(item.Partition) + len(item.Sort) + len(item.Body)
}

func (c *cache) keepList(s state, q store.Query, page store.Page) {
	if !c.unchanged(s) {
		return
	}
	l := listed{query: q, page: cloned(page), bytes: overhead + len(q.Partition) + len(q.Prefix) + len(q.Cursor)}
	for _, item := range page.Items {
		l.bytes += sizeOf(item)
		if until := store.ToUnix(item.Expires); until != 0 && (l.until == 0 || until < l.until) {
			l.until = until
		}
	}
	if l.bytes > maxOne {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s != c.at {
		return
	}
	k := key{partition: q.Partition}
	r, _ := c.known.Peek(k)
	r.lists = slices.DeleteFunc(slices.Clone(r.lists), func(other listed) bool { return other.query == q })
	if len(r.lists) == maxLists {
		r.lists = r.lists[1:]
	}
	r.lists, r.bytes = append(r.lists, l), 0
	for _, l := range r.lists {
		r.bytes += l.bytes
	}
	c.add(k, r)
}

// before is called by who holds the file's lock, with a commit to come at a time: no other process makes one until after.
func (c *cache) before(now int64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick(now)
	c.committing = true
	if c.index == nil {
		return
	}
	if s, ok := c.index.read(); !ok || s != c.at {
		c.forgetAll()
		c.at = s
	}
}

// after is called when the commit is done, or has failed, with what it did.
func (c *cache) after(done bool, effects []store.Item) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.committing = false
	s, ok := c.at.next(), true
	if c.index != nil {
		s, ok = c.index.read()
	}
	if ok && done && s == c.at && c.index != nil { // as it should be where nothing was changed
		if len(effects) > 0 { // the index does not show our own commit, so it would show nobody's
			c.closed = true
		}
		return
	}
	if !ok || !done || s.changes() != c.at.changes()+1 { // it was not only us
		c.forgetAll()
		c.at = s
		return
	}
	c.at = s
	c.given++
	for _, item := range effects {
		*c.mark(item.Partition) = c.given
		c.known.Remove(key{partition: item.Partition})
		c.known.Remove(key{item.Partition, item.Sort})
		if item.Version != 0 {
			c.put(item)
		}
	}
}
