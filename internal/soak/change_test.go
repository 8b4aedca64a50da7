package soak

import (
	"context"
	"fmt"
	"time"
)

// redefine changes a function of this client's own through pgroute, and calls
// it at once. What it does now is known to no catalogue yet.
func (c *client) redefine() {
	name := fmt.Sprintf("own%d", c.id)
	body := c.pick([]string{"SELECT v", "SELECT v", "SELECT w(v)", "SELECT n(v)", "SELECT l(v)", "SELECT k(v)", "SELECT r(v)"})
	sql := fmt.Sprintf("CREATE OR REPLACE FUNCTION %s(v int) RETURNS int LANGUAGE sql %s AS $$%s$$",
		name, c.pick([]string{"VOLATILE", "STABLE"}), body)
	c.expect(sql, "")
	for range 4 {
		c.expect("SELECT "+name+"(7)", value(7))
	}
}

// shared are the functions that change behind pgroute's back. They never
// become one that a standby would carry out: that window is known.
const shared = 3

// sharedFunction is the DDL of one of them.
func sharedFunction(i int, body string) string {
	return fmt.Sprintf("CREATE OR REPLACE FUNCTION shared%d(v int) RETURNS int LANGUAGE sql STABLE AS $$SELECT %s$$", i, body)
}

// makeShared gives the world the functions to change. They stay out of blocks
// that only read, where the primary's answer depends on when it is asked.
func (w *world) makeShared() {
	for i := range shared {
		w.add("%s", sharedFunction(i, "v"))
		w.functions = append(w.functions, fmt.Sprintf("shared%d", i))
		w.add("CREATE VIEW changing%d AS SELECT shared%d(a) AS a FROM rows", i, i)
		w.views = append(w.views, fmt.Sprintf("changing%d", i))
		w.traits[fmt.Sprintf("shared%d", i)], w.traits[fmt.Sprintf("changing%d", i)] = changing, changing
	}
}

// changes redefines functions on the primary itself until stop, and makes
// new ones that do the worst.
func (r *rig) changes(w *world, stop <-chan struct{}, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		sql := sharedFunction(w.IntN(shared), w.pick([]string{"v", "r(v)", "w(v)", "n(v)"}))
		if w.IntN(3) == 0 {
			sql = fmt.Sprintf("CREATE FUNCTION new%d(v int) RETURNS int LANGUAGE sql STABLE AS $$SELECT %s(v)$$", n, w.pick(localWriters()))
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		if err := r.lab.Node("primary").Exec(ctx, sql); err != nil {
			r.t.Error(err)
		}
		cancel()
	}
}
