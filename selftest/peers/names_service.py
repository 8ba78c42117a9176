#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A service as the Python package has it.

    names_service.py FOLDER NAME REQUESTS PUBLISH [mute]

FOLDER is as in peer.py; REQUESTS and PUBLISH are the endpoints of a name server.
The service binds a port of its own, hears PUBLISH, and registers as NAME, and
again at every RediscoverReq: it ends with an error at anything else that is
published, at a refused registration, and at a request that it cannot decode.
With mute it does not register again. Each request is answered by itself.

The first line on stdout is "ready ENDPOINT"; then there is a line "registered
COUNT" for each registration, and "answered COUNT" for each request. At the end
of stdin the service leaves the name server, tells "left", and ends.
"""
import os
import sys

from peer import DEADLINE, STDIN, control_pb2, decode, encode, tell, zmq


class Service:
    def __init__(self, context, name, requests, port):
        self.context = context
        self.requests = requests
        self.place = {'serviceName': name, 'server': '127.0.0.1', 'port': port}
        self.registered = 0

    def ask(self, message):
        with self.context.socket(zmq.REQ) as sock:
            sock.linger = 0
            sock.connect(self.requests)
            sock.send(encode(message))
            if not sock.poll(DEADLINE):
                sys.exit('the name server does not answer')
            if not decode(sock.recv()).ok:
                sys.exit('the name server says no to %s' % message)

    def register(self):
        self.ask(control_pb2.RegisterService(**self.place))
        self.registered += 1
        tell('registered', self.registered)

    def leave(self):
        self.ask(control_pb2.UnregisterService(**self.place))
        tell('left')


def hear(frame):
    message = decode(frame)
    if not isinstance(message, control_pb2.RediscoverReq):
        sys.exit('%s was published' % type(message).__name__)


def run(service, rep, sub, mute):
    poller = zmq.Poller()
    for source in (rep, sub, STDIN):
        poller.register(source, zmq.POLLIN)
    answered = 0
    while True:
        ready = dict(poller.poll(DEADLINE))
        if not ready:
            sys.exit('nothing happened in %d ms' % DEADLINE)
        if STDIN in ready and not os.read(STDIN, 65536):
            return
        if rep in ready:
            rep.send(encode(decode(rep.recv())))
            answered += 1
            tell('answered', answered)
        if sub in ready:
            hear(sub.recv())
            if not mute:
                service.register()


def main():
    name, requests, publish = sys.argv[2:5]
    with zmq.Context() as context, context.socket(zmq.REP) as rep, \
            context.socket(zmq.SUB) as sub:
        rep.linger = sub.linger = 0
        port = rep.bind_to_random_port('tcp://127.0.0.1')
        sub.subscribe(b'')
        sub.connect(publish)
        tell('ready', 'tcp://127.0.0.1:%d' % port)
        service = Service(context, name, requests, port)
        service.register()
        run(service, rep, sub, 'mute' in sys.argv[5:])
        service.leave()


main()
