package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/lab"
)

// FailoverOptions say what to measure.
type FailoverOptions struct {
	Standbys int           `json:"standbys"`
	Rounds   int           `json:"rounds"`
	Clients  int           `json:"clients"` // of each kind: writers, transactions, readers
	Pause    time.Duration `json:"pause"`   // of a client between two operations
	Outage   time.Duration `json:"outage"`  // from the primary's death to the order to promote
	Around   time.Duration `json:"around"`  // how long clients run before and after
	Sync     bool          `json:"sync"`    // quorum synchronous replication
	Planned  bool          `json:"planned"` // the old primary is stopped in order, not killed
}

func (o FailoverOptions) validate() error {
	switch {
	case o.Standbys < 1 || o.Rounds < 1 || o.Clients < 1:
		return errors.New("standbys, rounds and clients are at least 1")
	case o.Sync && o.Standbys < 2:
		return errors.New("synchronous replication needs a second standby: the first is promoted")
	case o.Pause < 0 || o.Outage < 0 || o.Around <= 0:
		return errors.New("times are not negative")
	}
	return nil
}

// FailoverRound is what one failover came to. Times are milliseconds since the
// promotion, which is when the new primary first said that it is none in
// recovery.
type FailoverRound struct {
	Promoted     string         `json:"promoted"`
	KilledMS     float64        `json:"killed_ms"`      // before the promotion: negative
	OrderedMS    float64        `json:"ordered_ms"`     // when pg_ctl promote began
	GapMS        float64        `json:"gap_ms"`         // to the first write executed, by the server's clock
	AckedMS      float64        `json:"acked_ms"`       // to the first write acknowledged to a client
	PrecisionMS  float64        `json:"precision_ms"`   // how exactly the promotion is known
	ReadPauseMS  float64        `json:"read_pause_ms"`  // longest time without any read answered
	Errors       map[string]int `json:"errors"`         // by kind of client and SQLSTATE
	Dropped      int            `json:"dropped"`        // client connections that were closed
	Operations   int            `json:"operations"`     // that clients finished
	Acknowledged int            `json:"acknowledged"`   // rows written, as told to clients
	Lost         int            `json:"lost"`           // acknowledged rows that the new primary does not have
	Twice        int            `json:"executed_twice"` // rows there more than once
}

// FailoverReport is the result of Failover.
type FailoverReport struct {
	Header
	Options FailoverOptions `json:"options"`
	Rounds  []FailoverRound `json:"rounds"`
	Gap     Spread          `json:"gap_ms"`
	Acked   Spread          `json:"acked_ms"`

	last []outcome // of the last round, for the plot
}

// Failover kills the primary under load, promotes a standby, and measures how
// long after the promotion the first write is executed, and what clients that
// keep their connections through pgroute got to see. The old primary then comes
// back through pg_rewind for the next round.
func Failover(ctx context.Context, s Setup, o FailoverOptions) (*FailoverReport, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	conf := make(map[string]string)
	if o.Sync {
		conf["synchronous_commit"] = "remote_apply"
		conf["synchronous_standby_names"] = "ANY 1 (*)"
	}
	site, err := openSite(ctx, s, o.Standbys, conf)
	if err != nil {
		return nil, err
	}
	r := &FailoverReport{Header: s.header("failover", site), Options: o}
	err = r.measure(ctx, site)
	return r, errors.Join(err, site.close())
}

func (r *FailoverReport) measure(ctx context.Context, s *site) error {
	err := s.primary().Exec(ctx, `CREATE TABLE bench_failover (token bigint, at timestamptz DEFAULT clock_timestamp(),
		node text DEFAULT current_setting('cluster_name'))`)
	if err != nil {
		return err
	}
	t, err := s.start(ctx, pgrouteFront(), demand{nodes: s.lab.Nodes(), pool: defaultPool, clients: 3*r.Options.Clients + 10})
	if err != nil {
		return err
	}
	defer t.stop()
	for round := range r.Options.Rounds {
		if err := r.round(ctx, s, t); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		done := &r.Rounds[round]
		s.say("round %d: %s promoted, first write after %.0f ms, %d errors, %d connections dropped", round+1, done.Promoted, done.GapMS, done.errors(), done.Dropped)
	}
	var gaps, acks []float64
	for _, round := range r.Rounds {
		gaps, acks = append(gaps, round.GapMS), append(acks, round.AckedMS)
	}
	r.Gap, r.Acked = spreadOf(gaps), spreadOf(acks)
	return nil
}

