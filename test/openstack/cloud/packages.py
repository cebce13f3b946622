"""Debian's packages: the servers' code installed, their daemons' packages only unpacked.

The python3-* packages hold the code; the daemons' packages would bring init scripts,
users and questions, and are needed for a few files only.
"""
import glob
import os
import subprocess
import sys

from cloud import paths

INSTALLED = '''
    mariadb-server-core mariadb-client-core rabbitmq-server uwsgi-core uwsgi-plugin-python3
    ovn-central ovn-host openvswitch-switch qemu-utils openssl python3-openstacksdk
    python3-keystone python3-glance python3-placement python3-nova python3-neutron
    python3-cinder python3-octavia python3-neutron-vpnaas python3-trove python3-gnocchi'''.split()
UNPACKED = ('nova-common', 'neutron-common', 'glance-common', 'cinder-common', 'trove-common')


def install():
    paths.make()
    missing = [name for name in INSTALLED if not _installed(name)]
    log = os.path.join(paths.LOG, 'packages.log')
    if missing:
        print('installing', *missing, flush=True)
        _apt(log, 'update')
        with _no_daemons():
            _apt(log, 'install', '-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-unsafe-io', *missing)
    for name in UNPACKED:
        mark = os.path.join(paths.FILES, '.' + name)
        if not os.path.exists(mark):
            _apt(log, 'download', name, cwd=paths.FILES)
            archive = glob.glob(os.path.join(paths.FILES, name + '_*.deb'))[0]
            subprocess.run(['dpkg-deb', '-x', archive, paths.FILES], check=True)
            os.rename(archive, mark)


def _installed(name):
    answer = subprocess.run(['dpkg-query', '-W', '-f=${db:Status-Status}', name], capture_output=True, text=True)
    return answer.stdout == 'installed'


def _apt(log, *words, cwd=None):
    with open(log, 'a') as out:
        failed = subprocess.run(['apt-get', '-q', *words], stdout=out, stderr=out, cwd=cwd,
                                env=dict(os.environ, DEBIAN_FRONTEND='noninteractive')).returncode
    if failed and words[0] != 'update':
        sys.exit('apt-get %s failed: see %s' % (words[0], log))


class _no_daemons:
    """While packages are installed, nothing may start the daemons of any."""
    FILE = '/usr/sbin/policy-rc.d'

    def __enter__(self):
        self.made = not os.path.exists(self.FILE)
        if self.made:
            with open(self.FILE, 'w') as f:
                f.write('#!/bin/sh\nexit 101\n')
            os.chmod(self.FILE, 0o755)

    def __exit__(self, *_):
        if self.made:
            os.remove(self.FILE)
