package lab_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

// fakeProxy makes a copy of the test binary play `pgroute serve`: "ready" comes
// up after a while, "broken" ends at once with a complaint.
const fakeProxy = "TEST_FAKE_PROXY"

// runFakeProxy answers /readyz on the configured admin address.
func runFakeProxy(args []string) int {
	if os.Getenv(fakeProxy) == "broken" || len(args) != 2 || args[0] != "--config" {
		fmt.Println("the configuration makes no sense", args)
		return 1
	}
	config, err := os.ReadFile(args[1])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	admin := regexp.MustCompile(`admin_listen = "(.*)"`).FindSubmatch(config)
	var asked atomic.Int32
	err = http.ListenAndServe(string(admin[1]), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	fmt.Println(err)
	return 1
}

// proxyOptions run the fake on free ports.
func proxyOptions(t *testing.T) lab.ProxyOptions {
	t.Helper()
	p, err := lab.ReservePorts(2)
	try(t, err)
	t.Cleanup(p.Release)
	addr := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", p.Numbers[i]) }
	return lab.ProxyOptions{Program: os.Args[0], Listen: addr(0), Admin: addr(1)}
}

func TestProxyRunsUntilTheLabEnds(t *testing.T) {
	t.Setenv(fakeProxy, "ready")
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 1})
	p, err := l.StartProxy(ctx, proxyOptions(t))
	try(t, err)
	resp, err := http.Get(p.StatusURL() + "readyz")
	try(t, err)
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("StartProxy returned, but readiness is %s", resp.Status)
	}
	try(t, l.Stop(context.Background()))
	if alive(p.PID()) {
		t.Error("the proxy is left")
	}
}

func TestProxyThatFailsIsQuoted(t *testing.T) {
	t.Setenv(fakeProxy, "broken")
	l := labtest.Start(t, lab.Options{})
	_, err := l.StartProxy(within(t), proxyOptions(t))
	if err == nil || !strings.Contains(err.Error(), "makes no sense") {
		t.Errorf("what the proxy said is missing: %v", err)
	}
}

func TestProxyPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	try(t, err)
	defer taken.Close()
	o := proxyOptions(t)
	o.Listen = taken.Addr().String()
	if _, err := l.StartProxy(within(t), o); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("a port in use: %v", err)
	}
}

func TestProxyConfigNamesNodesAndMonitor(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, lab.Options{Standbys: 1, Auth: lab.AuthSCRAM})
	config := string(l.ProxyConfig(lab.ProxyOptions{Listen: "127.0.0.1:1", Admin: "127.0.0.1:2"}))
	for _, want := range []string{
		`listen = ["127.0.0.1:1"]`, `admin_listen = "127.0.0.1:2"`, `method = "scram-sha-256"`, `monitor_user = "pgroute"`,
		fmt.Sprintf(`"host=127.0.0.1 port=%d name=standby1 sslmode=disable",`, l.Node("standby1").Port),
	} {
		if !strings.Contains(config, want) {
			t.Errorf("no %s in\n%s", want, config)
		}
	}
	for _, role := range []string{lab.Superuser, lab.Monitor, lab.Replicator} {
		if strings.Contains(config, l.Password(role)) {
			t.Errorf("the configuration holds the password of %s", role)
		}
	}
}
