//go:build !linux

package embedded

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

type identity struct{}

func unprivileged() (*identity, error) {
	if os.Geteuid() == 0 {
		return nil, errors.New("postgres does not run as root: start the engine as another user, or set DATABASE_URL")
	}
	return &identity{}, nil
}

func (*identity) own(string) error { return nil }

func (*identity) apply(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
