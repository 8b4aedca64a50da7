package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func (t *tour) slowStandby(ctx context.Context) error {
	t.title("standby2 stops replaying and falls behind")
	if err := t.lab.PauseReplay(ctx, "standby2"); err != nil {
		return err
	}
	t.say("  Replay is paused on standby2; 24 MB are written, more than max_lag_bytes allows.")
	const write = "INSERT INTO orders (item) SELECT repeat(md5(i::text), 30) FROM generate_series(1, 24000) i"
	if _, err := t.client.Exec(ctx, write); err != nil {
		return err
	}
	if err := t.spread(ctx, "standby1"); err != nil {
		return err
	}
	t.say("  standby2 is skipped, because its answers would be old. Now it may replay again.")
	if err := t.lab.ResumeReplay(ctx, "standby2"); err != nil {
		return err
	}
	return t.spread(ctx, "standby1", "standby2")
}

func (t *tour) failover(ctx context.Context) error {
	t.title("The primary dies")
	if err := t.lab.Kill(ctx, "primary"); err != nil {
		return err
	}
	t.say("  kill -9 to all of the primary's processes.")
	if err := t.spread(ctx, "standby1", "standby2"); err != nil {
		return fmt.Errorf("reads while there is no primary: %w", err)
	}
	written := t.writeLater(ctx)
	select {
	case err := <-written:
		return fmt.Errorf("a write ended while there was no primary: %w", errors.Join(err, errTooEarly))
	case <-time.After(time.Second):
		t.say("  An INSERT waits for a primary: no error, the connection stays.")
	}
	began := time.Now()
	if err := t.lab.Promote(ctx, "standby1"); err != nil {
		return err
	}
	t.say("  standby1 is promoted, by somebody else: pgroute only watches.")
	if err := <-written; err != nil {
		return fmt.Errorf("the waiting INSERT: %w", err)
	}
	t.say("  The INSERT went through %v after the promotion began.", time.Since(began).Round(time.Millisecond))
	if err := t.lab.WaitStreaming(ctx); err != nil {
		return err
	}
	if err := t.expect(ctx, "standby1", "it is the primary now", "INSERT INTO orders (item) VALUES ('more tea')"); err != nil {
		return err
	}
	return t.spread(ctx, "standby2")
}

var errTooEarly = errors.New("it should have waited")

// writeLater runs an INSERT on the client's connection while the tour goes on
// without it.
func (t *tour) writeLater(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := t.client.Exec(ctx, "INSERT INTO orders (item) VALUES ('patience')")
		done <- err
	}()
	return done
}

func (t *tour) oldPrimaryReturns(ctx context.Context) error {
	t.title("The old primary returns")
	if err := t.lab.Rewind(ctx, "primary"); err != nil {
		return err
	}
	t.say("  pg_rewind made it a standby of standby1. pgroute needs no telling:")
	return t.spread(ctx, "primary", "standby2")
}
