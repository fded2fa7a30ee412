//go:build unix && !linux

package child

import "syscall"

// dieWithParent does nothing: only Linux has a parent-death signal, so elsewhere a test that is killed
// leaves its children behind.
func dieWithParent(*syscall.SysProcAttr) {}
