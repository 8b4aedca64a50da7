//go:build !linux

package bench

import "syscall"

// childAttributes makes a program run as the account. Without Linux there is no
// signal at the parent's death.
func childAttributes(as account, _ syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if as.switched {
		attr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
	return attr
}
