//go:build unix && !linux

package kafkatest

import "syscall"

// dieWithParent does nothing: only Linux has a parent-death signal, so elsewhere a test that is killed
// leaves its brokers behind.
func dieWithParent(*syscall.SysProcAttr) {}
