package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// proxyConfigFile is the proxy's configuration in the lab's directory.
const proxyConfigFile = "proxy.toml"

// ProxyOptions say where pgroute listens in front of the cluster.
type ProxyOptions struct {
	Program string // pgroute's own binary
	Listen  string // host:port for clients
	Admin   string // host:port for the status page, metrics and readiness
}

// Proxy is a pgroute process in front of a lab.
type Proxy struct {
	server  *server
	options ProxyOptions
	log     string
}

// PID is the proxy's process.
func (p *Proxy) PID() int { return p.server.pid }

// Done is closed when the proxy has ended, whoever ended it.
func (p *Proxy) Done() <-chan struct{} { return p.server.done }

// ProxyConfig is the proxy.toml for a lab: what differs from pgroute's defaults
// and nothing else.
func (l *Lab) ProxyConfig(o ProxyOptions) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by pgroute lab.\nlisten = [%q]\nadmin_listen = %q\n\n[cluster]\nnodes = [\n", o.Listen, o.Admin)
	for _, n := range l.nodes {
		fmt.Fprintf(&b, "  %q,\n", n.Conninfo()+" name="+n.Name+" sslmode=disable")
	}
	fmt.Fprintf(&b, "]\nmonitor_user = %q\nmonitor_database = \"postgres\"\n\n[auth]\nmethod = %q\n", Monitor, l.proxyAuth())
	return b.Bytes()
}

func (l *Lab) proxyAuth() string {
	if l.state.Auth == AuthSCRAM {
		return "scram-sha-256"
	}
	return "trust"
}

// StartProxy runs `pgroute serve` in front of the lab and returns when it is
// ready. It ends with the lab.
func (l *Lab) StartProxy(ctx context.Context, o ProxyOptions) (*Proxy, error) {
	for flag, addr := range map[string]string{"--listen": o.Listen, "--admin-listen": o.Admin} {
		if err := checkListen(addr); err != nil {
			return nil, fmt.Errorf("lab: cannot listen on %s (%w): choose another address with %s", addr, err, flag)
		}
	}
	p, err := l.launchProxy(o)
	if err != nil {
		return nil, fmt.Errorf("lab: start the proxy: %w", err)
	}
	l.proxy = p
	l.state.Proxy = &proxyState{PID: p.PID(), Listen: o.Listen, Admin: o.Admin}
	if err := l.saveState(); err != nil {
		return nil, err
	}
	if err := p.awaitReady(ctx); err != nil {
		return nil, fmt.Errorf("lab: start the proxy: %w", err)
	}
	return p, nil
}

func (l *Lab) launchProxy(o ProxyOptions) (*Proxy, error) {
	config := filepath.Join(l.Dir, proxyConfigFile)
	if err := (account{}).writeFile(config, l.ProxyConfig(o)); err != nil {
		return nil, err
	}
	logPath := filepath.Join(l.Dir, logDir, "proxy.log")
	log, err := os.OpenFile(logPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(o.Program, "serve", "--config", config)
	cmd.Env = toolEnv()
	if password := l.passwords[Monitor]; password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = sysProc(account{}, syscall.SIGKILL)
	s, err := startServer(cmd)
	if err != nil {
		return nil, err
	}
	return &Proxy{server: s, options: o, log: logPath}, nil
}

// awaitReady asks /readyz until it answers 200.
func (p *Proxy) awaitReady(ctx context.Context) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return poll(ctx, func() (bool, error) {
		select {
		case <-p.Done():
			return false, fmt.Errorf("it ended: %w; its log says: %s", errors.Join(p.server.err, errEnded), p.LogTail())
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.StatusURL()+"readyz", nil)
		if err != nil {
			return false, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return false, nil //nolint:nilerr // it does not listen yet
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

// StatusURL is the status page, with a slash at the end.
func (p *Proxy) StatusURL() string { return "http://" + p.options.Admin + "/" }

// DSN is the connection string of the superuser through the proxy, without a
// password: with SCRAM, passwords.json in the lab's directory has it.
func (p *Proxy) DSN() string {
	return "postgres://" + Superuser + "@" + p.options.Listen + "/postgres"
}

// LogTail is the end of what the proxy logged.
func (p *Proxy) LogTail() string { return tail(p.log, 0) }

// Stop lets the proxy drain, and kills it when it takes too long.
func (p *Proxy) Stop(ctx context.Context) error {
	syscall.Kill(p.server.pid, syscall.SIGTERM)
	limited, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	select {
	case <-p.Done():
		return nil
	case <-limited.Done():
		syscall.Kill(p.server.pid, syscall.SIGKILL)
		<-p.Done()
		return errors.New("the proxy did not end by itself and was killed")
	}
}
