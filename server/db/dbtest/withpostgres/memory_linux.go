package main

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// memory is a directory whose files lie in memory.
const memory = "/dev/shm"

// room is how many bytes may be written to a directory in memory: what is free there, and of the machine's memory all
// but as much again, which the tests themselves need.
func room(dir string) int64 {
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return 0
	}
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(raw, []byte("MemAvailable:"))
	var kilobytes int64
	if _, err := fmt.Sscan(string(after), &kilobytes); err != nil {
		return 0
	}
	return min(int64(fs.Bavail)*fs.Bsize, kilobytes<<10/2)
}
