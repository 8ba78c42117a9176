# SPDX-License-Identifier: Apache-2.0
"""What is done to processes and links, and when: all of it from the seed."""
import signal

from network import IN, OUT, WHOLE

# How often, among all; and how long at least and at most, in seconds.
KINDS = {
    'slow': (5, 0.5, 4),
    'cut': (4, 0.3, 2.5),
    'kill': (5, 0.0, 1.5),
    'stop': (3, 0.3, 2.5),
    'end': (3, 0, 1.5),
    'crash': (1, 0.2, 2),
}
PAUSE = (0.1, 0.7)  # between two beginnings
LONG = 12  # seconds, of a rare cut in a long run
LONG_RUN = 60


class Disturbance:
    """Of a link or a process, or of all that run on a node, until it is undone."""

    def __init__(self, kind, target, begin, end, ways=(OUT, IN), delay=0, jitter=0, loss=0):
        self.kind = kind
        self.target = target
        self.begin = begin
        self.end = end
        self.ways = ways
        self.shape = {'delay': delay, 'jitter': jitter, 'loss': loss}

    def __str__(self):
        text = '%s %s for %.1f s' % (self.kind, self.target, self.end - self.begin)
        if self.kind in ('slow', 'cut'):
            text += ' ' + '+'.join(self.ways)
        if self.kind == 'slow':
            text += ' %(delay)d ms, jitter %(jitter)d ms, loss %(loss)d permille' % self.shape
        return text


class Plan:
    """links are names of nodes, victims the names of who is killed, by node."""

    def __init__(self, random, seconds, links, victims, slow):
        self.random = random
        self.seconds = seconds
        self.links = links
        self.victims = victims
        self.kinds = [kind for kind in KINDS if slow or kind != 'slow']
        self.free = {}  # when it is undisturbed again
        self.all = []
        now = 0
        while now < seconds:
            self.disturb(now)
            now += random.uniform(*PAUSE)

    def disturb(self, now):
        kind, = self.random.choices(self.kinds, [KINDS[kind][0] for kind in self.kinds])
        end = min(self.seconds, now + self.length(kind))
        if kind in ('slow', 'cut'):
            targets = [('link', name) for name in self.links]
        elif kind == 'crash':
            targets = list(self.victims)
        else:
            targets = [name for names in self.victims.values() for name in names]
        target = self.random.choice(targets)
        touched = self.victims[target] if kind == 'crash' else [target]
        if any(self.free.get(each, 0) > now for each in touched):
            return
        self.free.update((each, end) for each in touched)
        self.all.append(self.draw(kind, target, now, end))

    def length(self, kind):
        if kind == 'cut' and self.seconds >= LONG_RUN and self.random.random() < 0.1:
            return self.random.uniform(2, LONG)
        return self.random.uniform(*KINDS[kind][1:])

    def draw(self, kind, target, begin, end):
        if kind not in ('slow', 'cut'):
            return Disturbance(kind, target, begin, end)
        ways = self.random.choice([(OUT,), (IN,), (OUT, IN), (OUT, IN)])
        if kind == 'cut':
            return Disturbance(kind, target[1], begin, end, ways, loss=WHOLE)
        delay = self.random.randint(1, 60)
        return Disturbance(kind, target[1], begin, end, ways, delay,
                           self.random.randint(0, delay),
                           self.random.choice([0, 5, 20, 50, 100]))

    def steps(self):
        """(when, what, is it the beginning?) in their order."""
        steps = [(each.begin, True, each) for each in self.all]
        steps += [(each.end, False, each) for each in self.all]
        return sorted(steps, key=lambda step: step[:2])


class Force:
    """Who carries it out. An end is waited for before the next life begins; it
    may take stop seconds."""

    def __init__(self, network, crew, victims, stop):
        self.network = network
        self.crew = crew
        self.victims = victims
        self.stop = stop

    def members(self, each):
        names = self.victims[each.target] if each.kind == 'crash' else [each.target]
        return [self.crew.members[name] for name in names]

    def begin(self, each):
        if each.kind in ('slow', 'cut'):
            self.network.shape(each.target, each.ways, **each.shape)
            return
        signals = {'stop': signal.SIGSTOP, 'end': signal.SIGTERM}
        for member in self.members(each):
            member.signal(signals.get(each.kind, signal.SIGKILL))

    def end(self, each):
        if each.kind in ('slow', 'cut'):
            self.network.shape(each.target, each.ways)
            return
        members = self.members(each)
        if each.kind == 'stop':
            members[0].signal(signal.SIGCONT)
            return
        self.crew.wait(self.stop, 'ended', lambda: [m.name for m in members if m.running()])
        for member in members:
            member.start()
