// Package child starts processes that do not outlive this one, for tests: however this one ends, killed for
// instance, the kernel kills them (on Linux; elsewhere they have to be ended).
package child

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// Process is a child that the kernel kills when this process dies. Its methods may be called from any
// goroutine.
type Process struct {
	Done chan struct{} // closed once the child has been waited for

	cmd *exec.Cmd
	err error // result of Wait, read after Done
}

// launches runs functions on one operating-system thread that lives as long as this process. Linux sends
// the parent-death signal when the *thread* that forked dies, and Go's other threads come and go.
var launches = sync.OnceValue(func() chan<- func() {
	ch := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range ch {
			f()
		}
	}()
	return ch
})

// Start starts cmd as a process that dies with this one. It puts the child in a group of its own, so that
// Ctrl-C reaches the test first and not the child.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	errc := make(chan error, 1)
	launches() <- func() { errc <- cmd.Start() }
	if err := <-errc; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, Done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.Done)
	}()
	return p, nil
}

// PID is the child's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Err is how the child ended, as exec.Cmd's Wait says it; nil before it has ended.
func (p *Process) Err() error {
	if p.Running() {
		return nil
	}
	return p.err
}

// Signal sends sig. A process that has ended already is no error.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to process %d: %w", sig, p.cmd.Process.Pid, err)
	}
	return nil
}

// Kill ends the process, stopped or not, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.Done
	return nil
}

// Running returns whether the child has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.Done:
		return false
	default:
		return true
	}
}
