#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A name server as the Python package has it.

    names_server.py FOLDER [quiet]

FOLDER is as in peer.py. It answers requests at one endpoint, one after the other,
and at another one publishes RediscoverReq, once at its start as soon as somebody
listens. It knows one service of each name, the one that registered last. It ends
with an error at a message that it does not know, and at an Unregister of what is
not there. With quiet it publishes nothing.

The first line on stdout is "ready REQUESTS PUBLISH"; each registration is a line
"registered NAME PORT", and each end of one "unregistered NAME". The name server
ends at the end of stdin.
"""
import os
import sys

from peer import DEADLINE, STDIN, control_pb2, decode, encode, tell, zmq


class Names:
    def __init__(self):
        self.known = {}

    def register(self, request):
        self.known[request.serviceName] = (request.server, request.port)
        tell('registered', request.serviceName, request.port)
        return control_pb2.ack(ok=True)

    def unregister(self, request):
        del self.known[request.serviceName]
        tell('unregistered', request.serviceName)
        return control_pb2.ack(ok=True)

    def lookup(self, request):
        server, port = self.known.get(request.serviceName, ('unavailable', 0))
        return control_pb2.ServiceLookupRep(
            serviceName=request.serviceName, server=server, port=port)

    def answer(self, request):
        return {
            'RegisterService': self.register,
            'UnregisterService': self.unregister,
            'ServiceLookupReq': self.lookup,
        }[type(request).__name__](request)


def run(rep, pub, quiet):
    names = Names()
    poller = zmq.Poller()
    for source in (rep, pub, STDIN):
        poller.register(source, zmq.POLLIN)
    while True:
        ready = dict(poller.poll(DEADLINE))
        if not ready:
            sys.exit('nothing happened in %d ms' % DEADLINE)
        if STDIN in ready and not os.read(STDIN, 65536):
            return
        if pub in ready and pub.recv()[0] and not quiet:
            pub.send(encode(control_pb2.RediscoverReq()))
        if rep in ready:
            rep.send(encode(names.answer(decode(rep.recv()))))


def main():
    with zmq.Context() as context, context.socket(zmq.REP) as rep, \
            context.socket(zmq.XPUB) as pub:
        rep.linger = pub.linger = 0
        places = ['tcp://127.0.0.1:%d' % sock.bind_to_random_port('tcp://127.0.0.1')
                  for sock in (rep, pub)]
        tell('ready', *places)
        run(rep, pub, 'quiet' in sys.argv[2:])


main()
