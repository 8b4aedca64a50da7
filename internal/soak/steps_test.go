package soak

import (
	"context"
	"fmt"
)

// step does one thing that an application does. Sessions that are wild bind
// themselves to the primary sooner or later; the others mostly read, and
// seldom what only the primary can answer.
func (c *client) step() {
	switch n := c.IntN(24); {
	case n == 0:
		c.write()
	case n == 1:
		c.transaction()
	case n <= 3:
		c.readOnly()
	case n == 4:
		c.mixed()
	case n == 5:
		c.explain()
	case n == 6:
		c.own()
	case n <= 14 && c.wild:
		c.wildly(n - 7)
	default:
		c.same(c.query())
	}
}

// query picks a read.
func (c *client) query() string {
	for {
		sql, uses := c.read()
		if c.wild || uses == 0 || c.IntN(50) == 0 {
			return sql
		}
	}
}

// wildly does what leaves something behind in the session.
func (c *client) wildly(n int) {
	switch n {
	case 0:
		c.temporary()
	case 1:
		c.settings()
	case 2:
		c.prepared()
	case 3:
		c.effects()
	case 4:
		c.node()
	case 5:
		if c.IntN(8) == 0 {
			c.redefine()
		}
	case 6:
		c.expect("SELECT pg_advisory_unlock_all()", value(""))
	case 7:
		c.discard()
	}
}

// discard takes back all that the session has.
func (c *client) discard() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := c.pg.DeallocateAll(ctx); err != nil { // the driver has to know
		c.t.Errorf("client %d: %v", c.id, err)
	}
	c.expect("DISCARD ALL", "")
}

// own reads back what this client has written, which nobody else changes. A
// session need not see what the one before it wrote until it writes itself.
func (c *client) own() {
	if !c.wrote {
		return
	}
	c.expect(c.ownSum(), value(c.sum))
}

// ownSum asks what this client's rows add up to.
func (c *client) ownSum() string {
	return fmt.Sprintf("SELECT coalesce(sum(v), 0) FROM mine WHERE owner = %d", c.id)
}

// write adds a row in one of many ways and reads it back.
func (c *client) write() {
	c.next++
	v := c.IntN(100)
	row := fmt.Sprintf("(%d, %d, %d)", c.id, c.next, v)
	ways := []string{
		"INSERT INTO mine VALUES " + row,
		"/* app */ INSERT INTO mine VALUES " + row + " RETURNING v",
		"WITH q AS (INSERT INTO mine VALUES " + row + " RETURNING v) SELECT v FROM q",
		"WITH q AS (SELECT 1), z AS (INSERT INTO mine VALUES " + row + ") SELECT * FROM q",
		"EXPLAIN (ANALYZE, COSTS OFF) INSERT INTO mine VALUES " + row,
		"SELECT 1; INSERT INTO mine VALUES " + row,
		"MERGE INTO mine USING (VALUES " + row + ") AS q(o, k, v) ON mine.owner = q.o AND mine.k = q.k WHEN NOT MATCHED THEN INSERT VALUES (q.o, q.k, q.v)",
	}
	if c.wild { // it pins the session
		ways = append(ways, "DO $$BEGIN INSERT INTO mine VALUES "+row+"; END$$")
	}
	sql := c.pick(ways)
	if a := c.sendAs(modeString, sql); a.state != "" {
		c.t.Errorf("client %d: %s: %s %s", c.id, sql, a.state, a.text)
		return
	}
	c.sum, c.wrote = c.sum+v, true
	c.own()
}

// transaction reads and writes in a block, which may be undone.
func (c *client) transaction() {
	c.send("BEGIN")
	c.next++
	v := c.IntN(100)
	failed := false
	for range c.IntN(3) {
		failed = failed || c.send(c.query()).state != ""
	}
	failed = failed || c.send(fmt.Sprintf("INSERT INTO mine VALUES (%d, %d, %d)", c.id, c.next, v)).state != ""
	if !failed {
		c.expect(fmt.Sprintf("SELECT sum(v) FROM mine WHERE owner = %d", c.id), value(c.sum+v))
	}
	if failed || c.IntN(3) == 0 {
		c.send("ROLLBACK")
	} else {
		c.expect("COMMIT", "")
		c.sum, c.wrote = c.sum+v, true
	}
	c.own()
}

