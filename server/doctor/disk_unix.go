//go:build linux || darwin

package doctor

import "syscall"

func diskFree(dir string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	size := uint64(st.Bsize) //nolint:gosec,unconvert,nolintlint // its type differs by system; it is never negative
	return st.Bavail * size, st.Blocks * size, nil
}