// round is one failover under load, after which the old primary is a standby.
func (r *FailoverReport) round(ctx context.Context, s *site, t *target) error {
	old, err := s.lab.Primary(ctx)
	if err != nil {
		return err
	}
	next := successor(s.lab, old)
	if err := s.lab.WaitCaughtUp(ctx); err != nil {
		return err
	}
	if err := old.Exec(ctx, "TRUNCATE bench_failover"); err != nil {
		return err
	}
	fleet, err := startFleet(ctx, t, r.Options)
	if err != nil {
		return err
	}
	switched, err := r.switchOver(ctx, s, old, next)
	operations := fleet.finish(switched.promoted.Add(r.Options.Around))
	if err != nil {
		return err
	}
	round, err := r.judge(ctx, next, switched, operations)
	if err != nil {
		return err
	}
	r.Rounds, r.last = append(r.Rounds, round), outcomes(operations, switched.promoted)
	return s.lab.Rewind(ctx, old.Name)
}

// successor is the first node that is not the primary.
func successor(l *lab.Lab, primary *lab.Node) *lab.Node {
	for _, n := range l.Nodes() {
		if n != primary {
			return n
		}
	}
	return nil // a lab has a standby: validate
}

// switched holds the times of one failover.
type switched struct {
	killed, ordered time.Time
	// promoted is when the new primary said so, and not more than precision
	// after it was one.
	promoted  time.Time
	precision time.Duration
}

// switchOver lets the clients run, ends the primary and promotes the next.
func (r *FailoverReport) switchOver(ctx context.Context, s *site, old, next *lab.Node) (switched, error) {
	watch, err := next.Connect(ctx, database)
	if err != nil {
		return switched{}, err
	}
	defer watch.Close(ctx)
	if err := pause(ctx, r.Options.Around); err != nil {
		return switched{}, err
	}
	end := s.lab.Kill
	if r.Options.Planned {
		end = s.lab.StopNode
	}
	t := switched{killed: time.Now()}
	if err := end(ctx, old.Name); err != nil {
		return t, err
	}
	if err := pause(ctx, r.Options.Outage); err != nil {
		return t, err
	}
	t.ordered = time.Now()
	promoted := make(chan error, 1)
	go func() { promoted <- s.lab.Promote(ctx, next.Name) }()
	err = t.watch(ctx, watch)
	return t, errors.Join(err, <-promoted)
}

// watch asks the standby every millisecond whether it still is one.
func (t *switched) watch(ctx context.Context, conn *pgx.Conn) error {
	asked := time.Now()
	return poll(ctx, time.Millisecond, func() (bool, error) {
		before := asked
		asked = time.Now()
		var recovery bool
		err := conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&recovery)
		t.promoted = time.Now()
		t.precision = t.promoted.Sub(before)
		return !recovery, err
	})
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// judge asks the new primary what it has, and compares it with what clients
// were told.
func (r *FailoverReport) judge(ctx context.Context, next *lab.Node, t switched, operations []operation) (FailoverRound, error) {
	rows, first, err := writtenRows(ctx, next)
	if err != nil {
		return FailoverRound{}, err
	}
	round := FailoverRound{
		Promoted: next.Name, Errors: make(map[string]int), Operations: len(operations),
		KilledMS: milliseconds(t.killed.Sub(t.promoted)), OrderedMS: milliseconds(t.ordered.Sub(t.promoted)),
		GapMS: milliseconds(first.Sub(t.promoted)), PrecisionMS: milliseconds(t.precision),
		AckedMS: milliseconds(firstAck(operations, t.promoted)), ReadPauseMS: milliseconds(longestPause(operations, reader)),
	}
	for _, n := range rows {
		if n > 1 {
			round.Twice++
		}
	}
	for _, o := range operations {
		if o.failed != "" {
			round.Errors[o.kind.String()+" "+o.failed]++
		}
		if o.dropped {
			round.Dropped++
		}
		for _, token := range o.tokens {
			round.Acknowledged++
			if rows[token] == 0 {
				round.Lost++
			}
		}
	}
	return round, nil
}

// writtenRows counts rows by token, and tells when the node wrote its first.
func writtenRows(ctx context.Context, n *lab.Node) (rows map[int64]int, first time.Time, err error) {
	conn, err := n.Connect(ctx, database)
	if err != nil {
		return nil, first, err
	}
	defer conn.Close(ctx)
	// Its own name: a row that came by replication bears the old primary's.
	err = conn.QueryRow(ctx, "SELECT min(at) FROM bench_failover WHERE node = current_setting('cluster_name')").Scan(&first)
	if err != nil {
		return nil, first, fmt.Errorf("nothing was written after the promotion: %w", err)
	}
	answer, err := conn.Query(ctx, "SELECT token, count(*) FROM bench_failover GROUP BY token")
	if err != nil {
		return nil, first, err
	}
	rows = make(map[int64]int)
	var token int64
	var count int
	_, err = pgx.ForEachRow(answer, []any{&token, &count}, func() error {
		rows[token] = count
		return nil
	})
	return rows, first, err
}
