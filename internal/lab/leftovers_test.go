package lab_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgroute/pgroute/internal/lab"
	"github.com/pgroute/pgroute/internal/lab/labtest"
)

func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	dir := filepath.Join(labtest.TempDir(t), "lab")
	l, err := lab.Start(ctx, lab.Options{Dir: dir, Standbys: 1})
	try(t, err)
	try(t, l.Kill(ctx, "standby1"))
	pids := []int{l.Node("primary").PID()}
	try(t, l.Stop(ctx))
	try(t, l.Stop(ctx))
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
}

func TestRunningLabIsNotTakenOver(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{})
	_, err := lab.Start(ctx, lab.Options{Dir: l.Dir})
	if !errors.Is(err, lab.ErrRunning) || !strings.Contains(err.Error(), "--dir") {
		t.Errorf("a second lab in the directory: %v", err)
	}
	if !l.Node("primary").Running() {
		t.Error("the first lab was stopped")
	}
}

func TestForeignDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	dir := labtest.TempDir(t)
	precious := filepath.Join(dir, "precious")
	try(t, os.WriteFile(precious, nil, 0o600))
	if l, err := lab.Start(ctx, lab.Options{Dir: dir}); err == nil {
		try(t, l.Stop(ctx))
		t.Error("a lab was made in a directory with other content")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	try(t, err)
	defer listener.Close()
	dir := filepath.Join(labtest.TempDir(t), "lab")
	port := listener.Addr().(*net.TCPAddr).Port
	_, err = lab.Start(ctx, lab.Options{Dir: dir, BasePort: port})
	if err == nil || !strings.Contains(err.Error(), "--base-port") {
		t.Errorf("a port in use: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the failed start left its directory: %v", err)
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	t.Parallel()
	_, err := lab.Start(within(t), lab.Options{Dir: filepath.Join(labtest.TempDir(t), "lab"), PgBin: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "--pg-bin") {
		t.Errorf("no programs: %v", err)
	}
}

func TestNonsenseOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []lab.Options{{Standbys: -1}, {Standbys: 99}, {Sync: true}, {BasePort: 70000}, {Auth: "none"}} {
		if _, err := lab.Start(within(t), o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestOpenFindsTheRunningLab(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	l := labtest.Start(t, lab.Options{Standbys: 1, Auth: lab.AuthSCRAM})
	other, err := lab.Open(l.Dir)
	try(t, err)
	try(t, other.StopNode(ctx, "standby1"))
	if l.Node("standby1").Running() {
		t.Error("standby1 runs")
	}
	try(t, other.StartNode(ctx, "standby1"))
	try(t, l.WaitStreaming(ctx))
	if err := other.Stop(ctx); err == nil {
		t.Error("a lab was stopped whole by somebody who did not start it")
	}
	if _, err := lab.Open(t.TempDir()); !errors.Is(err, lab.ErrNotALab) {
		t.Errorf("Open of an empty directory: %v", err)
	}
}
