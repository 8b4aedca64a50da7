package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/health"
	"github.com/pgroute/pgroute/proxy"
)

// Sources are the parts that are shown.
type Sources struct {
	Monitor  *health.Monitor
	Server   *proxy.Server
	Backends *backend.Set
}

// Handler serves the pages.
func Handler(s Sources) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, s) })
	return mux
}

// ready answers whether a client would be served: a primary is known.
func ready(w http.ResponseWriter, s Sources) {
	if s.Monitor.Snapshot().PrimaryNode() == nil {
		http.Error(w, "no primary is known", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

// Serve serves a handler until ctx ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