// temporary makes, fills and reads a table that is only here.
func (c *client) temporary() {
	name := c.pick([]string{"tmp", "rows", "v3"}) // some hide a permanent one
	c.expect("CREATE TEMP TABLE "+name+" (a int)", "")
	c.expect("INSERT INTO "+name+" VALUES (41), (1)", "")
	c.expect("SELECT sum(a) FROM "+name, value(42))
	c.expect("DROP TABLE pg_temp."+name, "")
}

// settings changes what the session has and looks at it.
func (c *client) settings() {
	switch c.IntN(4) {
	case 0:
		c.expect("SET app.x = 'a'", "")
		c.expect("SELECT current_setting('app.x')", value("a"))
	case 1:
		c.expect("SELECT set_config('work_mem', '5MB', false)", value("5MB"))
		c.expect("SHOW work_mem", value("5MB"))
	case 2:
		c.expect("BEGIN; SET LOCAL work_mem = '7MB'; SELECT 1; COMMIT", value(1))
	case 3:
		c.expect("SET search_path = pg_catalog", "")
		c.expect("SELECT count(*) FROM rows", "42P01")
		c.expect("RESET search_path", "")
		c.expect("SELECT count(*) FROM rows", value(15))
	}
}

// prepared uses SQL's own prepared statements.
func (c *client) prepared() {
	sql := c.query()
	if c.send("PREPARE p AS "+sql).state != "" {
		return
	}
	c.equal("EXECUTE of "+sql, c.sendAs(modeString, "EXECUTE p"), ask(c.direct, modeString, sql))
	c.expect("DEALLOCATE p", "")
}

// mixed sends several statements in one string.
func (c *client) mixed() {
	sql := c.query() + "; " + c.query()
	c.equal(sql, c.sendAs(modeString, sql), ask(c.direct, modeString, sql))
}

// effects does what a standby refuses, out in the open.
func (c *client) effects() {
	c.send(c.pick([]string{
		"SELECT nextval('s')", "SELECT a FROM rows WHERE a = 3 FOR UPDATE", "SELECT * FROM (SELECT a FROM rows FOR KEY SHARE) AS q",
		"CALL proc(1)", "LOCK TABLE log IN ACCESS SHARE MODE", "SELECT pg_current_xact_id()", "SELECT txid_current()",
		"SELECT nextval('s'), currval('s')", "NOTIFY a", "SELECT pg_notify('a', 'b')", "LISTEN a", "UNLISTEN a",
		"COPY (SELECT a FROM rows) TO STDOUT", "COPY (DELETE FROM mine WHERE false RETURNING *) TO STDOUT",
		"UPDATE mine SET v = v WHERE false", "SELECT last_value FROM s", "ANALYZE log", "SELECT pg_stat_clear_snapshot()",
	}))
}

// node does what acts on the node or outside the database, which a standby
// would do without a word.
func (c *client) node() {
	c.send(c.pick([]string{
		"SELECT pg_advisory_xact_lock_shared(5)", "SELECT pg_try_advisory_lock_shared(6)", "SELECT pg_advisory_unlock_all()",
		"BEGIN; SELECT pg_export_snapshot(); COMMIT", "SELECT lo_unlink(lo_create(0))", "SELECT lo_from_bytea(0, 'x')",
		"SELECT l(1)", "SELECT k(1) FROM rows WHERE a = 1", "SELECT x(1)", "SELECT 1 WHERE l(1) = 1 ORDER BY k(2)",
	}))
}

// explain shows a plan, which runs nothing.
func (c *client) explain() {
	c.send("EXPLAIN " + c.query())
}
