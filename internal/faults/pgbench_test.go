package faults

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
)

// pgbench runs the program against pgroute; its output comes on the channel.
func (r *rig) pgbench(args ...string) <-chan string {
	r.t.Helper()
	host, port, _ := net.SplitHostPort(r.Addr)
	ctx, cancel := context.WithTimeout(context.Background(), 2*limit)
	r.t.Cleanup(cancel)
	args = append(args, "-h", host, "-p", port, "-U", lab.Superuser, "postgres")
	cmd := exec.CommandContext(ctx, filepath.Join(r.lab.PgBin(), "pgbench"), args...)
	out := make(chan string, 1)
	go func() {
		text, err := cmd.CombinedOutput()
		if err != nil {
			text = append(text, err.Error()...)
		}
		out <- string(text)
	}()
	return out
}

// figure finds a number in pgbench's output; -1 when it is not there.
func figure(out, pattern string) int {
	m := regexp.MustCompile(pattern).FindStringSubmatch(out)
	if m == nil {
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// pgbench retries what it is told to retry (40001) and gives up a client on
// any other error, so only those whose COMMIT was under way may be missing.
func TestPgbenchGoesOnThroughAFailover(t *testing.T) {
	r := start(t, lab.Options{Standbys: 2, Sync: true})
	if out := <-r.pgbench("-i", "-q", "-s", "1"); figure(out, `done in ([0-9]+)`) < 0 {
		t.Fatal(out)
	}
	r.setup("VACUUM pgbench_accounts")
	const transactions, clients = 150, 16
	run := r.pgbench("-n", "-c", itoa(clients), "-j", "2", "-t", itoa(transactions), "-M", "prepared", "--max-tries=100", "-b", "tpcb-like")
	history := r.direct("standby1")
	poll(t, "pgbench is at work", func() bool { return must(t, history, "SELECT count(*) > 100 FROM pgbench_history") == "t" })
	promoted := r.promotion("standby1")
	r.do(r.lab.Kill, "primary")
	r.do(r.lab.Promote, "standby1")
	<-promoted
	out := <-run
	done := figure(out, `actually processed: ([0-9]+)`)
	aborted := len(regexp.MustCompile(`client [0-9]+ .*aborted`).FindAllString(out, -1))
	unknown := len(regexp.MustCompile(`not known`).FindAllString(out, -1))
	t.Logf("%d of %d transactions, %d clients gave up; %d outcomes unknown, %d retried", done, clients*transactions, aborted,
		unknown, figure(out, `transactions retried: ([0-9]+)`))
	if aborted > unknown || done < (clients-aborted)*transactions {
		t.Errorf("clients gave up for another reason than an unknown outcome:\n%s", out)
	}
	there, _ := strconv.Atoi(must(t, history, "SELECT count(*) FROM pgbench_history"))
	if there < done || there > done+unknown {
		t.Errorf("%d transactions are there, %d were acknowledged and %d unknown", there, done, unknown)
	}
	if got := must(t, history, `SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)
		AND (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history)`); got != "t" {
		t.Error("the books do not balance")
	}
}
