package sqlite

// What is asked of the file.
const (
	selectOne  = `SELECT version, expires, body FROM items WHERE partition = ? AND sort = ? AND (expires = 0 OR expires > ?)`
	selectMany = `SELECT sort, version, expires, body FROM items WHERE partition = ? AND sort >= ? AND sort < ? AND (expires = 0 OR expires > ?)`
)

// The statements of a connection that reads.
const (
	get = iota
	list
	listDown
)

var reading = []string{
	get:      selectOne,
	list:     selectMany + ` ORDER BY sort`,
	listDown: selectMany + ` ORDER BY sort DESC`,
}

// The statements of the one that writes, which can read, too.
const (
	begin = iota + listDown + 1
	commit
	rollback
	version
	put
	putNew
	putExpired
	del
	lastRow
	sweepEnd
	sweepOut
	checkpointAll
)

var writing = append(reading[:len(reading):len(reading)],
	`BEGIN IMMEDIATE`,
	`COMMIT`,
	`ROLLBACK`,
	`SELECT version, expires FROM items WHERE partition = ? AND sort = ?`,
	`INSERT INTO items (partition, sort, version, expires, body) VALUES (?1, ?2, 1, ?3, ?4)
		ON CONFLICT DO UPDATE SET version = version + 1, expires = excluded.expires, body = excluded.body`,
	`INSERT INTO items (partition, sort, version, expires, body) VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING`,
	`UPDATE items SET version = version + 1, expires = ?3, body = ?4 WHERE partition = ?1 AND sort = ?2 AND expires > 0 AND expires <= ?5`,
	`DELETE FROM items WHERE partition = ? AND sort = ?`,
	`SELECT max(rowid) FROM items`,
	`SELECT rowid FROM items WHERE rowid > ? ORDER BY rowid LIMIT 1 OFFSET ?`,
	`DELETE FROM items WHERE rowid > ? AND rowid <= ? AND expires > 0 AND expires <= ?`,
	`PRAGMA wal_checkpoint(PASSIVE)`,
)
