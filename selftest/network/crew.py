# SPDX-License-Identifier: Apache-2.0
"""The processes of a soak: started, disturbed, listened to, ended."""
import os
import re
import selectors
import signal
import subprocess
import time

REPORT = re.compile(r'Sanitizer|runtime error|Assertion|assertion')
TAIL = 3000


class Trouble(Exception):
    """What a soak is there to find."""


class Member:
    """One role, and the process that has it now. What it writes to stderr, in all
    its lives, is in one file."""

    def __init__(self, crew, name, node, words, python=False):
        self.crew = crew
        self.name = name
        self.node = node
        self.words = words
        self.python = python
        self.stderr = os.path.join(crew.folder, name + '.stderr')
        self.process = None
        self.fd = -1
        self.rest = b''
        self.ready = False
        self.lines = []
        self.sent = None  # a signal that ends it
        self.early = False  # ... before it could do anything about it
        self.sent_at = 0
        self.lives = 0
        self.memory = 0  # KiB, the most in any life

    def start(self):
        with open(self.stderr, 'ab') as stderr:
            self.process = subprocess.Popen(
                self.node.inside(*self.words), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=stderr, env=self.crew.environment)
        self.ready = False
        self.sent = None
        self.rest = b''
        self.lives += 1
        self.fd = os.pidfd_open(self.process.pid)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.crew.selector.register(self.process.stdout, selectors.EVENT_READ, self.read)
        self.crew.selector.register(self.fd, selectors.EVENT_READ, self.ended)

    def running(self):
        return self.process is not None

    def signal(self, number):
        self.process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.sent = number
            self.early = not self.ready
            self.sent_at = time.monotonic()

    def order(self, letter):
        os.write(self.process.stdin.fileno(), letter)

    def read(self):
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            self.crew.selector.unregister(self.process.stdout)
        *lines, self.rest = (self.rest + data).split(b'\n')
        for line in lines:
            text = line.decode()
            if text.split(' ')[0] == 'ready':
                self.ready = True
            else:
                self.lines.append(text)

    def take(self, word):
        """A line that begins with this word, and what is behind it, or None."""
        for i, line in enumerate(self.lines):
            if line.split(' ')[0] == word:
                return self.lines.pop(i)
        return None

    def measure(self):
        try:
            with open('/proc/%d/status' % self.process.pid, encoding='ascii') as file:
                found = re.search(r'VmRSS:\s*(\d+)', file.read())
        except (ProcessLookupError, FileNotFoundError):
            return
        if found:
            self.memory = max(self.memory, int(found[1]))

    def ended(self):
        """Who ends by itself is in trouble, and who does not end well likewise."""
        status = self.process.wait()
        self.crew.selector.unregister(self.fd)
        os.close(self.fd)
        if self.process.stdout in self.crew.streams():
            os.set_blocking(self.process.stdout.fileno(), True)
            self.read()
        if self.process.stdout in self.crew.streams():
            self.crew.selector.unregister(self.process.stdout)
        self.process.stdout.close()
        self.process.stdin.close()
        self.process = None
        wanted = [-signal.SIGKILL] if self.sent == signal.SIGKILL else [0]
        if (self.python or self.early) and self.sent:
            wanted.append(-self.sent)
        if not self.sent:
            raise Trouble('%s ended by itself, with %d' % (self.name, status))
        if status not in wanted:
            raise Trouble('%s ended with %d after signal %d' % (self.name, status, self.sent))
        self.crew.stops.append((time.monotonic() - self.sent_at, self.name, self.sent))


class Crew:
    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment
        self.selector = selectors.DefaultSelector()
        self.members = {}
        self.stops = []  # seconds, name, signal
        self.measured = 0

    def add(self, name, node, words, python=False):
        self.members[name] = Member(self, name, node, words, python)

    def streams(self):
        return [key.fileobj for key in self.selector.get_map().values()]

    def run(self, until, done=lambda: False):
        """Until this time, or it is done; which of the two."""
        while not done():
            left = until - time.monotonic()
            if left <= 0:
                return False
            for key, _ in self.selector.select(min(left, 1)):
                if key.fd in self.selector.get_map():
                    key.data()
            self.measure()
        return True

    def wait(self, seconds, what, missing):
        """Until missing () is empty."""
        if not self.run(time.monotonic() + seconds, lambda: not missing()):
            raise Trouble('%s: not in %d s: %s' % (what, seconds, ' '.join(missing())))

    def measure(self):
        if time.monotonic() < self.measured + 1:
            return
        self.measured = time.monotonic()
        for member in self.members.values():
            if member.running():
                member.measure()

    def reports(self):
        """What nobody may ever write to stderr, with the name of who did."""
        found = []
        for member in self.members.values():
            text = self.told(member)
            if REPORT.search(text):
                found.append(member.name)
        return found

    @staticmethod
    def told(member):
        if not os.path.exists(member.stderr):
            return ''
        with open(member.stderr, encoding='utf-8', errors='replace') as file:
            return file.read()

    def stderr(self, most):
        """The last of what each has written there, for people."""
        for member in self.members.values():
            text = self.told(member)[-most:]
            if text:
                print('---- %s ----\n%s' % (member.name, text), end='')
