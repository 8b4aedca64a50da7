-- What psycopg 3.3.9 sent to PostgreSQL 15; see record/README.md.

CREATE TABLE note (id int PRIMARY KEY, body text, tags text[], data jsonb, made timestamptz DEFAULT '2024-01-01 00:00Z');
BEGIN;
INSERT INTO note (id, body, tags) VALUES ($1, $2, $3);
COPY note (id, body) FROM STDIN;
SELECT count(*) FROM note;
COMMIT;
SELECT id, body FROM note WHERE id = ANY($1) ORDER BY id;
SELECT body FROM note WHERE id = $1;
ROLLBACK;
DEALLOCATE ALL;
UPDATE note SET body = body || '!' WHERE id = 1;
SAVEPOINT "_pg3_2";
INSERT INTO note (id) VALUES (1);
ROLLBACK TO "_pg3_2";
RELEASE "_pg3_2";
DECLARE "named" SCROLL CURSOR FOR SELECT id FROM note ORDER BY id;
FETCH FORWARD 3 FROM "named";
FETCH FORWARD ALL FROM "named";
CLOSE "named";
COPY (SELECT id, body FROM note WHERE id < 4 ORDER BY id) TO STDOUT (FORMAT csv);
SELECT $1::int * 2;
INSERT INTO note (id, body) VALUES (10, 'ten');
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT sum(id) FROM note;
SHOW transaction_read_only;
DELETE FROM note;
UPDATE note SET data = $1 WHERE id = 2;
SELECT data -> 'a' AS a FROM note WHERE data @> '{"a": [2]}';
SELECT id FROM note ORDER BY id;
SELECT
    typname AS name, oid, typarray AS array_oid,
    oid::regtype::text AS regtype, typdelim AS delimiter
FROM pg_type t
WHERE t.oid = to_regtype($1)
ORDER BY t.oid;
LISTEN notes;
NOTIFY notes, 'hello';
UNLISTEN *;
SELECT pg_try_advisory_lock(42), pg_advisory_unlock(42);
