package proxy

import (
	"context"
	"errors"
	"time"

	"github.com/pgroute/pgroute/backend"
	"github.com/pgroute/pgroute/internal/cluster"
	"github.com/pgroute/pgroute/internal/netloop"
	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
	"github.com/pgroute/pgroute/proxy/auth"
	"github.com/pgroute/pgroute/router"
)

// login is what a session needs until its first ReadyForQuery.
type login struct {
	step     loginStep
	startup  *wire.Startup
	user     string
	database string
	auth     *auth.ClientAuth
	cred     auth.Credential
	// startupWish is what pgroute's own settings in the startup packet ask for.
	startupWish router.Wish
	timer       *netloop.Timer
	cancel      context.CancelFunc // of the look-up under way
	asked       bool               // an encryption request was declined
}

type loginStep uint8

const (
	stepPacket   loginStep = iota // startup packet or a request in its place
	stepLookup                    // the role is looked up
	stepPassword                  // the client must answer
	stepWelcome                   // a server connection is awaited
)

// maxLoginMessage bounds messages before authentication, in bytes.
const maxLoginMessage = 64 << 10

// newLogin begins the login of a client, bounded by the login timeout.
func newLogin(s *session) *login {
	l := &login{}
	l.timer = s.w.loop.AfterFunc(s.w.tune.LoginTimeout, func() {
		s.w.counters.LoginTimeouts.Add(1)
		s.fatal(pg.Fatalf(pg.ProtocolViolation, "canceling authentication due to timeout"))
	})
	return l
}

// stop ends whatever goes on for the login.
func (l *login) stop() {
	l.timer.Stop()
	if l.cancel != nil {
		l.cancel()
	}
}

// take handles the next message of a client that is logging in; 0 when it is
// incomplete or has to wait.
func (l *login) take(s *session, p []byte) int {
	switch l.step {
	case stepPacket:
		return l.packet(s, p)
	case stepPassword:
		return l.password(s, p)
	}
	if len(p) > maxLoginMessage {
		s.fatal(pg.Fatalf(pg.ProtocolViolation, "too much data before authentication"))
	}
	return 0
}

// packet takes a startup packet or one of the requests sent in its place.
func (l *login) packet(s *session, p []byte) int {
	if p[0] == wire.TLSFirst {
		s.w.counters.Refused.Add(1)
		s.finish() // direct TLS: there is no way to say no in plain text
		return 0
	}
	n, ok, err := wire.StartupPacket(p)
	if err != nil {
		s.fatal(err)
		return 0
	}
	if !ok || len(p) < n {
		return 0
	}
	packet := p[:n]
	switch wire.StartupCode(packet) {
	case wire.SSLCode, wire.GSSEncCode:
		l.decline(s, len(p) > n)
	case wire.CancelCode:
		s.w.cancelRequest(packet)
		s.finish()
	default:
		l.begin(s, packet)
	}
	return n
}

// decline answers a request for encryption with no. More input behind the
// request would be what somebody in the middle put there.
func (l *login) decline(s *session, more bool) {
	if more || l.asked {
		s.fatal(pg.Fatalf(pg.ProtocolViolation, "received unencrypted data after an encryption request"))
		return
	}
	s.send([]byte{'N'})
}

// begin takes the StartupMessage.
func (l *login) begin(s *session, packet []byte) {
	st, err := wire.ParseStartup(packet)
	if err != nil {
		s.fatal(err)
		return
	}
	l.startup = st
	l.user, _ = st.Get("user")
	if l.database, _ = st.Get("database"); l.database == "" {
		l.database = l.user
	}
	l.user, l.database = cutName(l.user), cutName(l.database)
	repl, _ := st.Get("replication")
	switch {
	case l.user == "":
		s.fatal(pg.Fatalf(pg.InvalidAuthorization, "no PostgreSQL user name specified in startup packet"))
		return
	case repl != "" && repl != "false" && repl != "off" && repl != "0" && repl != "no":
		s.fatal(pg.Fatalf(pg.FeatureNotSupported, "pgroute does not carry replication connections").
			WithHint("Connect to the primary itself for replication."))
		return
	}
	if st.NeedsNegotiation() {
		s.send(wire.AppendNegotiate(s.w.local(), st))
	}
	l.lookup(s)
}

// lookup finds the role in the background; trust needs no verifier.
func (l *login) lookup(s *session) {
	if s.w.tune.AuthMethod == auth.Trust && s.w.tune.Roles == nil {
		l.authenticate(s, auth.Role{Name: l.user})
		return
	}
	l.step = stepLookup
	ctx, cancel := context.WithTimeout(s.w.ctx, s.w.tune.LoginTimeout)
	l.cancel = cancel
	s.w.background.Go(func() {
		defer cancel()
		role, err := s.w.tune.Roles.Find(ctx, l.user)
		s.w.loop.Post(func() {
			if s.phase != phaseStartup {
				return
			}
			if err != nil {
				s.fatal(cannotLookUp(err))
				return
			}
			l.authenticate(s, role)
			s.resume()
		})
	})
}

// cutName cuts a name as the server would (NAMEDATALEN in
// ProcessStartupPacket): by bytes, whatever characters they make.
func cutName(name string) string { return name[:min(len(name), maxName)] }

// maxName is the length of the longest name in bytes.
const maxName = 63

