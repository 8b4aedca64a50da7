package lab

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pgroute/pgroute/internal/pg"
)

// statusLimit bounds how long one node may take to answer; a frozen one does not.
const statusLimit = 2 * time.Second

// Role is what a node is at the moment.
type Role string

// A node is down when no postmaster runs, unreachable when it does not answer.
const (
	RolePrimary     Role = "primary"
	RoleStandby     Role = "standby"
	RoleDown        Role = "down"
	RoleUnreachable Role = "unreachable"
)

// NodeStatus is one node's own answer.
type NodeStatus struct {
	Name     string         `json:"name"`
	Port     int            `json:"port"`
	PID      int            `json:"pid,omitempty"`
	Role     Role           `json:"role"`
	Error    string         `json:"error,omitempty"`    // why it is unreachable
	Timeline int            `json:"timeline,omitempty"` // 0 on a standby that receives nothing
	LSN      string         `json:"lsn,omitempty"`      // inserted on a primary, replayed on a standby
	Paused   bool           `json:"replay_paused,omitempty"`
	Receiver *Receiver      `json:"receiver,omitempty"` // a standby's source
	Standbys []Subscription `json:"standbys,omitempty"` // who streams from here
}

// Receiver is a row of pg_stat_wal_receiver.
type Receiver struct {
	Status   string `json:"status"`
	From     string `json:"from"` // name of the sending node
	Timeline int    `json:"timeline"`
	Received string `json:"received"` // LSN flushed here
	Slot     string `json:"slot"`
}

// Subscription is a row of pg_stat_replication.
type Subscription struct {
	Name      string        `json:"name"`
	State     string        `json:"state"`
	SyncState string        `json:"sync_state"`
	Sent      string        `json:"sent"`
	Write     string        `json:"write"`
	Flush     string        `json:"flush"`
	Replay    string        `json:"replay"`
	LagBytes  int64         `json:"lag_bytes"`  // from the LSN here to the replayed one, -1 unknown
	ReplayLag time.Duration `json:"replay_lag"` // PostgreSQL's measure; 0 when idle
}

// Status asks all nodes at once.
func (l *Lab) Status(ctx context.Context) []NodeStatus {
	result := make([]NodeStatus, len(l.nodes))
	var wg sync.WaitGroup
	for i, n := range l.nodes {
		wg.Go(func() { result[i] = n.Status(ctx) })
	}
	wg.Wait()
	return result
}

// Status asks the node what it is and does.
func (n *Node) Status(ctx context.Context) NodeStatus {
	s := NodeStatus{Name: n.Name, Port: n.Port, PID: n.PID(), Role: RoleDown}
	if s.PID == 0 {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	err := n.query(ctx, func(conn *pgx.Conn) error { return n.fill(ctx, conn, &s) })
	if err != nil {
		s.Role, s.Error = RoleUnreachable, err.Error()
	}
	return s
}

func (n *Node) fill(ctx context.Context, conn *pgx.Conn, s *NodeStatus) error {
	var recovery bool
	if err := conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&recovery); err != nil {
		return err
	}
	s.Role = RolePrimary
	ask := askPrimary
	if recovery {
		s.Role = RoleStandby
		ask = n.askStandby
	}
	if err := ask(ctx, conn, s); err != nil {
		return err
	}
	return askSubscriptions(ctx, conn, s)
}

// askPrimary takes the timeline from a WAL file's name: it is right at once
// after promotion, which the last checkpoint's is not.
func askPrimary(ctx context.Context, conn *pgx.Conn, s *NodeStatus) error {
	return conn.QueryRow(ctx, `SELECT ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int, lsn::text
		FROM pg_current_wal_insert_lsn() lsn`).Scan(&s.Timeline, &s.LSN)
}

func (n *Node) askStandby(ctx context.Context, conn *pgx.Conn, s *NodeStatus) error {
	err := conn.QueryRow(ctx, `SELECT coalesce(pg_last_wal_replay_lsn()::text, ''), pg_is_wal_replay_paused()`).
		Scan(&s.LSN, &s.Paused)
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `SELECT status, coalesce(sender_port, 0), coalesce(received_tli, 0),
		coalesce(flushed_lsn::text, ''), coalesce(slot_name, '') FROM pg_stat_wal_receiver`)
	if err != nil {
		return err
	}
	var port int
	for rows.Next() {
		r := &Receiver{}
		if err := rows.Scan(&r.Status, &port, &r.Timeline, &r.Received, &r.Slot); err != nil {
			return err
		}
		r.From = n.lab.nameByPort(port)
		s.Receiver, s.Timeline = r, r.Timeline
	}
	return rows.Err()
}

func askSubscriptions(ctx context.Context, conn *pgx.Conn, s *NodeStatus) error {
	rows, err := conn.Query(ctx, `SELECT application_name, state, sync_state, coalesce(sent_lsn::text, ''),
			coalesce(write_lsn::text, ''), coalesce(flush_lsn::text, ''), coalesce(replay_lsn::text, ''),
			(coalesce(extract(epoch FROM replay_lag), 0) * 1e9)::bigint
		FROM pg_stat_replication ORDER BY application_name`)
	if err != nil {
		return err
	}
	for rows.Next() {
		var sub Subscription
		err := rows.Scan(&sub.Name, &sub.State, &sub.SyncState, &sub.Sent, &sub.Write, &sub.Flush, &sub.Replay, &sub.ReplayLag)
		if err != nil {
			return err
		}
		sub.LagBytes = lagBytes(s.LSN, sub.Replay)
		s.Standbys = append(s.Standbys, sub)
	}
	return rows.Err()
}

// lagBytes is the distance from a node's own position to the one that a standby
// of it reported. A standby that has not reported yet has no known lag, -1.
func lagBytes(own, replayed string) int64 {
	to, err := pg.ParseLSN(own)
	if err != nil {
		return -1
	}
	from, err := pg.ParseLSN(replayed)
	if err != nil {
		return -1
	}
	return int64(to.RecordEnd(pg.DefaultWALSegmentSize).Distance(from))
}

func (l *Lab) nameByPort(port int) string {
	for _, n := range l.nodes {
		if n.Port == port {
			return n.Name
		}
	}
	return ""
}
