-- What a curious reader sees: sqlite3 vetassist.db "SELECT * FROM pets". Read only, and never read by the code.
DROP VIEW IF EXISTS live;
CREATE VIEW live AS
    SELECT partition, sort, version, expires, body FROM items
    WHERE expires = 0 OR expires > unixepoch();
