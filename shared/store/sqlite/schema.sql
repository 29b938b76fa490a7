-- One table holds everything: the storage contract of package store, and nothing of the domain.
CREATE TABLE items (
    partition TEXT    NOT NULL,
    sort      TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    expires   INTEGER NOT NULL DEFAULT 0, -- Unix seconds; 0 means never
    body      TEXT    NOT NULL,           -- JSON
    PRIMARY KEY (partition, sort)
) WITHOUT ROWID;

CREATE INDEX items_by_expiry ON items (expires) WHERE expires > 0;
