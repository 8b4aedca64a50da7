package catalog

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Run loads databases as they are asked for and keeps them until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	defer wait.Wait()
	full := false
	tick := time.NewTicker(s.cfg.Idle)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.dropIdle()
			full = false
		case name := <-s.wanted:
			if s.open(ctx, &wait, name) || full {
				continue
			}
			full = true // say so once until the next tick
			s.log.Warn("too many databases: the rest have no catalogue and go to the primary",
				"limit", s.cfg.Databases, "database", name)
		}
	}
}

// open starts following a database; false when there are too many.
func (s *Store) open(ctx context.Context, wait *sync.WaitGroup, name string) bool {
	old := *s.byName.Load()
	if old[name] != nil {
		return true
	}
	if len(old) >= s.cfg.Databases {
		return false
	}
	d := newDatabase(s, name)
	ctx, d.stop = context.WithCancel(ctx)
	wait.Go(func() { d.run(ctx) })
	all := maps.Clone(old)
	all[name] = d
	s.byName.Store(&all)
	return true
}

// dropIdle stops following the databases that nobody asked for since the last
// but one call.
func (s *Store) dropIdle() {
	epoch := s.epoch.Add(1)
	all := maps.Clone(*s.byName.Load())
	for name, d := range all {
		if d.touched.Load()+1 < epoch && d.holds.Load() == 0 {
			d.stop()
			delete(all, name)
		}
	}
	s.byName.Store(&all)
}