func cannotLookUp(err error) *pg.Error {
	return pg.Fatalf(pg.CannotConnectNow, "pgroute cannot look up roles now").
		WithHint("No node answers auth_query; try again, or see the log of pgroute.").WithCause(err)
}

// authenticate begins the exchange with the client.
func (l *login) authenticate(s *session, role auth.Role) {
	l.auth = auth.NewClientAuth(auth.ClientAuthOptions{
		Method: s.w.tune.AuthMethod, Role: role, Mock: s.w.tune.Mock, Now: time.Now(),
	})
	l.step = stepPassword
	l.answer(s, l.auth.Start)
}

// password takes the client's next message of the exchange.
func (l *login) password(s *session, p []byte) int {
	typ, size, ok := wire.Header(p)
	switch {
	case !ok:
		return 0
	case size < 0 || size > maxLoginMessage:
		s.fatal(pg.Fatalf(pg.ProtocolViolation, "invalid message length"))
		return 0
	case typ == wire.Terminate:
		s.finish()
		return 0
	case typ != wire.Password:
		s.fatal(l.auth.Unexpected(typ))
		return 0
	case len(p) < size:
		return 0
	}
	l.answer(s, func() (auth.Request, error) { return l.auth.Step(p[wire.HeaderSize:size]) })
	return size
}

// answer sends the next request of the exchange, or welcomes the client.
func (l *login) answer(s *session, step func() (auth.Request, error)) {
	r, err := step()
	if err != nil {
		l.refuse(s, err)
		return
	}
	if r.Code != auth.ReqOk { // that one is sent with the welcome
		s.send(wire.AppendAuthentication(s.w.local(), r.Code, r.Data))
	}
	if r.Done {
		l.cred = l.auth.Credential()
		l.welcome(s)
	}
}

// refuse ends a login that failed, and lets the next one ask anew.
func (l *login) refuse(s *session, err error) {
	s.w.counters.LoginFailures.Add(1)
	if s.w.tune.Roles != nil {
		s.w.tune.Roles.Failed(l.user)
	}
	e := asError(err)
	s.w.log.Info("login refused", "session", s.key.pid, "user", l.user, "sqlstate", string(e.State), "error", e.Cause)
	s.fatal(e)
}

// welcome makes the session's identity, and gets what the client must be told
// from a server: a connection kept for the session's kind, or a new one.
func (l *login) welcome(s *session) {
	l.step = stepWelcome
	base, err := baseSettings(l.startup)
	if err == nil {
		l.startupWish, err = startupWish(l.startup, s.w.view.Snap)
	}
	if err != nil {
		s.fatal(err)
		return
	}
	s.user = &identity{tenant: s.w.set.Tenant(l.database, l.user), base: base}
	s.req = &backend.Request{Loop: s.w.loop, Base: base, Cred: l.cred, Taker: s}
	if w, ok := s.w.welcomes.get(l.database, l.user, base, &l.cred); ok {
		s.admit(w)
		return
	}
	l.connect(s)
}

// connect asks for a server connection: the primary's, else any that is up.
func (l *login) connect(s *session) {
	node := s.w.loginNode(s.excluded)
	if node < 0 {
		s.excluded = 0
		s.w.held[s] = struct{}{} // until a snapshot shows a node, or the timeout
		return
	}
	s.node = node
	s.req.Life, s.req.Set = 0, backend.Settings{}
	if c := s.user.tenant.Acquire(node, s.req); c != nil {
		l.taken(s, c, nil)
	}
}

// taken learns from a server connection what to tell the client.
func (l *login) taken(s *session, c *backend.Conn, err *pg.Error) {
	switch {
	case err != nil && err.SafeToRetry(): // it may be about to be replaced
		s.w.monitor.Suspect(s.node)
		s.excluded = s.excluded.With(s.node)
		l.connect(s)
		return
	case err != nil:
		if err.LoggedIn {
			s.send(wire.AppendAuthentication(s.w.local(), auth.ReqOk, nil))
		}
		s.fatal(err)
		return
	}
	s.excluded = 0
	w := welcomeFrom(c)
	c.Release()
	s.w.welcomes.put(l.database, l.user, s.user.base, l.cred, w)
	s.admit(w)
}

// admit sends the first ReadyForQuery: the session begins.
func (s *session) admit(w *welcome) {
	l := s.login
	l.stop()
	s.user.shown, s.user.defaults = w.reported, w.defaults
	s.key.issue(s.w, l.startup.AgreedMinor())
	s.w.keys.add(s)
	out := wire.AppendAuthentication(s.w.local(), auth.ReqOk, nil)
	for _, r := range w.reported {
		out = wire.AppendParameterStatus(out, r.Name, r.Value)
	}
	out = wire.AppendBackendKeyData(out, s.key.pid, s.key.secret)
	s.send(wire.AppendReadyForQuery(out, wire.TxIdle))
	s.login = nil
	s.begun(l)
	s.move(phaseIdle)
	s.w.counters.Logins.Add(1)
}

// begun prepares a session for its first unit.
func (s *session) begun(l *login) {
	s.beginWishes(l.startupWish)
	s.facts.Session.Sticky = cluster.NoNode
	s.learnSettings()
	s.w.catalogs.For(l.database) // has it loaded, if it is not
}

// asError makes any error one that a client may see.
func asError(err error) *pg.Error {
	var e *pg.Error
	if errors.As(err, &e) {
		return e
	}
	return pg.Fatalf(pg.InternalError, "internal error of pgroute").WithCause(err)
}
