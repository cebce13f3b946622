package dbtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// envServer names a running server: a DSN of a superuser.
const envServer = "YUNQIAO_TEST_POSTGRES"

// server is a running PostgreSQL.
type server struct {
	dsn string // of a superuser
	// life is the write end of the input of one's own server, which lives until it
	// is closed: by the end of this process at the latest. A line on it stops or
	// starts the server; the answer comes on said.
	life io.WriteCloser
	said *bufio.Reader
	cmd  *exec.Cmd
}

// order has one's own server do something, and waits until it says that it has.
func (s *server) order(what, answer string) error {
	if _, err := io.WriteString(s.life, what+"\n"); err != nil {
		return err
	}
	said, err := s.said.ReadString('\n')
	if err == nil && strings.TrimSpace(said) != answer {
		err = errors.New("the server did not")
	}
	if err != nil {
		return fmt.Errorf("%s: %q: %w", what, said, err)
	}
	return nil
}

// end stops one's own server and waits until nothing of it is left.
func (s *server) end() error { return errors.Join(s.life.Close(), s.cmd.Wait()) }

// startOnce finds or starts the process's server.
var startOnce = sync.OnceValues(func() (*server, error) {
	if dsn := os.Getenv(envServer); dsn != "" {
		return &server{dsn: dsn}, nil
	}
	return start()
})

// binaries is where Debian keeps the programs of each version.
const binaries = "/usr/lib/postgresql/*/bin"

// script runs a server until its standard input ends, which it does with the test
// process however that ends, and leaves nothing behind. Durability is off: nothing
// of a test outlives the machine.
const script = `set -eu
bin=$1 dir=$2
cleanup() { rm -rf "$dir"; }
trap cleanup EXIT
trap '' INT TERM HUP
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
begin() {
	"$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
		-c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB -c timezone=Asia/Shanghai >"$dir/log" 2>&1 &
	server=$!
	tries=0
	until "$bin/pg_isready" -q -h "$dir"; do
		tries=$((tries + 1))
		if ! kill -0 $server 2>/dev/null || [ $tries -gt 600 ]; then cat "$dir/log"; exit 1; fi
		sleep 0.05
	done
	echo ready
}
finish() {
	kill -$1 $server 2>/dev/null || true
	wait $server || true
	server=
}
begin
while read -r order; do
	case $order in
	stop) finish INT; echo stopped ;; # as a restart does: sessions are ended
	start) begin ;;
	esac
done
[ -z "$server" ] || finish QUIT
`

// start runs a server on a Unix socket in a folder of its own.
func start() (*server, error) {
	found, err := filepath.Glob(binaries + "/initdb")
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("there are no programs in %s: install Debian's package postgresql (scripts/setup test does), or set %s to the DSN of a superuser",
			binaries, envServer)
	}
	bin := filepath.Dir(slices.Max(found))
	dir, err := os.MkdirTemp("", "yunqiao-pg-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", bin, dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the test ends it by its input
	if cmd.SysProcAttr.Credential, err = unprivileged(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	life, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil || strings.TrimSpace(first) != "ready" {
		rest, _ := io.ReadAll(lines) // what there is helps
		return nil, fmt.Errorf("the server of %s did not start: %s%s (%w)", bin, first, rest, errors.Join(err, cmd.Wait()))
	}
	dsn := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}
	return &server{dsn: dsn.String(), life: life, said: lines, cmd: cmd}, nil
}

// unprivileged is who runs the server, which refuses to be root: nobody else where
// the test is not root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		if account, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}
