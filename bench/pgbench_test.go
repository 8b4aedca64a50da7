package bench

import (
	"errors"
	"slices"
	"testing"
	"time"
)

const output15 = `pgbench (15.8 (Debian 15.8-0+deb12u1))
transaction type: <builtin: select only>
scaling factor: 10
query mode: prepared
number of clients: 16
number of threads: 2
maximum number of tries: 1
duration: 5 s
number of transactions actually processed: 201234
number of failed transactions: 3 (0.001%)
latency average = 0.397 ms
initial connection time = 12.345 ms
tps = 40300.120000 (without initial connection time)
`

const output13 = `transaction type: <builtin: select only>
query mode: simple
number of transactions actually processed: 1000/1000
latency average = 0.5 ms
tps = 1900.5 (including connections establishing)
tps = 2000.5 (excluding connections establishing)
`

func TestPgbenchOutputOfSeveralVersions(t *testing.T) {
	for output, want := range map[string]Figures{
		output15: {Transactions: 201234, Failed: 3, TPS: 40300.12, LatencyMS: 0.397, ConnectMS: 12.345},
		output13: {Transactions: 1000, TPS: 2000.5, LatencyMS: 0.5},
	} {
		got, err := parsePgbench([]byte(output))
		if err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestPgbenchOutputWithoutFiguresIsRefused(t *testing.T) {
	for _, output := range []string{"", "hello\n", "number of transactions actually processed: 0\ntps = 0\n"} {
		if _, err := parsePgbench([]byte(output)); !errors.Is(err, errNotPgbench) {
			t.Errorf("%q: %v", output, err)
		}
	}
	if _, err := parsePgbench([]byte("tps = many (without initial connection time)\n")); err == nil {
		t.Error("a word passed for a number")
	}
}

func TestLatencyLog(t *testing.T) {
	log := "0 1 155 0 1700000000 123456\n1 2 failed 0 1700000000 123457\n0 2 2045 0 1700000000 123458\n"
	got, err := appendLatencies([]float64{9}, []byte(log))
	if err != nil || !slices.Equal(got, []float64{9, 0.155, 2.045}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := appendLatencies(nil, []byte("0 1 155\n")); err == nil {
		t.Error("half a line passed")
	}
}

func TestALoadIsWholeSeconds(t *testing.T) {
	args := load{port: 7, mode: "simple", clients: 1, duration: 10 * time.Millisecond}.args()
	if i := slices.Index(args, "-T"); args[i+1] != "1" {
		t.Errorf("pgbench would run -T %s", args[i+1])
	}
	if i := slices.Index(args, "-j"); args[i+1] != "1" {
		t.Errorf("one client would have -j %s", args[i+1])
	}
}
