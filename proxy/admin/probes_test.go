package admin_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pgroute/pgroute/internal/config"
	"github.com/pgroute/pgroute/internal/serve"
	"github.com/pgroute/pgroute/proxy/admin"
)

// stopped serves the pages of a pgroute whose event loops do not run.
func stopped(t *testing.T) http.Handler {
	t.Helper()
	cfg, err := config.Read(config.Sources{Environ: []string{
		"PGROUTE_NODES=127.0.0.1:1,127.0.0.1:2", "PGROUTE_LISTEN=127.0.0.1:0", "PGROUTE_ADMIN_LISTEN=localhost:0", "PGROUTE_AUTH_METHOD=trust",
	}})
	if err != nil {
		t.Fatal(err)
	}
	app, err := serve.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its own end closes everything
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := app.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	s := &admin.Sources{Started: cfg, Current: app.Config, Monitor: app.Monitor(), Server: app.Server(), Backends: app.Backends(), Roles: app.Roles}
	r := prometheus.NewPedanticRegistry()
	if err := admin.Register(r, s); err != nil {
		t.Fatal(err)
	}
	return admin.Handler(s, admin.Options{Metrics: r})
}

// TestLoopsThatStandStillAreTold: every page still answers, in bounded time.
func TestLoopsThatStandStillAreTold(t *testing.T) {
	t.Parallel()
	h := stopped(t)
	for _, c := range []struct {
		path string
		code int
		says string
	}{
		{"/healthz", http.StatusServiceUnavailable, "event loop 0 did not answer within 1s"},
		{"/readyz", http.StatusServiceUnavailable, "not_ready\nno primary is known and no standby can be read"},
		{"/metrics", http.StatusOK, `pgroute_loop_responsive{loop="0"} 0`},
		{"/status", http.StatusOK, `"responsive": false`},
		{"/", http.StatusOK, "has never answered: not asked yet"},
		{"/nothing", http.StatusNotFound, "not found"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: status %d, %.300q; want %d and %q", c.path, w.Code, w.Body, c.code, c.says)
		}
	}
}

// TestPagesOnlyRead: nothing can be posted, and browsers are kept in check.
func TestPagesOnlyRead(t *testing.T) {
	t.Parallel()
	h := stopped(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/status", "/"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: status %d", path, w.Code)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no headers", path)
		}
	}
}
