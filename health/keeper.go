package health

import (
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

// The keeper is one goroutine that does what may be slow and concerns nobody
// else: it writes the log and the state file.

// remember hands the accepted state to the keeper; only the newest matters.
// Called with mu held, so that there is one sender at a time.
func (m *Monitor) remember(acc accepted) {
	select {
	case <-m.save:
	default:
	}
	m.save <- acc
}

// runKeeper works until the monitor has stopped and nothing is left to keep.
func (m *Monitor) runKeeper() {
	for {
		select {
		case acc, ok := <-m.save:
			if !ok {
				m.writeLog()
				return
			}
			m.keepState(acc)
		case <-m.keep:
			m.writeLog()
		}
	}
}

// writeLog logs what happened since the last time.
func (m *Monitor) writeLog() {
	m.mu.Lock()
	events := m.unlogged
	m.unlogged = nil
	m.mu.Unlock()
	for _, e := range events {
		m.log.write(e)
	}
}

// keepState writes the state file once; a failure is an event, for pgroute
// works without the file until its next restart.
func (m *Monitor) keepState(acc accepted) {
	err := saveState(m.cfg.StateFile, acc)
	if err == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noteLocked(Event{At: time.Now(), Kind: EventStateFile, Node: cluster.NoNode,
		Timeline: acc.timeline, Detail: describe(err)})
}
