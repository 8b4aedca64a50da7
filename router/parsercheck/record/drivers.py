"""psycopg and asyncpg by themselves: python drivers.py psycopg|asyncpg."""

import asyncio
import importlib.metadata
import sys

import asyncpg
import psycopg
from psycopg.rows import dict_row

TABLE = "CREATE TABLE note (id int PRIMARY KEY, body text, tags text[], data jsonb, made timestamptz DEFAULT '2024-01-01 00:00Z')"


def with_psycopg():
    with psycopg.connect(autocommit=True) as c:
        c.execute(TABLE)
    with psycopg.connect() as c:  # autocommit off: BEGIN comes with the first statement
        with c.cursor() as cur:
            cur.executemany("INSERT INTO note (id, body, tags) VALUES (%s, %s, %s)", [(i, f"note {i}", ["a", f"t{i}"]) for i in range(1, 6)])
            with cur.copy("COPY note (id, body) FROM STDIN") as copy:
                for i in range(6, 10):
                    copy.write_row((i, f"copied {i}"))
            print("count", cur.execute("SELECT count(*) FROM note").fetchone())
        c.commit()
        print("read", c.execute("SELECT id, body FROM note WHERE id = ANY(%s) ORDER BY id", ([1, 3],)).fetchall())
        for i in range(8):  # prepared from the sixth on
            c.execute("SELECT body FROM note WHERE id = %s", (i,)).fetchone()
        c.rollback()
        with c.transaction():
            c.execute("UPDATE note SET body = body || '!' WHERE id = 1")
            try:
                with c.transaction():
                    c.execute("INSERT INTO note (id) VALUES (1)")
            except psycopg.errors.UniqueViolation as e:
                print("savepoint", e.sqlstate)
            print("inside", c.execute("SELECT body FROM note WHERE id = 1").fetchone())
        with c.cursor("named", scrollable=True) as cur:
            cur.execute("SELECT id FROM note ORDER BY id")
            print("named", cur.fetchmany(3), cur.fetchone(), len(cur.fetchall()))
        c.commit()
        with c.cursor().copy("COPY (SELECT id, body FROM note WHERE id < 4 ORDER BY id) TO STDOUT (FORMAT csv)") as copy:
            print("copied", b"".join(copy))
        with c.pipeline():
            many = [c.execute("SELECT %s::int * 2", (i,)) for i in range(3)]
            c.execute("INSERT INTO note (id, body) VALUES (10, 'ten')")
            last = c.execute("SELECT count(*) FROM note")
        print("pipeline", [m.fetchone() for m in many], last.fetchone())
        c.commit()
        c.read_only = True
        c.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        print("read only", c.execute("SELECT sum(id) FROM note").fetchone(), c.execute("SHOW transaction_read_only").fetchone())
        try:
            c.execute("DELETE FROM note")
        except psycopg.errors.ReadOnlySqlTransaction as e:
            print("refused", e.sqlstate)
        c.rollback()
    with psycopg.connect(autocommit=True, row_factory=dict_row) as c:
        c.execute("UPDATE note SET data = %s WHERE id = 2", (psycopg.types.json.Jsonb({"a": [1, 2]}),))
        print("own write", c.execute("SELECT data -> 'a' AS a FROM note WHERE data @> '{\"a\": [2]}'").fetchall())
        print("stream", [r["id"] for r in c.cursor().stream("SELECT id FROM note ORDER BY id")])
        print("types", psycopg.types.TypeInfo.fetch(c, "jsonb").name, c.info.server_version // 10000)
        c.execute("LISTEN notes")
        c.execute("NOTIFY notes, 'hello'")
        print("notified", [(n.channel, n.payload) for n in c.notifies(timeout=5, stop_after=1)])
        c.execute("UNLISTEN *")
        print("lock", c.execute("SELECT pg_try_advisory_lock(42), pg_advisory_unlock(42)").fetchall())


async def with_asyncpg():
    pool = await asyncpg.create_pool(min_size=1, max_size=1, statement_cache_size=50)
    async with pool.acquire() as c:
        await c.execute(TABLE + "; CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a int, b mood)")
        await c.executemany("INSERT INTO note (id, body, tags) VALUES ($1, $2, $3)", [(i, f"note {i}", ["a"]) for i in range(1, 6)])
        await c.copy_records_to_table("note", records=[(i, f"copied {i}") for i in range(6, 10)], columns=["id", "body"])
        print("rows", [tuple(r) for r in await c.fetch("SELECT id, tags, made FROM note WHERE id <= $1 ORDER BY id", 2)])
        print("own types", await c.fetchval("SELECT $1::mood", "happy"), tuple(await c.fetchval("SELECT row(1, 'sad')::pair")), await c.fetchval("SELECT array['happy']::mood[]"))
        by_id = await c.prepare("SELECT body FROM note WHERE id = $1")
        print("prepared", [await by_id.fetchval(i) for i in (1, 2, 9)], [p.name for p in by_id.get_parameters()])
        async with c.transaction():
            await c.execute("UPDATE note SET body = upper(body) WHERE id = 1")
            try:
                async with c.transaction():
                    await c.execute("INSERT INTO note (id) VALUES (1)")
            except asyncpg.UniqueViolationError as e:
                print("savepoint", e.sqlstate)
            print("cursor", [r["id"] async for r in c.cursor("SELECT id FROM note ORDER BY id", prefetch=2)])
        async with c.transaction(isolation="repeatable_read", readonly=True):
            print("read only", await c.fetchval("SELECT sum(id) FROM note"), await by_id.fetchval(1))
        async with c.transaction(isolation="serializable", readonly=True, deferrable=True):
            print("deferrable", await c.fetchval("SELECT count(*) FROM note"))
        told = asyncio.get_running_loop().create_future()
        await c.add_listener("notes", lambda _c, _pid, channel, payload: told.set_result((channel, payload)))
        await c.execute("SELECT pg_notify('notes', 'hello')")
        print("notified", await asyncio.wait_for(told, 5))
    async with pool.acquire() as c:  # after the pool's reset
        print("again", await c.fetchrow("SELECT count(*), min(body) FROM note"))
        print("version", c.get_server_version().major, c.get_settings().server_encoding)
    await pool.close()


print(f"{sys.argv[1]} {importlib.metadata.version(sys.argv[1])}")
if sys.argv[1] == "psycopg":
    with_psycopg()
else:
    asyncio.run(with_asyncpg())
