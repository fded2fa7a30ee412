package kafkatest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// workDir is the folder of one cluster: configuration, data and logs of its nodes. A lock says that its
// process lives.
type workDir struct {
	path string
	lock *os.File
}

// lockName is inside the work folder.
const lockName = "lock"

func newWorkDir() (*workDir, error) {
	removeStaleWorkDirs()
	path, err := os.MkdirTemp("", "kafkatest-data-")
	if err != nil {
		return nil, fmt.Errorf("create work folder: %w", err)
	}
	f, err := tryLock(filepath.Join(path, lockName))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &workDir{path: path, lock: f}, nil
}

func (w *workDir) remove() error {
	return errors.Join(os.RemoveAll(w.path), w.lock.Close())
}

// removeStaleWorkDirs removes what killed test processes left. It is a courtesy: whatever can't be
// removed stays for the next run.
func removeStaleWorkDirs() {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), "kafkatest-data-*", lockName))
	for _, path := range locks {
		// Its process may be between creating the file and locking it.
		if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if f, err := tryLock(path); err == nil {
			_ = os.RemoveAll(filepath.Dir(path))
			_ = f.Close()
		}
	}
}
