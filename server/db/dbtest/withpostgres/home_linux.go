package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"eventstream/server/db/embedded"
)

const (
	memory = "/dev/shm" // a directory whose files lie in memory
	enough = 3 << 30    // bytes, for all that the tests write at once
)

// home is where the data directory is made: in memory where there is room, since each test's database is some 800
// files, whose coming and going costs a disk's file system more than the tests do. Otherwise, and where the caller has
// set TMPDIR, it is empty, the usual temporary directory. What killed runs left in memory is removed first.
func home() string {
	left, _ := filepath.Glob(filepath.Join(memory, prefix+"*", embedded.Lock))
	for _, lock := range left {
		_ = embedded.Discard(filepath.Dir(lock)) // an error means that another run holds it
	}
	if os.Getenv("TMPDIR") != "" || room(memory) < enough {
		return ""
	}
	return memory
}

// room is how many bytes may be written to a directory in memory: what is free there, but at most half of the memory
// that is available, since the tests themselves need the rest.
func room(dir string) int64 {
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return 0
	}
	return min(int64(fs.Bavail)*fs.Bsize, available()/2)
}

// available is the memory that the machine has left, or the container or unit that we run in.
func available() int64 {
	var kilobytes int64
	_, after, _ := strings.Cut(read("/proc/meminfo"), "MemAvailable:")
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		return 0
	}
	left := kilobytes << 10
	_, group, _ := strings.Cut(read("/proc/self/cgroup"), "0::")
	v2, v1 := filepath.Join("/sys/fs/cgroup", strings.TrimSpace(group)), "/sys/fs/cgroup/memory"
	for limit, used := range map[string]string{
		v2 + "/memory.max":            v2 + "/memory.current",
		v1 + "/memory.limit_in_bytes": v1 + "/memory.usage_in_bytes",
	} {
		most, err := strconv.ParseInt(strings.TrimSpace(read(limit)), 10, 64)
		if err != nil {
			continue // there is no such group, or it has no limit
		}
		now, _ := strconv.ParseInt(strings.TrimSpace(read(used)), 10, 64)
		left = min(left, most-now)
	}
	return left
}

func read(path string) string {
	raw, _ := os.ReadFile(path)
	return string(raw)
}
