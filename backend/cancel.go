package backend

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/pgroute/pgroute/internal/pg"
	"github.com/pgroute/pgroute/internal/wire"
)

// cancelTimeout bounds a cancel request to a server.
const cancelTimeout = 5 * time.Second

// Cancel asks the server to cancel what runs on the connection. Until that
// request has ended and a further answer has come, the connection is not
// given to another session, which it could hit.
func (c *Conn) Cancel() {
	if c.closed {
		return
	}
	c.cancels++
	set, addr := c.pool.set, c.Addr
	packet := wire.AppendCancel(nil, c.PID, c.Secret)
	set.dials.Go(func() {
		ctx, stop := context.WithTimeout(set.ctx, cancelTimeout)
		defer stop()
		if err := sendCancel(ctx, set.nodes[c.Key.Node].DialFunc, addr, packet); err != nil {
			set.log.Debug("cancel request failed", "node", int(c.Key.Node), "error", err)
		}
		c.loop.Post(c.cancelDone)
	})
}

// dialFunc opens a connection, as pgconn.DialFunc.
type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// sendCancel delivers one CancelRequest and waits until the server has closed
// the connection, which it does after it has signalled.
func sendCancel(ctx context.Context, dial dialFunc, addr Address, packet []byte) error {
	conn, err := dial(ctx, addr.Network, addr.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if addr.TLS != nil {
		if conn, err = startTLS(ctx, conn, addr.TLS); err != nil {
			return err
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write(packet); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// cancelDone goes on with a connection that was given back meanwhile, by a
// round trip that takes what the signal may still hit.
func (c *Conn) cancelDone() {
	c.cancels--
	if c.closed || !c.draining || c.cancels > 0 || !c.Answered() {
		return
	}
	c.Ask(";", &absorbing{})
}

// absorbing takes the answer of the round trip after a cancel request.
type absorbing struct{}

// Row ignores results.
func (absorbing) Row([]byte) {}

// Done gives the connection back whether or not the signal hit.
func (absorbing) Done(c *Conn, err *pg.Error) {
	if err != nil && err.State != pg.QueryCanceled {
		c.soil(dirtUnusable)
	}
	c.Release()
}
