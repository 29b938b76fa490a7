// Package sqlite is the laptop's engine of the storage contract: one file, made on first use with mode 0600, over
// modernc.org/sqlite, which needs no C compiler.
//
// One connection writes and a few read, which is what SQLite is good at: no writer ever waits for another inside
// SQLite, and readers never wait at all (write-ahead log). Those who wait to write share one transaction (write.go), and the
// driver is asked without package sql in between (conn.go). What was answered survives the death of the process, kill -9
// included: it is in the operating system's hands. Synchronous is NORMAL, with which a power cut may take the last moments,
// but never half a write. With the option Full the log is synced before each Write returns, so that a power cut takes
// nothing that was answered, as far as the disk keeps what it says that it has.
//
// The log is brought into the file beside those who write (checkpoint.go), and what has expired is deleted by and by as they do (write.go).
//
// What was read or written is remembered, at most 8 MB of it, as long as nobody has written to it since. That is exact, with no time in which
// it is not so: the index of the log, a file that every process has open beside the database, has another header after each commit. A commit
// of another process empties the memory. Where a file does not show what is written to its mapping (systems other than Linux and macOS, and
// unusual file systems, which the first commit finds out) everything is read each time.
//
// Views (views.sql) show the records as plain tables to whoever opens the file with the sqlite3 command.
package sqlite
