"""Processes by name: started once, found again by pid and start time, stopped alone."""
import os
import signal
import subprocess
import sys
import time

from cloud import paths


def environment():
    """What all servers get: their stand-ins for system programs, and where OVN is."""
    return {
        'PATH': paths.BIN + ':/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': paths.STATE, 'LC_ALL': 'C.UTF-8',
        'PYTHONPATH': paths.PLUGINS + ':' + os.path.join(paths.SOURCE, 'plugins'),
        'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONUNBUFFERED': '1', 'MALLOC_ARENA_MAX': '2',
        'OVS_RUNDIR': paths.RUN, 'OVN_RUNDIR': paths.RUN, 'OVS_DBDIR': paths.DATA, 'OVN_DBDIR': paths.DATA,
        'OVS_LOGDIR': paths.LOG, 'OVN_LOGDIR': paths.LOG, 'OVS_SYSCONFDIR': paths.ETC, 'OVN_SYSCONFDIR': paths.ETC,
        'TESTCLOUD': paths.STATE,
    }


def _file(name):
    return os.path.join(paths.RUN, name + '.pid')


def _started(pid):
    """When a process was started, by the kernel's count; None if there is none."""
    try:
        with open('/proc/%s/stat' % pid) as f:
            return f.read().rpartition(')')[2].split()[19]
    except OSError:
        return None


def _pid(name):
    """The process of a name, if it still is the one that was started."""
    try:
        with open(_file(name)) as f:
            pid, started = f.read().split()
    except (OSError, ValueError):
        return None
    return int(pid) if _started(pid) == started else None


def alive(name):
    return _pid(name) is not None


def start(name, command, extra=None):
    if alive(name):
        return
    with open(os.path.join(paths.LOG, name + '.log'), 'ab') as log:
        log.write(('== %s\n' % ' '.join(command)).encode())
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=paths.STATE,
                                 env=dict(environment(), **(extra or {})), start_new_session=True)
    with open(_file(name), 'w') as f:
        f.write('%d %s' % (child.pid, _started(child.pid)))


def run(name, command, **options):
    """Runs a command to its end; a failure shows the end of its log."""
    path = os.path.join(paths.LOG, name + '.log')
    with open(path, 'ab') as log:
        log.write(('== %s\n' % ' '.join(command)).encode())
        log.flush()
        failed = subprocess.run(command, stdout=log, stderr=log, env=environment(), cwd=paths.STATE, **options).returncode
    if failed:
        give_up(name, '%s failed' % command)


def give_up(name, what):
    with open(os.path.join(paths.LOG, name + '.log'), errors='replace') as f:
        print(*f.readlines()[-20:], sep='', file=sys.stderr)
    sys.exit('testcloud: %s: %s' % (name, what))


def until(name, seconds, ready):
    """Waits until ready() is true, and gives up at once if the process has ended."""
    end = time.monotonic() + seconds
    while True:
        try:
            if ready():
                return
        except (OSError, subprocess.SubprocessError):
            pass
        if os.path.exists(_file(name)) and not alive(name):
            give_up(name, 'has ended')
        if time.monotonic() > end:
            give_up(name, 'not ready after %d s' % seconds)
        time.sleep(0.2)


def stop(names, seconds=15):
    """Asks the processes to end, and kills those that do not."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in filter(None, map(_pid, names)):
            try:
                os.killpg(pid, sign)
            except ProcessLookupError:
                pass
        end = time.monotonic() + seconds
        while any(map(alive, names)) and time.monotonic() < end:
            time.sleep(0.1)
    for name in names:
        if not alive(name) and os.path.exists(_file(name)):
            os.remove(_file(name))


def stop_all(order):
    """Stops what was started last first: servers before what they talk to."""
    base = [name for name in order if name in BASE]
    stop([name for name in order if name not in BASE])
    for name in reversed(base):
        stop([name])


# What servers talk to, and what must end in this order.
BASE = ('names', 'broker', 'database', 'ovsdb', 'ovsdb-sb', 'vswitchd', 'northd', 'ovn-controller')
