package catalog

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/pgroute/pgroute/router"
)

// Costs are bounded: a look may take one fiftieth of the time, loads a fifth.
const (
	lookShare = 50
	loadShare = 5
	// longestRetry bounds the pause after failures, in intervals.
	longestRetry = 16
)

// source is a connection to one database of the primary.
type source interface {
	// check tells the state now; see check in load.go.
	check(ctx context.Context, known string) (state, error)
	load(ctx context.Context) (*contents, state, error)
	close()
}

// served is what sessions get. A new one is made for every change, stale ones
// too, so that its address tells whether anything happened in between.
type served struct {
	catalog router.Catalog
	fresh   bool
}

// database follows the catalogue of one database. The atomic fields are for
// everybody, the rest belongs to the goroutine of run.
type database struct {
	store *Store
	name  string
	stop  context.CancelFunc

	served  atomic.Pointer[served]
	holds   atomic.Int32
	touched atomic.Uint64 // Store.epoch when it was last asked for
	wake    chan struct{}
	status  atomic.Pointer[Status]

	last     *Live // what was loaded last
	print    uint64
	state    state
	primary  uint64    // Store.primary when the connection was made
	checked  time.Time // when the last successful look began
	cost     time.Duration
	loadCost time.Duration
}

func newDatabase(s *Store, name string) *database {
	d := &database{store: s, name: name, wake: make(chan struct{}, 1)}
	d.served.Store(&served{catalog: s.unloaded})
	d.touched.Store(s.epoch.Load())
	d.status.Store(&Status{Database: name})
	return d
}

// markStale, hold and release: a look that began before has read another
// served value than the one stored here, and cannot replace it.
func (d *database) markStale() {
	d.served.Store(&served{catalog: d.store.unloaded})
	d.kick()
}

func (d *database) hold() {
	d.holds.Add(1)
	d.served.Store(&served{catalog: d.store.unloaded})
}

// release stores before it counts down: a look that begins between the two
// still finds the database held.
func (d *database) release() {
	d.served.Store(&served{catalog: d.store.unloaded})
	if d.holds.Add(-1) < 0 {
		panic("catalog: released more often than held")
	}
	d.kick()
}

// kick has the goroutine look at once.
func (d *database) kick() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run follows the database over one connection after another.
func (d *database) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		before := d.checked
		err := d.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if !d.checked.Equal(before) {
			failures = 0
		}
		if err == nil {
			continue // another primary
		}
		d.failed(err, failures)
		failures++
		d.pause(ctx, d.store.cfg.Interval*time.Duration(min(failures, longestRetry)))
	}
}

// failed notes that the connection was lost or refused.
func (d *database) failed(err error, failures int) {
	d.setStatus(func(s *Status) { s.Err = err.Error() })
	if failures == 0 && !errors.Is(err, ErrNoPrimary) {
		d.store.log.Warn("catalogue of a database cannot be read", "database", d.name, "error", err)
	}
	distrusted := !errors.Is(err, ErrNoPrimary) && time.Since(d.checked) > d.store.cfg.Trust
	if distrusted && d.served.Load().fresh {
		d.store.log.Error("catalogue of a database is too old: its reads go to the primary", "database", d.name)
		d.markStale()
		d.store.notify(d.name)
	}
}

// pause waits for a time or a kick.
func (d *database) pause(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-d.wake:
	}
}

// follow connects, loads, and looks for changes until something fails or the
// primary changes. Signatures and snapshots of two servers do not compare, so
// a new connection begins with a load.
func (d *database) follow(ctx context.Context) error {
	d.primary = d.store.primary.Load()
	src, err := d.store.connect(ctx, d.name)
	if err != nil {
		return err
	}
	defer src.close()
	d.state = state{}
	for ctx.Err() == nil && d.primary == d.store.primary.Load() {
		again, err := d.look(ctx, src)
		if err != nil {
			return err
		}
		if !again {
			d.pause(ctx, max(d.store.cfg.Interval, lookShare*d.cost))
		}
	}
	return nil
}

// look brings what is served up to date. It asks to be called again at once
// when something happened meanwhile.
func (d *database) look(ctx context.Context, src source) (again bool, err error) {
	begin := d.served.Load()
	if d.holds.Load() > 0 {
		return false, nil // the release will kick
	}
	start := time.Now()
	if d.state.signature == "" {
		return d.reload(ctx, src, begin)
	}
	now, err := src.check(ctx, d.state.snapshot)
	if err != nil {
		return false, err
	}
	d.cost = time.Since(start)
	if now.signature != "" && now.signature != d.state.signature {
		stale := &served{catalog: d.store.unloaded}
		if !d.served.CompareAndSwap(begin, stale) {
			return true, nil
		}
		return d.reload(ctx, src, stale)
	}
	d.state.snapshot = now.snapshot
	d.checked = start
	d.setStatus(func(s *Status) { s.CheckedAt, s.Err = start, "" })
	return !d.publish(begin), nil
}

// reload reads everything. begin is what was served when the look began.
func (d *database) reload(ctx context.Context, src source, begin *served) (again bool, err error) {
	start := time.Now()
	c, now, err := src.load(ctx)
	if err != nil {
		return false, err
	}
	live := build(c, d.store.builtinsOf(c.version), d.store.overrides)
	if print := live.fingerprint(); d.last == nil || print != d.print {
		live.version = d.store.versions.Add(1)
		d.last, d.print = live, print
	}
	d.state, d.checked, d.loadCost = now, start, time.Since(start)
	d.setStatus(func(s *Status) {
		s.LoadedAt, s.CheckedAt, s.LoadTime = start, start, d.loadCost
		s.Version, s.Counts, s.Err = d.last.version, d.last.counts, ""
	})
	d.store.log.Debug("catalogue loaded", "database", d.name, "version", d.last.version, "took", d.loadCost)
	if d.publish(begin) {
		return false, nil
	}
	// DDL came in between: look again, but leave the primary some room.
	d.pause(ctx, (loadShare-1)*d.loadCost)
	return true, nil
}

// publish serves what was loaded last, unless something happened since begin
// was served.
func (d *database) publish(begin *served) bool {
	if begin.fresh && begin.catalog == router.Catalog(d.last) {
		return d.served.Load() == begin
	}
	if d.holds.Load() > 0 || !d.served.CompareAndSwap(begin, &served{catalog: d.last, fresh: true}) {
		return false
	}
	d.store.notify(d.name)
	return true
}
