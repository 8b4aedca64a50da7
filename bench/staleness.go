package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// StalenessOptions say what to measure.
type StalenessOptions struct {
	Levels   []string `json:"levels"`  // eventual, session, proxy, strong
	Clients  int      `json:"clients"` // each with two sessions
	Pairs    int      `json:"pairs"`   // of a write and a read, over all clients
	Standbys int      `json:"standbys"`
}

func (o StalenessOptions) validate() error {
	if o.Clients < 1 || o.Pairs < o.Clients || o.Standbys < 1 {
		return errors.New("clients and standbys are at least 1, pairs at least as many as clients")
	}
	for _, level := range o.Levels {
		if !slices.Contains([]string{"eventual", "session", "proxy", "strong"}, level) {
			return fmt.Errorf("a level is eventual, session, proxy or strong, not %q", level)
		}
	}
	return nil
}

// PairResult is what came of pairs of a write and the read at once after it.
type PairResult struct {
	Pairs        int     `json:"pairs"`
	Missed       int     `json:"missed"`        // reads that did not find the row
	StandbyShare float64 `json:"standby_share"` // of the reads
	ReadMedianMS float64 `json:"read_median_ms"`
	ReadP99MS    float64 `json:"read_p99_ms"`
}

// StalenessResult is one way to read.
type StalenessResult struct {
	Name string `json:"name"`
	Note string `json:"note"`
	// Own: the session that wrote reads. Across: another session reads, once the
	// write was acknowledged to the first.
	Own    PairResult `json:"own"`
	Across PairResult `json:"across"`
}

// StalenessReport is the result of Staleness.
type StalenessReport struct {
	Header
	Options StalenessOptions  `json:"options"`
	Results []StalenessResult `json:"results"`
}

// Staleness measures how many reads miss the row that was written just before
// them, by consistency level, and how many reads standbys carried all the same. For
// comparison: reads sent to a standby without any care, and Pgpool-II when installed.
func Staleness(ctx context.Context, s Setup, o StalenessOptions) (*StalenessReport, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	site, err := openSite(ctx, s, o.Standbys, nil)
	if err != nil {
		return nil, err
	}
	r := &StalenessReport{Header: s.header("staleness", site), Options: o}
	err = r.measure(ctx, site)
	return r, errors.Join(err, site.close())
}

func (r *StalenessReport) measure(ctx context.Context, s *site) error {
	if err := s.primary().Exec(ctx, "CREATE TABLE bench_staleness (id bigint PRIMARY KEY)"); err != nil {
		return err
	}
	if err := s.nameNodes(ctx); err != nil {
		return err
	}
	var ids counter
	if err := r.measureUnguarded(ctx, s, &ids); err != nil {
		return err
	}
	for _, level := range r.Options.Levels {
		if err := r.measureFront(ctx, s, pgrouteFront(), level, &ids); err != nil {
			return err
		}
	}
	err := r.measureFront(ctx, s, pgpoolFront(), "", &ids)
	if errors.Is(err, errMissing) {
		s.say("pgpool: not installed, left out")
		return nil
	}
	return err
}

// measureUnguarded writes to the primary and reads from a standby directly.
func (r *StalenessReport) measureUnguarded(ctx context.Context, s *site, ids *counter) error {
	primary, standby := superuserDSN(s.primary()), superuserDSN(s.lab.Node("standby1"))
	result, err := r.pairs(ctx, pairing{write: primary, read: standby, ids: ids})
	if err != nil {
		return err
	}
	r.add(s, StalenessResult{Name: "no proxy", Note: "written to the primary, read from a standby", Own: result, Across: result})
	return nil
}

func (r *StalenessReport) measureFront(ctx context.Context, s *site, f *front, level string, ids *counter) error {
	t, err := s.start(ctx, f, demand{nodes: s.lab.Nodes(), pool: max(defaultPool, 2*r.Options.Clients), clients: 2*r.Options.Clients + 10, level: level})
	if err != nil {
		return err
	}
	defer t.stop()
	own, err := r.pairs(ctx, pairing{write: t.dsn(), ids: ids})
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.name, level, err)
	}
	across, err := r.pairs(ctx, pairing{write: t.dsn(), read: t.dsn(), ids: ids})
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.name, level, err)
	}
	name := f.name
	if level != "" {
		name += " " + level
	}
	r.add(s, StalenessResult{Name: name, Note: t.version, Own: own, Across: across})
	return nil
}

func (r *StalenessReport) add(s *site, result StalenessResult) {
	s.say("%-17s own writes missed %d of %d, others' %d", result.Name, result.Own.Missed, result.Own.Pairs, result.Across.Missed)
	r.Results = append(r.Results, result)
}

// pairing says where to write and where to read; without read the same session
// does both.
type pairing struct {
	write, read string
	ids         *counter
}

// counter hands out numbers to all clients.
type counter struct {
	mu   sync.Mutex
	last int64
}

func (c *counter) next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	return c.last
}

// observation is one read.
type observation struct {
	missed, standby bool
	took            time.Duration
}

// pairs runs all clients and sums up what they saw.
func (r *StalenessReport) pairs(ctx context.Context, p pairing) (PairResult, error) {
	var mu sync.Mutex
	var all []observation
	var errs []error
	var wg sync.WaitGroup
	for range r.Options.Clients {
		wg.Go(func() {
			seen, err := p.client(ctx, r.Options.Pairs/r.Options.Clients)
			mu.Lock()
			defer mu.Unlock()
			all, errs = append(all, seen...), append(errs, err)
		})
	}
	wg.Wait()
	return sumUp(all), errors.Join(errs...)
}

// client writes rows and looks for each at once.
func (p pairing) client(ctx context.Context, pairs int) ([]observation, error) {
	writer, err := pgx.Connect(ctx, p.write)
	if err != nil {
		return nil, err
	}
	defer writer.Close(ctx)
	reader := writer
	if p.read != "" {
		if reader, err = pgx.Connect(ctx, p.read); err != nil {
			return nil, err
		}
		defer reader.Close(ctx)
	}
	var seen []observation
	for range pairs {
		id := p.ids.next()
		if _, err := writer.Exec(ctx, "INSERT INTO bench_staleness VALUES ($1)", id); err != nil {
			return seen, err
		}
		o, err := look(ctx, reader, id)
		if err != nil {
			return seen, err
		}
		seen = append(seen, o)
	}
	return seen, nil
}

// look reads a row; the node that answers names itself.
func look(ctx context.Context, conn *pgx.Conn, id int64) (observation, error) {
	var node string
	var rows int
	begin := time.Now()
	err := conn.QueryRow(ctx, "SELECT bench_node(), count(*) FROM bench_staleness WHERE id = $1", id).Scan(&node, &rows)
	return observation{missed: rows == 0, standby: node != nodeOfSite, took: time.Since(begin)}, err
}

// nodeOfSite is the primary of a site whose primary never changes.
const nodeOfSite = "primary"

func sumUp(all []observation) PairResult {
	r := PairResult{Pairs: len(all)}
	var took []time.Duration
	var standby int
	for _, o := range all {
		if o.missed {
			r.Missed++
		}
		if o.standby {
			standby++
		}
		took = append(took, o.took)
	}
	slices.Sort(took)
	r.ReadMedianMS, r.ReadP99MS = milliseconds(percentile(took, 0.5)), milliseconds(percentile(took, 0.99))
	if len(all) > 0 {
		r.StandbyShare = float64(standby) / float64(len(all))
	}
	return r
}
