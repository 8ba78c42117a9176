#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The account of a soak finds what is wrong: each case is one wrong thing."""
import os
import sys
import tempfile

import account
from crew import Trouble

SENT = 'account sent=%d answered=%d slowest=9 timedout=%d notconn=0 busy=0 unreachable=0 ' \
       'connreset=0 unknown=%d'


def judge(way, letters, notes, line):
    """Of one who asks, called me."""
    with tempfile.TemporaryDirectory(prefix='dividere-') as folder:
        with open(os.path.join(folder, 'me.books'), 'w', encoding='ascii') as file:
            file.write(letters)
        with open(os.path.join(folder, 'notes'), 'w', encoding='ascii') as file:
            file.write(''.join(note + '\n' for note in notes))
        noted = account.Notes(os.path.join(folder, 'notes'))
        noted.check()
        books = account.books('me', way, folder, line)
        books.check(noted)
        books.told(noted)


TWICE = ['me 1 7 c', 'me 1 8 c']
CASES = (
    # Right, or what is wrong; way, letters, notes, line.
    ('', 'reliable', 'aaf', ['me 1 7 c', 'me 2 7 c'], SENT % (3, 2, 1, 0)),
    ('', 'reliable', 'a', TWICE, SENT % (1, 1, 0, 0)),
    ('', 'reliable', 'a', ['me 1 7 python', 'me 1 7 python'], SENT % (1, 1, 0, 0)),
    ('', 'reliable', 'af', ['me 1 7 c', 'me 2 7 c'], SENT % (2, 1, 1, 0)),
    ('', 'strict', 'aauf', ['me 1 7 c', 'me 2 7 c', 'me 3 7 c'], SENT % (4, 2, 1, 1)),
    ('', 'once', 'af', ['me 1 7 c', 'me 2 7 c'], SENT % (2, 1, 1, 0)),
    ('twice by one process', 'reliable', 'a', ['me 1 7 c', 'me 1 7 c'], SENT % (1, 1, 0, 0)),
    ('not executed', 'reliable', 'a', [], SENT % (1, 1, 0, 0)),
    ('never asked', 'reliable', 'a', ['me 1 7 c', 'me 2 7 c'], SENT % (1, 1, 0, 0)),
    ('add up', 'reliable', 'aa', ['me 1 7 c', 'me 2 7 c'], SENT % (3, 2, 0, 0)),
    ('add up', 'reliable', 'aa', ['me 1 7 c', 'me 2 7 c'], SENT % (2, 1, 1, 0)),
    ('few', 'reliable', 'affff', ['me 1 7 c'], SENT % (5, 1, 4, 0)),
    ('executed 2 times', 'strict', 'a', TWICE, SENT % (1, 1, 0, 0)),
    ('executed 2 times', 'strict', 'au', ['me 1 7 c', 'me 2 7 c', 'me 2 8 python'],
     SENT % (2, 1, 0, 1)),
    ('says that it was not', 'strict', 'af', ['me 1 7 c', 'me 2 7 c'], SENT % (2, 1, 1, 0)),
    ('executed 2 times', 'once', 'a', TWICE, SENT % (1, 1, 0, 0)),
)

READERS = (
    ('', 'account first=3 last=9 received=5 missed=2', 9),
    ('add up', 'account first=3 last=9 received=5 missed=1', 9),
    ('add up', 'account first=3 last=9 received=6 missed=2', 9),
    ('add up', 'account first=3 last=9 received=5 missed=2', 8),
    ('add up', 'account first=0 last=0 received=0 missed=0', 9),
)


def verdict(check, *words):
    try:
        check(*words)
    except Trouble as trouble:
        return str(trouble)
    return ''


def main():
    results = [(verdict(judge, *words), wanted) for wanted, *words in CASES]
    results += [(verdict(account.check_reader, 'me', *words), wanted)
                for wanted, *words in READERS]
    wrong = [(told, wanted) for told, wanted in results
             if wanted not in told or bool(told) != bool(wanted)]
    for told, wanted in wrong:
        print('"%s" instead of "%s"' % (told, wanted))
    sys.exit(bool(wrong))


main()
