#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A soak of a whole network: name servers, brokers, proxies, workers in C and in
Python, services, clients, publisher and subscribers, each a process on one of
the nodes of network.py, while links are slow, lose and are cut, and processes
are killed, stopped and ended (plan.py). Those who keep books, and they alone,
live as long as the soak; in the end their accounts must add up (account.py).

    soak.py --build FOLDER [--seconds N] [--seed N] [--links KIND] [--patience N]
            [--secure] [--verbose]

The seconds are those of disturbances (10). The seed, drawn where it is not given
and printed, repeats what is done, as far as time is the same. The kind of links
is netem, switch or bridge. With --secure all have keys, and nobody is in Python.
Ends with 1 if anything was wrong, with 77 where the
machine has no namespaces.
"""
import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import account
import network
from crew import Crew, Trouble
from plan import Force, Plan

SKIPPED = 77
START = 60  # seconds, until all are at work
RECOVERY = 30  # until all are answered when nothing is disturbed any more
ENDS = 15  # until the last requests have ended, each at its deadline
STOP = 2  # until who is told to end has ended
STUCK = 10  # until it is given up
MEMORY = 100 << 10  # KiB of a daemon
WAIT = 0.2  # seconds, between two looks
WORKERS = 3  # of each broker, and one in Python
SERVICES = 2

Asker = collections.namedtuple('Asker', 'name way')

NODES = ('names-1', 'names-2', 'broker-1', 'broker-2', 'proxy', 'farm-1', 'farm-2', 'host-1',
         'host-2', 'desk-1', 'desk-2', 'press', 'reader')


class Soak:
    def __init__(self, args, folder):
        self.args = args
        self.folder = folder
        self.build = args.build
        self.random = random.Random(args.seed)
        environment = dict(os.environ, DIVIDERE_PEER_DEADLINE='3600000')
        environment['ASAN_OPTIONS'] = environment.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
        self.crew = Crew(folder, environment)
        self.notes = os.path.join(folder, 'notes')
        self.security = self.make_keys(environment) if args.secure else []
        self.network = network.Network(NODES, args.links, self.program('network_switch'))
        self.victims = collections.defaultdict(list)
        self.daemons = []
        self.askers = []
        self.readers = []
        self.began = time.monotonic()

    # ---- Who is there ----

    def make_keys(self, environment):
        """One for all, which may do everything; the option of the command."""
        folder = os.path.join(self.folder, 'keys')
        key = subprocess.run([self.command(), 'keygen', folder], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()[-1]
        for name, text in (('servers', 'tcp://* %s\n' % key),
                           ('rights', 'key all %s\nallow all *\n' % key)):
            with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
                file.write(text)
        environment['DIVIDERE_NETWORK_SECURITY'] = folder
        return ['--security', folder]

    def command(self):
        return os.path.join(self.build, 'tool', 'dividere')

    def program(self, name):
        return os.path.join(self.build, 'selftest', 'dividere_' + name)

    def at(self, node, port):
        return 'tcp://%s:%d' % (self.network.nodes[node].address, port)

    def add(self, name, node, words, python=False):
        self.crew.add(name, self.network.nodes[node], words, python)

    def add_victim(self, name, node, words, python=False):
        self.add(name, node, words, python)
        self.victims[node].append(name)

    def add_daemon(self, name, node, command, **endpoints):
        words = [self.command(), command, *self.security]
        for side, port in endpoints.items():
            words += ['--' + side, self.at(node, port)]
        self.add_victim(name, node, words)
        self.daemons.append(name)
        return words

    def add_daemons(self):
        for i in ('1', '2'):
            words = self.add_daemon('names-' + i, 'names-' + i, 'nameserver', bind=5000,
                                    publish=5001, watch=5002)
            words += ['--rediscover', '1000']
            if i == '1':
                words += ['--snapshot', os.path.join(self.folder, 'snapshot')]
            words = self.add_daemon('broker-' + i, 'broker-' + i, 'broker', frontend=5555,
                                    backend=5556, introspection=5557)
            words += ['--heartbeat', '300', '--set', 'workers_max=100']
        self.add_daemon('forwarder', 'proxy', 'proxy', frontend=6001, backend=6002)
        words = self.add_daemon('relay', 'proxy', 'proxy', frontend=6003, backend=6004)
        words += ['--pattern', 'xsub-xpub']

    def add_server(self, role, name, node, *words):
        self.add_victim(name, node, [self.program('network_peer'), role, name, self.notes, *words])

    def add_python_worker(self, name, node, dialect, broker):
        peers = os.path.join(os.path.dirname(__file__), '..', 'peers', 'balance_worker.py')
        self.add_victim(name, node, [
            sys.executable, peers, os.path.join(self.build, 'selftest'), dialect,
            '>' + self.at(broker, 5556), '300', 'sign', self.notes], python=True)

    def add_servers(self):
        backends = [self.at('broker-1', 5556), self.at('broker-2', 5556)]
        names = [self.at(node, port) for node in ('names-1', 'names-2') for port in (5000, 5001)]
        for name, node in (('worker-1', 'farm-1'), ('worker-2', 'farm-1'), ('worker-3', 'farm-2')):
            self.add_server('worker', name, node, *backends)
        if not self.args.secure:
            self.add_python_worker('python-typed', 'farm-2', 'typed', 'broker-1')
            self.add_python_worker('python-bytes', 'farm-1', 'bytes', 'broker-2')
        for i in ('1', '2'):
            node = 'host-' + i
            self.add_server('service', 'service-' + i, node, 'clock',
                            self.network.nodes[node].address, *names)
            self.add_server('responder', 'responder-' + i, node, self.at('proxy', 6002))

    def add_asker(self, name, node, way, role, rate, *words):
        books = os.path.join(self.folder, name + '.books')
        self.askers.append(Asker(name, way))
        self.add(name, node, [self.program('network_peer'), role, name, books, rate, *words])

    def add_askers(self):
        one, two = self.at('broker-1', 5555), self.at('broker-2', 5555)
        names = self.at('names-1', 5000) + ',' + self.at('names-2', 5000)
        for name, node, way, *where in (
                ('reliable-1', 'desk-1', 'reliable', one + ',' + two),
                ('reliable-2', 'desk-2', 'reliable', two + ',' + one),
                ('strict-1', 'desk-1', 'strict', one + ',' + two),
                ('strict-2', 'desk-2', 'strict', two + ',' + one),
                ('named-1', 'desk-1', 'reliable', names, 'clock'),
                ('named-2', 'desk-2', 'strict', names, 'clock')):
            self.add_asker(name, node, way, 'asker', '100', '50', way, *where)
        self.add_asker('caller-1', 'desk-1', 'once', 'caller', '50', self.at('proxy', 6001))
        peer = self.program('network_peer')
        self.add('press', 'press', [peer, 'publisher', 'press', '200', self.at('proxy', 6003)])
        self.crew.members['press'].words[-1] = '>' + self.crew.members['press'].words[-1]
        for name, node in (('reader-1', 'reader'), ('reader-2', 'desk-2')):
            self.readers.append(name)
            self.add(name, node, [peer, 'subscriber', name, self.at('proxy', 6004)])

    # ---- What happens ----

    def say(self, text):
        if self.args.verbose:
            print('%6.1f  %s' % (time.monotonic() - self.began, text), flush=True)

    def patient(self, seconds):
        return seconds * self.args.patience

    def start(self):
        self.add_daemons()
        self.add_servers()
        self.add_askers()
        members = self.crew.members.values()
        for member in members:
            member.start()
        self.crew.wait(self.patient(START), 'at work',
                       lambda: [m.name for m in members if not m.ready])
        self.await_answers('at the start', START)

    def await_answers(self, what, seconds):
        """Until what is asked from now on is answered, to each."""
        open_ = {asker.name for asker in self.askers} | set(self.readers)
        began = time.monotonic()
        for name in open_:
            self.crew.members[name].order(b'm')

        def missing():
            for name in sorted(open_):
                if self.crew.members[name].take('answered'):
                    open_.remove(name)
                    self.say('%s is answered %s' % (name, what))
            return sorted(open_)
        self.crew.wait(self.patient(seconds), 'answered ' + what, missing)
        print('all are answered %s after %.1f s' % (what, time.monotonic() - began), flush=True)

    def disturb(self):
        plan = Plan(self.random, self.args.seconds, list(NODES), self.victims,
                    self.network.links.name != 'bridge')
        force = Force(self.network, self.crew, self.victims, self.patient(STUCK))
        start = time.monotonic()
        for when, begins, each in plan.steps():
            self.crew.run(start + when)
            self.say(('%s' if begins else '    no more: %s') % each)
            (force.begin if begins else force.end)(each)
        counts = collections.Counter(each.kind for each in plan.all)
        print('%d disturbances: %s' % (len(plan.all), ', '.join(
            '%d %s' % (count, kind) for kind, count in sorted(counts.items()))), flush=True)

    def ask(self, node, *words):
        """What the command prints there, each line an object."""
        words = [self.command(), *words, *self.security, '--json']
        done = subprocess.run(self.network.nodes[node].inside(*words), stdout=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def unsettled(self):
        """Brokers that do not have all workers or still have requests, and name
        servers that do not know what is there."""
        found = []
        for i in ('1', '2'):
            workers = WORKERS + (not self.args.secure)
            wanted = {'workers': workers, 'pending': 0, 'in_flight': 0, 'waiting': 0}
            told = self.ask('broker-' + i, 'stats', self.at('broker-' + i, 5557))
            stats = told[0]['stats'] if told else {}
            found += ['broker-%s: %s %s' % (i, stats.get(name), name)
                      for name, number in wanted.items() if stats.get(name) != number]
            told = self.ask('names-' + i, 'list', '--servers', self.at('names-' + i, 5000))
            if len(told) != SERVICES:
                found.append('names-%s: %d services' % (i, len(told)))
        return found

    def await_settled(self):
        """Nothing is left behind."""
        end = time.monotonic() + self.patient(RECOVERY)
        found = self.unsettled()
        while found:
            account.need(time.monotonic() < end, 'not settled: %s', ', '.join(found))
            self.crew.run(time.monotonic() + WAIT)
            found = self.unsettled()

    def cease(self):
        """All accounts, by name: first of those that ask, then of the publisher,
        then of the subscribers, who are told what was published before."""
        lines = {}

        def close(names):
            for name in names:
                self.crew.members[name].order(b'c')

            def missing():
                for name in names:
                    lines.setdefault(name, self.crew.members[name].take('account'))
                    if not lines[name]:
                        del lines[name]
                return [name for name in names if name not in lines]
            self.crew.wait(self.patient(ENDS), 'accounts', missing)
        close([asker.name for asker in self.askers])
        close(['press'])
        close(self.readers)
        return lines

    def stop(self):
        for member in self.crew.members.values():
            member.signal(signal.SIGTERM)
        self.crew.wait(self.patient(STUCK), 'ended', lambda: [
            member.name for member in self.crew.members.values() if member.running()])
        for seconds, name, number in sorted(self.crew.stops)[-5:]:
            self.say('%s ended %.2f s after signal %d' % (name, seconds, number))

    # ---- What is told ----

    def judge(self, lines):
        notes = account.Notes(self.notes)
        notes.check()
        for asker in self.askers:
            books = account.books(asker.name, asker.way, self.folder, lines[asker.name])
            books.check(notes)
            print(books.told(notes))
        published = account.numbers(lines['press'])['published']
        for name in self.readers:
            print(account.check_reader(name, lines[name], published))
        seconds, slowest, _ = max(stop for stop in self.crew.stops if stop[2] == signal.SIGTERM)
        account.need(seconds <= self.patient(STOP), '%s needs %.1f s to end', slowest, seconds)
        memory = {name: self.crew.members[name].memory for name in self.daemons}
        most = max(memory, key=memory.get)
        account.need(self.args.patience > 1 or memory[most] <= MEMORY, '%s takes %d KiB', most,
                     memory[most])
        account.need(not self.crew.reports(), 'stderr of %s', self.crew.reports())
        print('%d executed; %d lives of %d processes; ended within %.2f s; memory up to %d KiB: '
              'it adds up' % (notes.total, sum(m.lives for m in self.crew.members.values()),
                              len(self.crew.members), seconds, memory[most]))

    def run(self):
        print('network soak: seed %d, %d s, %d nodes, links by %s%s' % (
            self.args.seed, self.args.seconds, len(NODES), self.network.links.name,
            ', secure' if self.args.secure else ''), flush=True)
        try:
            self.start()
            self.disturb()
            self.await_answers('again', RECOVERY)
            lines = self.cease()
            self.await_settled()
            self.stop()
            self.judge(lines)
            self.network.close()
        except Trouble as trouble:
            print('TROUBLE: %s (--seed %d)' % (trouble, self.args.seed))
            self.crew.stderr(3000)
            return 1
        return 0


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', required=True)
    parser.add_argument('--seconds', type=int, default=10)
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(10 ** 9))
    parser.add_argument('--links', choices=network.KINDS, default='')
    parser.add_argument('--patience', type=int, default=1)
    parser.add_argument('--secure', action='store_true')
    parser.add_argument('--verbose', action='store_true')
    parser.add_argument('--inside', help=argparse.SUPPRESS)
    return parser.parse_args()


def inside(args):
    """Process 1 of a namespace of processes: with it, all others end."""
    try:
        network.sh('ip', 'link', 'set', 'lo', 'up')
        soak = Soak(args, args.inside)
    except (network.Unable, FileNotFoundError) as unable:
        print('skipped: %s' % unable)
        return SKIPPED
    return soak.run()


def outside(args):
    """Begins anew in namespaces, which end when this process does."""
    away = ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--fork',
            '--kill-child', '--mount-proc']
    if os.geteuid() != 0:
        away.insert(4, '--map-root-user')
    try:
        network.sh(*away, 'true')
    except (network.Unable, FileNotFoundError) as unable:
        print('skipped: no namespaces here: %s' % unable)
        return SKIPPED
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix='dividere-') as folder:
        again = subprocess.Popen(away + [sys.executable, *sys.argv, '--seed', str(args.seed),
                                         '--inside', folder])
        try:
            return again.wait()
        finally:
            again.kill()
            again.wait()


def main():
    args = arguments()
    sys.exit(inside(args) if args.inside else outside(args))


main()
