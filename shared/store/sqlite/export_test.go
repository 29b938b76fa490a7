package sqlite

import "slices"

// WithoutCache makes of a store what it is where the log's index cannot be read.
func (db *DB) WithoutCache() *DB {
	_ = db.cache.close()
	db.cache = nil
	return db
}

// FreezeIndex lets the cache see the log's index as it is now for ever, as a file system might that shows no mapping's writes.
func (db *DB) FreezeIndex() {
	v := db.cache.index
	db.cache.index = &view{shown: slices.Clone(v.shown), gone: func([]byte) error { return v.close() }}
}
