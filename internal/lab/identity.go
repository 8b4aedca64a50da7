package lab

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// newIdentity gives a cluster copied from a template a system identifier of its
// own. Without it all labs would look like one cluster, and a node of one would
// pass for a node of another. It does what pg_createsubscriber does: a new
// number in pg_control, then pg_resetwal, which writes WAL that carries it.
func newIdentity(ctx context.Context, t tool, dataDir string) error {
	path := filepath.Join(dataDir, "global", "pg_control")
	control, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("new system identifier: %w", err)
	}
	if err := patchIdentity(control, randomIdentity()); err != nil {
		return err
	}
	if err := t.as.writeFile(path, control); err != nil {
		return fmt.Errorf("new system identifier: %w", err)
	}
	// Without --force pg_resetwal refuses a pg_control it does not understand.
	return t.run(ctx, "pg_resetwal", "-D", dataDir)
}

// randomIdentity draws a positive number that is not 0: bigint shows it as is.
func randomIdentity() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.NativeEndian.Uint64(b[:])>>1 | 1<<40
}

// patchIdentity puts id in front of a pg_control image and mends its CRC-32C
// (src/include/catalog/pg_control.h). The CRC covers everything before it; its
// offset differs between versions and is found by looking for the old CRC.
func patchIdentity(control []byte, id uint64) error {
	table := crc32.MakeTable(crc32.Castagnoli)
	at := crcOffset(control, table)
	if at < 0 {
		return errors.New("new system identifier: pg_control has no valid checksum")
	}
	binary.NativeEndian.PutUint64(control, id)
	binary.NativeEndian.PutUint32(control[at:], crc32.Checksum(control[:at], table))
	return nil
}

// crcOffset returns where the checksum stands, or -1. The structure is kept
// below 512 bytes so that it is written at once.
func crcOffset(control []byte, table *crc32.Table) int {
	for at := 8; at+4 <= len(control) && at < 512; at += 4 {
		if crc32.Checksum(control[:at], table) == binary.NativeEndian.Uint32(control[at:]) {
			return at
		}
	}
	return -1
}
