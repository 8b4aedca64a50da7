package catalog

import "time"

// Status tells how a database's catalogue is, for SHOW and the status page.
type Status struct {
	Database string
	// Fresh: what is known is in use; else the database has only built-in
	// objects for the moment.
	Fresh     bool
	Version   uint64
	Counts    Counts
	LoadedAt  time.Time
	LoadTime  time.Duration
	CheckedAt time.Time
	Err       string // of the last attempt that failed, empty since one worked
}

// setStatus changes the status; only the database's own goroutine does.
func (d *database) setStatus(f func(*Status)) {
	s := *d.status.Load()
	f(&s)
	d.status.Store(&s)
}

// report gives the status as it is now.
func (d *database) report() Status {
	s := *d.status.Load()
	s.Fresh = d.served.Load().fresh
	return s
}
