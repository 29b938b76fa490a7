package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A second handle leaves the first one its lock on the file, by which other processes know that somebody has it. Whatever closes the file
// beside SQLite would end it (fcntl(2), and https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
func TestSecondHandleLeavesTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.db")
	put(t, open(t, path, time.Now), "a")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	held := func() bool {
		for range 100 { // the list comes in parts: where others unlock in between, some of it is left out
			locks, err := os.ReadFile("/proc/locks")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(locks), fmt.Sprintf(" %d ", os.Getpid())) && strings.Contains(string(locks), fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)) {
				return true
			}
		}
		return false
	}
	if !held() {
		t.Fatal("the first handle holds no lock")
	}
	put(t, open(t, path, time.Now), "b")
	if !held() {
		t.Error("the first handle's lock is gone")
	}
}
