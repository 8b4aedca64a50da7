package bench

import "syscall"

// childAttributes makes a program get signal death when we die, run as the account, and not hear
// the terminal's Ctrl-C.
func childAttributes(as account, death syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Pdeathsig: death}
	if as.switched {
		attr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
	return attr
}
