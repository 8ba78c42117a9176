#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A broker as the Python package has it, of either dialect.

    balance_broker.py FOLDER DIALECT FRONTEND BACKEND INTERVAL

FOLDER and the endpoints are as in peer.py, DIALECT is typed or bytes. A request
goes to the worker that waits the longest, as it is. Whatever a worker sends
makes it ready; only that of DIALECT bytes forgets one that has replied until it
is heard again. A ready worker that is silent for INTERVAL ms is sent heartbeats,
and forgotten after three.

What the package does not survive, or makes it send a worker a second request,
ends this broker with an error, so that a peer is found out that does it:
  a request while no worker is ready
  a request of a client whose last one is not answered, earlier than in 5 s
  heartbeats of a worker that is at a request, but for those that can have
  crossed the request on their way: those of the next INTERVAL ms; and later
  one, and the answers that it owed when it was sent the request
  a reply that was not asked for

The first line on stdout is "ready FRONTEND BACKEND"; then "worker NAME" for each
that comes, "gone NAME" when it is forgotten for its silence; and at the end of
stdin "done", how many requests were handed out and how many were replied to.
"""
import collections
import os
import sys
import time

from peer import DEADLINE, STDIN, attach, control_pb2, decode, encode, tell, zmq

SIGNS = (b'\x01', b'\x02')
EARLY = 5


class Worker:
    def __init__(self):
        self.held = 0
        self.owed = 0
        self.excused = 0
        self.crossed = 0


class Broker:
    def __init__(self, front, back, interval):
        self.front = front
        self.back = back
        self.interval = interval
        self.workers = {}
        self.ready = collections.OrderedDict()
        self.resting = set()
        self.asked = {}
        self.handed = 0
        self.replied = 0

    def listens(self):
        """A client cannot know when a worker that replied is heard again."""
        return self.ready or not self.resting

    def from_client(self):
        frames = self.front.recv_multipart()
        if not self.ready:
            sys.exit('a request while no worker is ready')
        now = time.monotonic()
        if now < self.asked.get(frames[0], -EARLY) + EARLY:
            sys.exit('a client asks again too early')
        self.asked[frames[0]] = now
        name, _ = self.ready.popitem(False)
        worker = self.workers[name]
        worker.held += 1
        worker.excused = 1 + worker.owed
        worker.crossed = now + self.interval
        self.back.send_multipart([name] + frames)
        self.handed += 1

    def from_worker(self):
        name, *frames = self.back.recv_multipart()
        if name not in self.workers:
            self.workers[name] = Worker()
            tell('worker', name.decode())
        worker = self.workers[name]
        self.resting.discard(name)
        self.ready[name] = time.monotonic() + self.interval
        if len(frames) == 1:
            self.heard(name, worker, frames[0])
        else:
            self.reply(name, worker, frames)

    def heard(self, name, worker, frame):
        self.check_sign(name, frame)
        worker.owed = max(0, worker.owed - 1)
        if worker.held and time.monotonic() > worker.crossed:
            worker.excused -= 1
            if worker.excused < 0:
                sys.exit('heartbeats of a worker that is at a request')

    def reply(self, _name, worker, frames):
        if not worker.held:
            sys.exit('a reply that was not asked for')
        worker.held -= 1
        self.asked.pop(frames[0], None)
        self.front.send_multipart(frames)
        self.replied += 1

    def tend(self):
        now = time.monotonic()
        for name, silent in list(self.ready.items()):
            if now > silent + 2 * self.interval:
                del self.ready[name], self.workers[name]
                tell('gone', name.decode())
            elif now > silent:
                self.back.send_multipart([name, self.sign(name)])
                self.workers[name].owed += 1


class TypedBroker(Broker):
    def sign(self, name):
        return encode(control_pb2.Heartbeat(id=name.decode()))

    def check_sign(self, name, frame):
        if decode(frame).id != name.decode():
            sys.exit('%s is no heartbeat of %s' % (decode(frame), name))


class BytesBroker(Broker):
    def sign(self, _name):
        return SIGNS[1]

    def check_sign(self, name, frame):
        if frame not in SIGNS:
            sys.exit('%r is no heartbeat of %s' % (frame, name))

    def reply(self, name, worker, frames):
        super().reply(name, worker, frames)
        del self.ready[name]
        self.resting.add(name)


BROKERS = {
    'typed': TypedBroker,
    'bytes': BytesBroker,
}


def run(broker):
    poller = zmq.Poller()
    poller.register(STDIN, zmq.POLLIN)
    poller.register(broker.back, zmq.POLLIN)
    heard = time.monotonic()
    while True:
        poller.register(broker.front, zmq.POLLIN if broker.listens() else 0)
        ready = dict(poller.poll(broker.interval * 1000))
        if STDIN in ready and not os.read(STDIN, 65536):
            return
        if ready:
            heard = time.monotonic()
        elif time.monotonic() > heard + DEADLINE / 1000:
            sys.exit('nothing happened in %d ms' % DEADLINE)
        if broker.front in ready:
            broker.from_client()
        if broker.back in ready:
            broker.from_worker()
        broker.tend()


def main():
    dialect, frontend, backend, interval = sys.argv[2:6]
    with zmq.Context() as context, \
            context.socket(zmq.ROUTER) as front, context.socket(zmq.ROUTER) as back:
        front.linger = 0
        back.linger = 0
        attach(front, frontend)
        attach(back, backend)
        tell('ready', front.last_endpoint.decode(), back.last_endpoint.decode())
        broker = BROKERS[dialect](front, back, int(interval) / 1000)
        run(broker)
        tell('done', broker.handed, broker.replied)


main()
