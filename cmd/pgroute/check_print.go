package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/internal/cluster"
)

// print shows the nodes, then everything found.
func (p *preflight) print(w io.Writer) {
	t := newTable("NODE", "ROLE", "ADDRESS", "TIMELINE", "LSN", "LAG", "SYNC", "VERSION", "TLS", "READS")
	for i := range p.reports {
		r := &p.reports[i]
		n := &r.Node
		t.row(n.Name, roleText(n), n.Addr, numberText(int(n.Timeline)), lsnText(n), lagText(n), n.SyncState, versionText(n.Version), yesNo(r), readsText(n))
	}
	t.write(w)
	fmt.Fprintln(w)
	for _, note := range p.notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	for _, b := range p.problems {
		fmt.Fprintf(w, "problem: %s\n", b.what)
		for _, do := range b.do {
			fmt.Fprintf(w, "    %s\n", do)
		}
	}
	switch n := len(p.problems); n {
	case 0:
		fmt.Fprintln(w, "nothing is wrong")
	case 1:
		fmt.Fprintln(w, "1 problem")
	default:
		fmt.Fprintf(w, "%d problems\n", n)
	}
}

func roleText(n *cluster.Node) string {
	if !n.Up {
		return "down"
	}
	return n.Role.String()
}

// numberText leaves zero out, which stands for unknown.
func numberText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// lsnText gives what a primary has inserted or a standby replayed.
func lsnText(n *cluster.Node) string {
	switch {
	case !n.Up:
		return ""
	case n.Role == cluster.RoleStandby:
		return n.ReplayLSN.String()
	}
	return n.InsertLSN.String()
}

// lagText gives the lag of a standby, where it is known. One look tells how
// old the data of a standby are only when it has everything.
func lagText(n *cluster.Node) string {
	switch n.Exclusion {
	case cluster.Eligible, cluster.ExcludedLagBytes, cluster.ExcludedLagTime:
		if n.LagBytes > 0 && n.LagTime == 0 {
			return fmt.Sprintf("%d bytes", n.LagBytes)
		}
		return fmt.Sprintf("%d bytes, %s", n.LagBytes, n.LagTime.Round(time.Millisecond))
	}
	return ""
}

// versionText gives the version as PostgreSQL prints it, from
// server_version_num.
func versionText(num int) string {
	if num == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", num/10000, num%10000)
}

func yesNo(r *health.NodeReport) string {
	switch {
	case !r.Node.Up:
		return ""
	case r.TLS:
		return "yes"
	}
	return "no"
}

// readsText says whether a standby is given reads.
func readsText(n *cluster.Node) string {
	switch {
	case n.Role != cluster.RoleStandby || !n.Up:
		return ""
	case n.Exclusion == cluster.Eligible && n.Weight <= 0:
		return "no: weight is 0"
	case n.Exclusion == cluster.Eligible:
		return "yes"
	}
	return "no: " + strings.ReplaceAll(n.Exclusion.String(), "_", " ")
}
