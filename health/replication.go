package health

import (
	"context"
	"time"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
)

// Replication is what the primary tells of those who stream from it, read at a
// slower pace than probes and only where the role may. For display: nothing is
// decided by it.
type Replication struct {
	Node      cluster.NodeID // who told it; NoNode until read
	At        time.Time
	Denied    bool // the monitor role lacks pg_monitor
	Receivers []Receiver
	Slots     []Slot
}

// Receiver is a row of pg_stat_replication.
type Receiver struct {
	Application, Client, Slot string
	State, SyncState          string
	Sent, Write, Flush        pg.LSN
	Replay                    pg.LSN
	ReplayLag                 time.Duration // as PostgreSQL reckons it
	Node                      cluster.NodeID
}

// Slot is a row of pg_replication_slots.
type Slot struct {
	Name, Kind, WALStatus string
	Active                bool
	Retained              uint64 // bytes of WAL kept for it
}

const receiversSQL = `SELECT r.application_name, coalesce(host(r.client_addr), 'local'),
 coalesce(s.slot_name, ''), r.state, r.sync_state,
 r.sent_lsn, r.write_lsn, r.flush_lsn, r.replay_lsn,
 coalesce((extract(epoch FROM r.replay_lag) * 1000000)::bigint, 0)
 FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
 WHERE r.application_name IS DISTINCT FROM 'pgroute monitor'`

const slotsSQL = `SELECT slot_name, slot_type, coalesce(wal_status, ''), active,
 greatest(pg_current_wal_insert_lsn() - coalesce(restart_lsn, pg_current_wal_insert_lsn()), 0)::bigint
 FROM pg_replication_slots`

func (l *pgLink) replication(ctx context.Context) (Replication, error) {
	rep := Replication{Node: cluster.NoNode}
	res := l.conn.ExecParams(ctx, receiversSQL, nil, nil, nil, nil).Read()
	if res.Err != nil {
		return rep, res.Err
	}
	for _, row := range res.Rows {
		rep.addReceiver(row)
	}
	res = l.conn.ExecParams(ctx, slotsSQL, nil, nil, nil, nil).Read()
	for _, row := range res.Rows {
		rep.addSlot(row)
	}
	return rep, res.Err
}

// addReceiver reads one row; a null state means that the role may not see it.
func (r *Replication) addReceiver(row [][]byte) {
	f := &fields{row: row}
	r.Denied = r.Denied || f.null(3)
	r.Receivers = append(r.Receivers, Receiver{
		Application: f.text(0), Client: f.text(1), Slot: f.text(2), State: f.text(3), SyncState: f.text(4),
		Sent: f.lsn(5), Write: f.lsn(6), Flush: f.lsn(7), Replay: f.lsn(8),
		ReplayLag: time.Duration(f.number(9)) * time.Microsecond, Node: cluster.NoNode,
	})
}

func (r *Replication) addSlot(row [][]byte) {
	f := &fields{row: row}
	r.Slots = append(r.Slots, Slot{
		Name: f.text(0), Kind: f.text(1), WALStatus: f.text(2), Active: f.text(3) == "t", Retained: f.number(4),
	})
}

// attribute finds out which configured node each row is: by the slot that the
// standby itself says it uses, else by its application_name.
func (r *Replication) attribute(obs []observation, static []cluster.Node) {
	for i := range r.Receivers {
		row := &r.Receivers[i]
		for n := range obs {
			bySlot := row.Slot != "" && obs[n].inRecovery && obs[n].receiver.slot == row.Slot
			if bySlot || row.Node == cluster.NoNode && row.Application == static[n].Name {
				row.Node = cluster.NodeID(n)
			}
		}
	}
}
