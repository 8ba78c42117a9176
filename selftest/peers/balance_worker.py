#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A worker of brokers as the Python package has it, of either dialect.

    balance_worker.py FOLDER DIALECT ENDPOINT INTERVAL WAY [NOTES]

FOLDER and ENDPOINT are as in peer.py, DIALECT is typed or bytes. It registers at
once, answers each heartbeat by its own, and sends one 1.5 times INTERVAL ms
after its last; but none while it is at a request, since it has one thread.

WAY is how it answers: echo, by the request itself; sign, a testMsg01 as crowd.py
wants it; hold, never: it prints "holding" and does nothing more. With NOTES it
appends each request that it is about to answer to that file, as a line: the first
word of the testMsg01, its number, this process, and "python".

The first line on stdout is "ready NAME"; at the end of stdin the worker prints
"done" and how many requests it has answered.
"""
import os
import sys
import time
import uuid

from peer import DEADLINE, STDIN, attach, control_pb2, decode, encode, tell, zmq

REGISTER = b'\x01'
ALIVE = b'\x02'


class Worker:
    def __init__(self, sock, dialect, interval, way, notes=None):
        self.sock = sock
        self.way = WAYS[way]
        self.typed = dialect == 'typed'
        self.interval = interval
        self.notes = notes
        self.due = 0
        self.answered = 0
        self.beat(REGISTER)

    def beat(self, sign=ALIVE):
        if self.typed:
            sign = encode(control_pb2.Heartbeat(id=self.sock.identity.decode()))
        self.sock.send(sign)
        self.due = time.monotonic() + 1.5 * self.interval

    def heartbeat(self, frame):
        if not self.typed:
            if frame != ALIVE:
                sys.exit('%r is no heartbeat' % frame)
        elif decode(frame).id != self.sock.identity.decode():
            sys.exit('%s is no heartbeat of %s' % (decode(frame), self.sock.identity))
        self.beat()

    def answer(self, front, frame):
        request = decode(frame)
        if self.notes:
            name = request.field1.split()[0]
            self.notes.write(b'%s %d %d python\n' % (name.encode(), request.field2, os.getpid()))
        message = self.way(request, self.sock.identity.decode())
        self.sock.send_multipart(front + [encode(message)])
        self.answered += 1


def echo(message, _name):
    return message


def sign(message, name):
    message.field1 += ' ' + name
    message.field2 = -message.field2
    return message


def hold(_message, _name):
    tell('holding')
    os.read(STDIN, 1)
    sys.exit()


WAYS = {
    'echo': echo,
    'sign': sign,
    'hold': hold,
}


def run(worker):
    poller = zmq.Poller()
    poller.register(worker.sock, zmq.POLLIN)
    poller.register(STDIN, zmq.POLLIN)
    heard = time.monotonic()
    while True:
        now = time.monotonic()
        if now > heard + DEADLINE / 1000:
            sys.exit('nothing happened in %d ms' % DEADLINE)
        ready = dict(poller.poll(max(0, worker.due - now) * 1000))
        if STDIN in ready and not os.read(STDIN, 65536):
            return
        if worker.sock in ready:
            heard = time.monotonic()
            *front, frame = worker.sock.recv_multipart()
            if not front:
                worker.heartbeat(frame)
            else:
                worker.answer(front, frame)
        if time.monotonic() > worker.due:
            worker.beat()


def main():
    dialect, endpoint, interval, way = sys.argv[2:6]
    with zmq.Context() as context, context.socket(zmq.DEALER) as sock:
        sock.linger = 0
        sock.sndtimeo = DEADLINE
        sock.identity = str(uuid.uuid4()).encode()
        attach(sock, endpoint)
        tell('ready', sock.identity.decode())
        notes = open(sys.argv[6], 'ab', buffering=0) if len(sys.argv) > 6 else None
        worker = Worker(sock, dialect, int(interval) / 1000, way, notes)
        run(worker)
        tell('done', worker.answered)


main()
