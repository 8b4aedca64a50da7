package proxy_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/serve/servetest"
)

// sending is how a script's messages reach the other side.
type sending uint8

const (
	sendSingly sending = iota // each message in a packet of its own
	sendJoined                // everything up to the next wait in one
	sendBytes                 // each byte in one
)

// runner runs one case in one way.
type runner struct {
	t        *testing.T
	addr     string
	database string
	sending  sending
	sql      *pgx.Conn // on the primary, for the steps that act there
	proxy    *servetest.Proxy
	other    *interloper // nil when nobody disturbs
	masks    []*regexp.Regexp

	sessions map[string]*wireClient
	order    []*wireClient
	queued   map[*wireClient][]byte
	before   [2]uint64 // answers by the primary and by standbys
}

// run gives everything that the sessions of a case received.
func (r *runner) run(s *script) ([]string, error) {
	r.sessions, r.queued = map[string]*wireClient{}, map[*wireClient][]byte{}
	if r.proxy != nil {
		r.proxy.AwaitCatalog(r.database) // a case before may have changed it
		r.before = r.answers()
	}
	defer func() {
		for _, c := range r.order {
			_ = c.conn.Close()
		}
	}()
	for _, st := range s.steps {
		if err := r.step(&st); err != nil {
			return r.transcript(), fmt.Errorf("%s: %w", st.line, err)
		}
	}
	return r.transcript(), r.end()
}

