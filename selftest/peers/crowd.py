#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many clients or workers in one process, for what stands between them.

    crowd.py FOLDER ROLE ENDPOINT COUNT REQUESTS

FOLDER and ENDPOINT are as in peer.py. ROLE is clients or workers, COUNT of them;
every second is a plain REQ or REP, the others are DEALERs.

A request is a testMsg01 with the name of the client and a number that counts up
from 1; the reply has the name of the client and that of the worker, and the
number negated. Each client asks REQUESTS times, a DEALER several times at once,
and accepts nothing but one reply to each of its own requests, those of a worker
in their order. The clients end when they have all replies, the workers at the
end of stdin; both with an error when nothing happened for a while.
"""
import os
import sys

from peer import DEADLINE, STDIN, attach, decode, encode, tell, test_pb2, zmq

AT_ONCE = 40


class Client:
    def __init__(self, sock, number, requests):
        plain = sock.type == zmq.REQ
        self.sock = sock
        self.name = 'python-client-%d' % number
        self.front = [] if plain else [b'']
        self.at_once = 1 if plain else AT_ONCE
        self.numbers = list(range(requests, 0, -1))
        self.asked = set()
        self.last = {}
        self.ask()

    def ask(self):
        while self.numbers and len(self.asked) < self.at_once:
            number = self.numbers.pop()
            request = test_pb2.testMsg01(field1=self.name, field2=number)
            self.sock.send_multipart(self.front + [encode(request)])
            self.asked.add(number)

    def handle(self):
        *front, frame = self.sock.recv_multipart()
        reply = decode(frame)
        name, worker = reply.field1.split()
        number = -reply.field2
        if front != self.front or name != self.name or number not in self.asked:
            sys.exit('%s is given %s %s' % (self.name, front, reply))
        if number < self.last.get(worker, 0):
            sys.exit('%s is given %d late by %s' % (self.name, number, worker))
        self.last[worker] = number
        self.asked.remove(number)
        self.ask()

    def done(self):
        return not self.asked


class Worker:
    def __init__(self, sock, number, _requests):
        self.sock = sock
        self.name = 'python-worker-%d' % number

    def handle(self):
        *front, frame = self.sock.recv_multipart()
        request = decode(frame)
        reply = test_pb2.testMsg01(field1='%s %s' % (request.field1, self.name),
                                   field2=-request.field2)
        self.sock.send_multipart(front + [encode(reply)])

    def done(self):
        return False


ROLES = {
    'clients': (Client, zmq.REQ),
    'workers': (Worker, zmq.REP),
}


def run(crowd):
    poller = zmq.Poller()
    poller.register(STDIN, zmq.POLLIN)
    for sock in crowd:
        poller.register(sock, zmq.POLLIN)
    busy = len(crowd)
    while busy:
        ready = dict(poller.poll(DEADLINE))
        if not ready:
            sys.exit('nothing happened in %d ms' % DEADLINE)
        if ready.pop(STDIN, None) and not os.read(STDIN, 65536):
            return
        for sock in ready:
            crowd[sock].handle()
            busy -= crowd[sock].done()


def main():
    role, endpoint, count, requests = sys.argv[2:6]
    member, plain = ROLES[role]
    context = zmq.Context()
    context.linger = 0
    crowd = {}
    tell('ready', endpoint)
    for number in range(int(count)):
        sock = context.socket(plain if number % 2 else zmq.DEALER)
        sock.sndtimeo = DEADLINE
        attach(sock, endpoint)
        crowd[sock] = member(sock, number, int(requests))
    run(crowd)
    tell('done')
    context.destroy()


main()
