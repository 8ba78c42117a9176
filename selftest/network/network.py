# SPDX-License-Identifier: Apache-2.0
"""Network namespaces, and links between them that are slow, lose and are cut.

All is made within a network namespace of its own, and each node is one that a
process holds: nothing of the machine is touched, and all is gone with the
processes. Each node has the interface eth0, an address of 10.77.0.0/24 and a
default route.

A link is of one of these, the first that the machine allows:

    netem    a bridge of the kernel, and tc netem at both ends
    switch   the program dividere_network_switch, where the kernel has no netem
    bridge   a bridge alone: links are cut, but never slow
"""
import subprocess

OUT, IN = 'out', 'in'
WHOLE = 1000  # of a loss: permille


class Unable(Exception):
    """This machine does not allow it."""


def sh(*words):
    """A command that succeeds, or the machine does not allow it."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False, text=True)
    if done.returncode:
        raise Unable('%s: %s' % (' '.join(words), done.stdout.strip()))


class Node:
    """A namespace, held by a process that does nothing."""

    def __init__(self, name, number):
        self.name = name
        self.number = number
        self.address = '10.77.0.%d' % number
        self.holder = subprocess.Popen(
            ['unshare', '--net', 'sh', '-c', 'echo made; exec cat'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b'made\n':
            raise Unable('a network namespace in a namespace')
        self.file = '/proc/%d/ns/net' % self.holder.pid

    def inside(self, *words):
        return ['nsenter', '--net=' + self.file, *words]

    def configure(self):
        for line in ('link set lo up', 'addr add %s/24 dev eth0' % self.address,
                     'link set eth0 up', 'route add default via 10.77.0.254'):
            sh(*self.inside('ip', *line.split()))

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


class Switch:
    """All links by one process."""

    name = 'switch'

    def __init__(self, nodes, program):
        self.process = subprocess.Popen(
            [program, *(node.file for node in nodes)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        told = self.told()
        if told != 'ready':
            raise Unable(told or 'the switch')

    def told(self):
        return self.process.stdout.readline().strip()

    def shape(self, node, way, delay, jitter, loss):
        """Delay and jitter in ms, loss in permille; all 0: a good link."""
        print(node.number, way, delay * 1000, jitter * 1000, loss,
              file=self.process.stdin, flush=True)
        if self.told() != 'done':
            raise RuntimeError('the switch has ended')

    def close(self):
        self.process.stdin.close()
        if self.process.wait():
            raise RuntimeError('the switch ends with %d' % self.process.returncode)


class Bridge:
    """A link down is one that is cut, in either direction at once."""

    name = 'bridge'

    def __init__(self, nodes, _program):
        self.cut = {}
        sh('ip', 'link', 'add', 'hub', 'type', 'bridge')
        sh('ip', 'link', 'set', 'hub', 'up')
        for node in nodes:
            sh('ip', 'link', 'add', self.port(node), 'type', 'veth',
               'peer', 'name', 'eth0', 'netns', str(node.holder.pid))
            sh('ip', 'link', 'set', self.port(node), 'master', 'hub', 'up')

    @staticmethod
    def port(node):
        return 'port%d' % node.number

    def shape(self, node, way, _delay, _jitter, loss):
        self.cut[node, way] = loss == WHOLE
        down = self.cut.get((node, OUT)) or self.cut.get((node, IN))
        sh('ip', 'link', 'set', self.port(node), 'down' if down else 'up')

    def close(self):
        pass


class Netem(Bridge):
    """What a node sends is shaped at its own end, what it is sent at the other."""

    name = 'netem'

    def __init__(self, nodes, program):
        sh('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms')
        sh('tc', 'qdisc', 'del', 'dev', 'lo', 'root')
        super().__init__(nodes, program)

    def shape(self, node, way, delay, jitter, loss):
        words = ['tc', 'qdisc', 'replace', 'dev', 'eth0' if way == OUT else self.port(node),
                 'root', 'netem', 'limit', '20000', 'delay', '%dms' % delay]
        if jitter:
            words.append('%dms' % jitter)
        if loss:
            words += ['loss', '%.1f%%' % (loss / 10)]
        sh(*(node.inside(*words) if way == OUT else words))


KINDS = {kind.name: kind for kind in (Netem, Switch, Bridge)}


class Network:
    def __init__(self, names, kind, program):
        self.nodes = {}
        for number, name in enumerate(names, 1):
            self.nodes[name] = Node(name, number)
        self.links = self.connect(kind, program)
        for node in self.nodes.values():
            node.configure()

    def connect(self, wanted, program):
        for name, kind in KINDS.items():
            try:
                if wanted in ('', name):
                    return kind(list(self.nodes.values()), program)
            except Unable:
                if wanted:
                    raise
        raise Unable('links of no kind')

    def shape(self, name, ways, delay=0, jitter=0, loss=0):
        for way in ways:
            self.links.shape(self.nodes[name], way, delay, jitter, loss)

    def close(self):
        self.links.close()
        for node in self.nodes.values():
            node.close()
