package lab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Free ports are taken below the range that the kernel gives to outgoing
// connections (32768 on Linux): a node that is down for a while must find its
// port free again.
const (
	firstFreePort = 18000
	lastFreePort  = 31999
)

// host is where everything of a lab listens.
const host = "127.0.0.1"

// Ports are TCP ports on the loopback address that no other lab, in whatever
// process, takes while they are held.
type Ports struct {
	Numbers []int
	locks   []*fileLock
}

// ReservePorts picks n free ports.
func ReservePorts(n int) (*Ports, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "ports")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p := &Ports{}
	const span = lastFreePort - firstFreePort + 1
	start := rand.IntN(span)
	for i := 0; i < span && len(p.Numbers) < n; i++ {
		if err := p.try(dir, firstFreePort+(start+i)%span); err != nil {
			p.Release()
			return nil, err
		}
	}
	if len(p.Numbers) < n {
		p.Release()
		return nil, fmt.Errorf("no %d free ports between %d and %d", n, firstFreePort, lastFreePort)
	}
	return p, nil
}

// try adds the port if nobody holds or uses it.
func (p *Ports) try(dir string, port int) error {
	lock, err := tryLock(filepath.Join(dir, strconv.Itoa(port)))
	if errors.Is(err, errLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	if checkPort(port) != nil {
		lock.unlock()
		return nil
	}
	p.Numbers = append(p.Numbers, port)
	p.locks = append(p.locks, lock)
	return nil
}

// Release gives the ports back.
func (p *Ports) Release() {
	if p == nil {
		return
	}
	for _, l := range p.locks {
		l.unlock()
	}
	p.locks = nil
}

// checkPort fails when something listens on the port.
func checkPort(port int) error { return checkListen(net.JoinHostPort(host, strconv.Itoa(port))) }

// checkListen fails when one cannot listen on the address.
func checkListen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return l.Close()
}
