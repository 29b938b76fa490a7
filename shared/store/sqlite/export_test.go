package sqlite

import "os"

// WithoutCache makes of a store what it is where the log's index cannot be read.
func (db *DB) WithoutCache() *DB {
	db.cache = nil
	return db
}

// FreezeIndex lets the cache see the log's index as it is now for ever, as a file system might that shows no mapping's writes.
func (db *DB) FreezeIndex(file string) error {
	now := make([]byte, 2*len(state{}))
	if _, err := db.index.file.ReadAt(now, 0); err != nil {
		return err
	}
	if err := os.WriteFile(file, now, 0o600); err != nil {
		return err
	}
	f, err := os.Open(file)
	db.cache.index = &index{file: f}
	return err
}
