package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// identity is the user that Postgres runs as. Postgres refuses to be root; as
// root we run it as nobody, who keeps the right to pass through directories
// that belong to root (a clone in /root, say).
type identity struct {
	uid, gid int
	change   bool
}

const (
	capDACOverride   = 1
	capDACReadSearch = 2
)

func unprivileged() (*identity, error) {
	if os.Geteuid() != 0 {
		return &identity{}, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("postgres does not run as root and there is no user nobody: %w", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &identity{uid: uid, gid: gid, change: true}, nil
}

func (i *identity) own(path string) error {
	if !i.change {
		return nil
	}
	return os.Chown(path, i.uid, i.gid)
}

// apply also parts the child from our process group, so that Ctrl-C reaches
// only us: Postgres must outlive the requests that still use it.
func (i *identity) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if i.change {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(i.uid), Gid: uint32(i.gid)}
		cmd.SysProcAttr.AmbientCaps = []uintptr{capDACOverride, capDACReadSearch}
		cmd.Dir = "/"
	}
}
