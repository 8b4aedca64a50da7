package health

import (
	"context"
	"log/slog"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
)

// Attribute keys of this package's log lines.
const (
	keyNode     = "node"
	keyKind     = "event"
	keyTimeline = "timeline"
	keyReason   = "reason"
	keyDetail   = "detail"
	keyRepeated = "repeated"
)

// eventLog writes events to slog. A flapping node repeats itself: of each kind
// and node one line per logSpacing is written, the next one says how many were
// left out. Not safe for concurrent use.
type eventLog struct {
	logger *slog.Logger
	lines  map[logKey]*logLine
}

type logKey struct {
	kind EventKind
	node cluster.NodeID
}

type logLine struct {
	at      time.Time
	burst   int
	skipped int
}

const (
	logSpacing = 10 * time.Second
	// logBurst lines are always written, so that a whole failover is told.
	logBurst = 5
)

func newEventLog(l *slog.Logger) *eventLog {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return &eventLog{logger: l, lines: map[logKey]*logLine{}}
}

// write logs one event unless too many of its kind were logged just before.
func (l *eventLog) write(e Event) {
	line := l.lines[logKey{e.Kind, e.Node}]
	if line == nil {
		line = &logLine{at: e.At}
		l.lines[logKey{e.Kind, e.Node}] = line
	}
	if e.At.Sub(line.at) >= logSpacing {
		line.at, line.burst = e.At, 0
	}
	if line.burst >= logBurst {
		line.skipped++
		return
	}
	line.burst++
	attrs := []any{keyKind, e.Kind.String(), keyDetail, e.Detail}
	if e.Name != "" {
		attrs = append(attrs, keyNode, e.Name)
	}
	if e.Timeline != 0 {
		attrs = append(attrs, keyTimeline, e.Timeline)
	}
	if e.Kind == EventSwitch || e.Kind == EventPrimary || e.Kind == EventRefused {
		attrs = append(attrs, keyReason, e.Reason.String())
	}
	if line.skipped > 0 {
		attrs = append(attrs, keyRepeated, line.skipped)
		line.skipped = 0
	}
	l.logger.Log(context.Background(), level(e.Kind), "cluster changed", attrs...)
}

// level says who should care: at error someone must act.
func level(k EventKind) slog.Level {
	switch k {
	case EventRefused, EventWritesLost:
		return slog.LevelError
	case EventNodeDown, EventUnverified, EventHistory, EventStateFile, EventExcluded:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
