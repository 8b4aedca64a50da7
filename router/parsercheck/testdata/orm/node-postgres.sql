-- What node-postgres 8.23.1 sent to PostgreSQL 15; see record/README.md.

CREATE TABLE note (id int PRIMARY KEY, body text, tags text[], made timestamptz DEFAULT '2024-01-01');
INSERT INTO note (id, body, tags) VALUES ($1, $2, $3);
SELECT id, body FROM note WHERE id = ANY ($1::int[]) ORDER BY id;
SELECT body FROM note WHERE id = $1;
SELECT count(*)::int AS n FROM note WHERE id <= $1;
BEGIN; INSERT INTO note VALUES (6, 'six'); SELECT count(*) FROM note; ROLLBACK; SELECT 1 AS one;
UPDATE note SET body = body || '!' WHERE id = 1; SELECT body FROM note WHERE id = 1;
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SELECT generate_series(1, $1::int) AS n;
COMMIT;
SELECT id FROM note ORDER BY id;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM note ORDER BY id;
FETCH 2 FROM c;
FETCH LAST FROM c;
CLOSE c;
END;
SELECT 1/0;
LISTEN notes;
SELECT pg_notify($1, $2);
