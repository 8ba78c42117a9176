# SPDX-License-Identifier: Apache-2.0
"""What must add up at the end of a soak."""
import collections
import os

from crew import Trouble

ERRORS = ('timedout', 'notconn', 'busy', 'unreachable', 'connreset', 'unknown')
ANSWERED, FAILED, UNKNOWN = 'afu'


def need(condition, text, *words):
    if not condition:
        raise Trouble(text % words)


def numbers(line):
    """Those of a line: account NAME=NUMBER..."""
    return {name: int(number) for name, number in (word.split('=') for word in line.split()[1:])}


class Notes:
    """What was executed: for each who asked and number, by whom."""

    def __init__(self, file):
        self.executed = collections.defaultdict(list)
        self.total = 0
        with open(file, encoding='ascii') as lines:
            for line in lines:
                asker, number, process, kind = line.split()
                self.executed[asker, int(number)].append((process, kind))
                self.total += 1

    def check(self):
        """Who remembers what it did never does it twice."""
        for (asker, number), those in self.executed.items():
            ours = [process for process, kind in those if kind == 'c']
            need(len(ours) == len(set(ours)), '%s %d is executed twice by one process: %s',
                 asker, number, those)


class Books:
    """Of one who asks. Never again is what is executed once at most at all."""

    def __init__(self, name, file, line, once):
        self.name = name
        self.once = once
        self.sums = numbers(line)
        with open(file, encoding='ascii') as letters:
            self.letters = letters.read()

    def check(self, notes):
        sums = self.sums
        failed = sum(sums[error] for error in ERRORS)
        need(sums['sent'] == sums['answered'] + failed == len(self.letters) and
             self.letters.count(ANSWERED) == sums['answered'] and
             self.letters.count(UNKNOWN) == sums['unknown'],
             '%s: it does not add up: %s', self.name, sums)
        need(sums['answered'] * 4 > sums['sent'], '%s: few are answered: %s', self.name, sums)
        beyond = [number for asker, number in notes.executed
                  if asker == self.name and not 1 <= number <= len(self.letters)]
        need(not beyond, '%s: executed, and never asked: %s', self.name, beyond)
        for number, letter in enumerate(self.letters, 1):
            self.judge(number, letter, notes.executed.get((self.name, number), []))

    def judge(self, number, letter, executions):
        need(executions or letter != ANSWERED, '%s %d is answered, and not executed',
             self.name, number)
        if not self.once:
            return
        need(len(executions) <= 1, '%s %d is executed %d times: %s', self.name, number,
             len(executions), executions)

    def told(self, notes):
        executed = sum(len(those) for (asker, _), those in notes.executed.items()
                       if asker == self.name)
        failed = ', '.join('%d %s' % (self.sums[error], error)
                           for error in ERRORS if self.sums[error])
        return '%s: %d sent = %d answered + (%s); %d executed, slowest %d ms' % (
            self.name, self.sums['sent'], self.sums['answered'], failed or '0 failed', executed,
            self.sums['slowest'])


class StrictBooks(Books):
    """Only where it is not known what became of it may it have been executed
    without an answer."""

    def judge(self, number, letter, executions):
        super().judge(number, letter, executions)
        need(letter != FAILED or not executions,
             '%s %d is executed, and its error says that it was not', self.name, number)


def books(name, way, folder, line):
    kind = StrictBooks if way == 'strict' else Books
    return kind(name, os.path.join(folder, name + '.books'), line, way != 'reliable')


def check_reader(name, line, published):
    """What it was told of gaps is what it has not received of what it could."""
    sums = numbers(line)
    need(sums['received'] and sums['last'] <= published and
         sums['received'] + sums['missed'] == sums['last'] - sums['first'] + 1,
         '%s: it does not add up: %s of %d', name, sums, published)
    return '%s: %d published from %d to %d = %d received + %d told as missed' % (
        name, sums['last'] - sums['first'] + 1, sums['first'], sums['last'], sums['received'],
        sums['missed'])
