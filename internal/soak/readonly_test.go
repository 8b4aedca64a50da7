package soak

import (
	"slices"
	"strings"
)

// block is a transaction that says it will only read, through pgroute and on
// the primary. It begins on a standby; what belongs on the primary takes it
// there, unless it is bound.
type block struct {
	*client
	stable bool // all its statements see what the first one saw
	bound  bool // it may have done what keeps it where it is
	over   bool // it failed
}

// openings are ways to begin one.
func openings() [][]string {
	const beginStable = "BEGIN ISOLATION LEVEL REPEATABLE READ"
	return [][]string{
		{"BEGIN READ ONLY"},
		{"START TRANSACTION READ ONLY"},
		{beginStable + " READ ONLY"},
		{"BEGIN", "SET TRANSACTION READ ONLY"},
		{"BEGIN", "SET LOCAL work_mem = '7MB'", "SET TRANSACTION READ ONLY"},
		{beginStable, "SET TRANSACTION READ ONLY"},
		{"BEGIN READ ONLY", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"},
	}
}

// readOnly runs such a block with what has effects among its reads.
func (c *client) readOnly() {
	b := &block{client: c}
	for _, sql := range openings()[c.IntN(len(openings()))] {
		b.stable = b.stable || strings.Contains(sql, "REPEATABLE READ")
		b.do(sql)
	}
	for range 1 + c.IntN(6) {
		if b.step(); b.over {
			break
		}
		b.bound = b.bound || b.stable
	}
	end := c.pick([]string{"COMMIT", "COMMIT", "ROLLBACK"})
	c.send(end)
	ask(c.direct, modeString, end)
}

// step does one thing in the block.
func (b *block) step() {
	switch n := b.IntN(12); {
	case n == 0:
		b.effect()
	case n == 1 && b.wrote:
		b.fresh()
	case n == 2:
		b.bound = true
		b.do("DECLARE c CURSOR FOR SELECT a FROM rows ORDER BY a")
		b.do("FETCH 1 FROM c")
		b.do("CLOSE c")
	case n == 3:
		b.bound = true
		b.do("SAVEPOINT sp")
		b.query()
		b.do(b.pick([]string{"RELEASE sp", "ROLLBACK TO sp"}))
	default:
		b.query()
	}
}

// query reads something, sometimes what has effects inside.
func (b *block) query() {
	sql, uses := b.world.read()
	for uses&changing != 0 || uses != 0 && !b.wild && b.IntN(20) > 0 {
		sql, uses = b.world.read()
	}
	b.read(sql, uses&(writes|local) == 0)
}

// fresh looks for what the client has written before the block.
func (b *block) fresh() {
	b.read(b.ownSum(), true)
	b.tally.Lock()
	b.tally.fresh++
	b.tally.Unlock()
}

// read does a read. One that is harmless is never refused for good.
func (b *block) read(sql string, harmless bool) {
	if got := b.do(sql); harmless && got.state == "0A000" && strings.Contains(got.text, "standby") {
		b.t.Errorf("client %d: %s\n%s, after\n%s", b.id, sql, got.text, strings.Join(b.trail, "\n"))
	}
}

// effect does what has no place on a standby, although a primary lets most of
// it happen in a read-only transaction.
func (b *block) effect() {
	b.do(b.pick([]string{
		"SELECT pg_advisory_xact_lock_shared(5)", "SELECT pg_try_advisory_lock_shared(6)", "SELECT pg_advisory_unlock_all()",
		"SELECT a, pg_try_advisory_xact_lock_shared(a) FROM rows WHERE a < 3", "SELECT 1 WHERE pg_advisory_lock_shared(8) IS NULL",
		"SELECT pg_export_snapshot() IS NOT NULL", "SELECT lo_create(0) > 0", "SELECT lo_get(0)", "SELECT lo_open(0, 262144)",
		"SELECT txid_current() > 0", "SELECT nextval('s') > 0", "SELECT l(1)", "SELECT x(1)", "SELECT k(1)", "SELECT o(1)", "SELECT w(1)",
		"SELECT l(a), k(a) FROM rows WHERE a < 3", "WITH q AS (SELECT x(a) AS a FROM rows) SELECT count(*) FROM q",
		"SELECT a FROM rows WHERE a = 3 FOR UPDATE", "LOCK TABLE log IN ACCESS SHARE MODE", "LISTEN a", "UNLISTEN a",
		"SELECT * FROM dblink('host=127.0.0.1 dbname=postgres', 'SELECT 1') AS d(a int)",
		"DO $$BEGIN PERFORM pg_advisory_xact_lock_shared(7); END$$", "DO $$BEGIN PERFORM 1; END$$", "CREATE TEMP TABLE ro (a int)",
		"SELECT set_config('app.y', 'z', true)", "SELECT random() < 2", "SELECT pg_notify('a', 'b')",
	}))
}

// do runs a statement of the block on both sides. Only a block that is bound
// may be told something else than the primary says: that a standby cannot do
// this, or that it must not. While DDL is under way elsewhere, it may be told
// to try again.
func (b *block) do(sql string) answer {
	if b.over {
		return answer{}
	}
	sql += inReadOnly
	m := mode(b.IntN(int(modes)))
	got := b.tried(m, sql)
	want := ask(b.direct, m, sql)
	b.over = got.state != "" || want.state != ""
	if got.state == "40001" {
		b.tally.Lock()
		b.tally.unsure++
		b.tally.Unlock()
		return got
	}
	if b.bound && got.state != want.state && slices.Contains([]string{"0A000", "25006", "55000", "XX000"}, got.state) {
		b.tally.Lock()
		b.tally.bound++
		b.tally.Unlock()
		return got
	}
	b.equal(sql, got, want)
	return got
}

// misplaced marks the statement by which pgroute has a standby refuse what it
// would do unnoticed, in a block that is bound to it.
const misplaced = "$pgroute$"
