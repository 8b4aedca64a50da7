package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/proxy/auth"
)

// Address is where a server connection leads, for cancel requests.
type Address struct {
	Network, Address string
	TLS              *tls.Config
}

// dialled is a server connection ready for its loop.
type dialled struct {
	conn     net.Conn
	address  Address
	life     cluster.Life
	base     Settings
	reported []Reported
	pid      uint32
	secret   []byte
	defaults Defaults
}

// Defaults are settings that the router must know and that servers before
// version 18 do not report.
type Defaults struct {
	SearchPath string
	Isolation  string // default_transaction_isolation
	ReadOnly   bool   // default_transaction_read_only
	Role       string // session_user
}

// connect opens a connection as a user with those startup settings, and makes
// sure which life of the node it belongs to.
func (s *Set) connect(ctx context.Context, k Key, base Settings, cred auth.Credential) (*dialled, *pg.Error) {
	cfg := s.nodes[k.Node]
	conn, addr, err := dialAny(ctx, cfg)
	if err != nil {
		s.suspect(k.Node)
		return nil, unreachable(cfg, err)
	}
	d := &dialled{conn: conn, address: addr, base: base}
	if perr := s.login(ctx, k, d, cfg, cred); perr != nil {
		conn.Close()
		if passing(perr.State) {
			s.suspect(k.Node)
			perr.NothingSent()
		}
		return nil, perr
	}
	if d.life, err = s.confirm(ctx, k.Node); err != nil {
		conn.Close()
		return nil, unreachable(cfg, err)
	}
	return d, nil
}

// passing tells the errors of a server that starts, stops or recovers: it or
// another may take the same login shortly.
func passing(state pg.SQLState) bool {
	return state == pg.CannotConnectNow || state == pg.AdminShutdown || state == pg.CrashShutdown
}

// login runs startup, authentication and the first query, bounded by ctx.
func (s *Set) login(ctx context.Context, k Key, d *dialled, cfg *pgconn.Config, cred auth.Credential) *pg.Error {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(s.limits.Load().DialTimeout)
	}
	_ = d.conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = d.conn.SetDeadline(time.Now()) })
	defer stop()
	h := &handshake{conn: d.conn, d: d, node: nodeName(cfg)}
	h.auth = auth.NewServerAuth(auth.ServerAuthOptions{
		Node: h.node, User: k.User, Credential: cred, TLS: d.address.TLS != nil,
		AllowCleartext: s.clear, Cache: s.keys,
	})
	if err := h.run(k); err != nil {
		var perr *pg.Error
		if errors.As(err, &perr) {
			return perr
		}
		s.suspect(k.Node)
		return unreachable(cfg, err)
	}
	if !stop() {
		return unreachable(cfg, ctx.Err())
	}
	_ = d.conn.SetDeadline(time.Time{})
	return nil
}

// dialAny tries the addresses of a node's conninfo in turn: its hosts, each
// with and without TLS as sslmode says (pgconn.ParseConfig orders them).
func dialAny(ctx context.Context, cfg *pgconn.Config) (net.Conn, Address, error) {
	targets := append([]*pgconn.FallbackConfig{{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...)
	var last error
	for _, t := range targets {
		network, address := pgconn.NetworkAddress(t.Host, t.Port)
		conn, err := cfg.DialFunc(ctx, network, address)
		if err != nil {
			last = err
			continue
		}
		if t.TLSConfig == nil {
			return conn, Address{Network: network, Address: address}, nil
		}
		secured, err := startTLS(ctx, conn, t.TLSConfig)
		if err == nil {
			return secured, Address{Network: network, Address: address, TLS: t.TLSConfig}, nil
		}
		conn.Close()
		last = err
	}
	return nil, Address{}, last
}

// sslRequest is the packet that asks a server for TLS.
var sslRequest = [8]byte{0, 0, 0, 8, 4, 210, 22, 47}

var errNoTLS = errors.New("the server does not support TLS")

// startTLS asks for TLS and performs the handshake.
func startTLS(ctx context.Context, conn net.Conn, cfg *tls.Config) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write(sslRequest[:]); err != nil {
		return nil, fmt.Errorf("request TLS: %w", err)
	}
	var answer [1]byte
	if _, err := conn.Read(answer[:]); err != nil {
		return nil, fmt.Errorf("request TLS: %w", err)
	}
	if answer[0] != 'S' {
		return nil, errNoTLS
	}
	t := tls.Client(conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return t, nil
}

func nodeName(cfg *pgconn.Config) string {
	_, address := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	return address
}

func unreachable(cfg *pgconn.Config, cause error) *pg.Error {
	return pg.Errorf(pg.ConnectionFailure, "could not connect to server %s", nodeName(cfg)).WithCause(cause).NothingSent()
}
