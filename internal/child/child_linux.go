package child

import "syscall"

// dieWithParent has the kernel send SIGKILL, which ends a stopped process too, when the launching thread
// dies, however that happens.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