// end says goodbye for the sessions that are still there.
func (r *runner) end() error {
	for _, c := range r.order {
		if r.sessions[c.name] != c {
			continue
		}
		if err := r.flush(c); err != nil {
			return err
		}
		if _, err := c.conn.Write(frame('X', nil)); err != nil {
			return err
		}
		if err := c.drain(); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) transcript() []string {
	var all []string
	for _, c := range r.order {
		all = append(all, c.got...)
	}
	return all
}

// step runs one line.
func (r *runner) step(st *step) error {
	switch st.verb {
	case "primary", "await":
		return r.onPrimary(st)
	case "mask":
		re, err := regexp.Compile(st.args[0].text)
		r.masks = append(r.masks, re)
		for _, c := range r.order {
			c.masks = r.masks
		}
		return err
	case "expect-route":
		return r.expectRoute(st.args[0].text)
	}
	c, err := r.session(st)
	if err != nil {
		return err
	}
	if st.verb == "send" {
		return r.send(c, st.args)
	}
	if err := r.flush(c); err != nil {
		return err
	}
	switch st.verb {
	case "until":
		return r.until(c, st)
	case "eof":
		delete(r.sessions, c.name)
		return c.drain()
	case "close":
		delete(r.sessions, c.name)
		return c.conn.Close()
	case "cancel":
		return c.cancel(c.key)
	}
	return nil
}

// session finds or opens the session of a step.
func (r *runner) session(st *step) (*wireClient, error) {
	if c := r.sessions[st.session]; c != nil {
		return c, nil
	}
	params := map[string]string{"user": lab.Superuser, "database": r.database}
	if st.verb == "connect" {
		for _, w := range st.args {
			key, value, _ := strings.Cut(w.text, "=")
			params[key] = value
		}
	}
	c, err := dialWire(st.session, r.addr, params)
	if c != nil {
		c.masks = r.masks
		r.sessions[st.session] = c
		r.order = append(r.order, c)
	}
	return c, err
}

// send sends one message as the runner sends, or puts it by.
func (r *runner) send(c *wireClient, args []word) error {
	msg, err := build(args)
	if err != nil {
		return err
	}
	switch r.sending {
	case sendJoined:
		r.queued[c] = append(r.queued[c], msg...)
		return nil
	case sendBytes:
		for i := range msg {
			if _, err := c.conn.Write(msg[i : i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	_, err = c.conn.Write(msg)
	return err
}

func (r *runner) flush(c *wireClient) error {
	msg := r.queued[c]
	delete(r.queued, c)
	if len(msg) == 0 {
		return nil
	}
	_, err := c.conn.Write(msg)
	return err
}

// until reads, and lets others in when the session may have changed hands.
func (r *runner) until(c *wireClient, st *step) error {
	n := 1
	if len(st.args) > 1 {
		n, _ = strconv.Atoi(st.args[1].text)
	}
	if err := c.until(st.args[0].text, n); err != nil {
		return err
	}
	if r.other != nil && st.args[0].text == "ReadyForQuery" {
		r.other.disturb(r.t)
	}
	return nil
}

// onPrimary runs SQL beside the sessions.
func (r *runner) onPrimary(st *step) error {
	for _, c := range r.order {
		if err := r.flush(c); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), limit)
	defer cancel()
	if st.verb == "primary" {
		if _, err := r.sql.PgConn().Exec(ctx, st.args[0].text).ReadAll(); err != nil {
			return err
		}
		return shared.WaitCaughtUp(ctx)
	}
	for {
		var ok bool
		if err := r.sql.QueryRow(ctx, st.args[0].text).Scan(&ok); err != nil || ok {
			return err
		}
	}
}

// expectRoute compares where the units since the last comparison were
// answered; several sessions or an interloper would blur it.
func (r *runner) expectRoute(want string) error {
	if r.proxy == nil || r.other != nil {
		return nil
	}
	now := r.answers()
	primary, standby := now[0]-r.before[0], now[1]-r.before[1]
	r.before = now
	if want == "standby" && (primary > 0 || standby == 0) || want == "primary" && (standby > 0 || primary == 0) {
		return fmt.Errorf("the primary answered %d units, standbys %d; all should go to %s", primary, standby, want)
	}
	return nil
}

// answers counts the units answered so far, once the loops have dealt with
// what the client has seen already.
func (r *runner) answers() (n [2]uint64) {
	r.proxy.Server().Workers(r.t.Context())
	for i := range r.proxy.Monitor().Snapshot().Nodes {
		primary, standby := r.proxy.Server().Queries(cluster.NodeID(i))
		n[0] += primary
		n[1] += standby
	}
	return n
}

// interloper is two sessions that take server connections away between the
// steps of a script, so that its session goes on with another one, and leave
// settings and statements of their own on those they use.
type interloper struct {
	holder, user *pgx.Conn
	turn         int
}

func newInterloper(t *testing.T, p *servetest.Proxy) *interloper {
	o := &interloper{holder: p.Connect(t), user: p.Connect(t)}
	must(t, o.user, "SET work_mem = '3MB'; SET application_name = 'interloper'; SET datestyle = 'German'; SET timezone = 'Asia/Tokyo'")
	for _, name := range []string{"s", "s1", "s2"} {
		if _, err := o.user.Prepare(t.Context(), name, "SELECT 'not yours: "+name+"'"); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// disturb uses a connection to either kind of node, and keeps one from each
// every other time.
func (o *interloper) disturb(t *testing.T) {
	o.turn++
	must(t, o.user, "SELECT 1")
	must(t, o.user, "SELECT 1 FROM pg_class LIMIT 1 FOR UPDATE")
	if _, err := o.user.Exec(t.Context(), "SELECT $1::int + 1", o.turn); err != nil {
		t.Error(err)
	}
	switch o.turn % 4 {
	case 0:
		must(t, o.holder, "BEGIN; SELECT 1")
	case 1, 3:
		must(t, o.holder, "ROLLBACK")
	case 2:
		must(t, o.holder, "BEGIN READ ONLY; SELECT 1")
	}
}

// compare runs a case directly and then through pgroute in one way.
func (r *runner) compare(s *script, direct []string) {
	got, err := r.run(s)
	if err != nil {
		r.t.Error(err)
	}
	if d := difference(direct, got); d != "" {
		r.t.Error(d)
	}
}
