package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Register adds all metrics of pgroute to a registry.
func Register(r prometheus.Registerer, s *Sources) error {
	return r.Register(newCollector(s))
}

// RegisterProcess adds those of the Go runtime and the process, of which a
// registry must have one only.
func RegisterProcess(r prometheus.Registerer) error {
	return errors.Join(
		r.Register(collectors.NewGoCollector()),
		r.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
	)
}

// Options say what is served beside the pages about pgroute.
type Options struct {
	// Metrics is what /metrics shows.
	Metrics prometheus.Gatherer
	// Pprof serves net/http/pprof, which tells much about a process and can
	// slow it down.
	Pprof bool
}

// Handler serves the pages.
func Handler(s *Sources, o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /status", s.serveStatus)
	mux.Handle("GET /{$}", newPage(s))
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	if o.Pprof {
		handlePprof(mux)
	}
	return withHeaders(mux)
}

// handlePprof serves what importing net/http/pprof would add to a mux that
// everybody shares.
func handlePprof(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// withHeaders keeps browsers from guessing, caching and embedding.
func withHeaders(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

// Limits of HTTP clients. Writing has none: profiles take as long as asked,
// and a limit on reading would end them too.
const (
	headerLimit = 5 * time.Second
	idleLimit   = 2 * time.Minute
	maxHeader   = 16 << 10
)

// Serve serves a handler until ctx ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit, MaxHeaderBytes: maxHeader,
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
