#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client of a name server, and of services, as the Python package has it.

    names_client.py FOLDER REQUESTS

FOLDER is as in peer.py; REQUESTS is the endpoint of a name server. Each line on
stdin is a message in the form of peer.py with a name behind it: the name is
looked up, and the service that has it asked. What came of it is a line on
stdout, the reply likewise with the place of the service behind it, or
"unavailable". A line of a name alone is only looked up, and tells the place.
"""
import sys

from peer import DEADLINE, TYPES, control_pb2, decode, encode, from_hex, tell, to_hex, zmq


def ask(context, endpoint, message):
    with context.socket(zmq.REQ) as sock:
        sock.linger = 0
        sock.connect(endpoint)
        sock.send(encode(message))
        if not sock.poll(DEADLINE):
            sys.exit('%s does not answer' % endpoint)
        return sock.recv()


def serve(context, requests, words):
    name = words[-1]
    found = decode(ask(context, requests, control_pb2.ServiceLookupReq(serviceName=name)))
    if found.serviceName != name:
        sys.exit('asked for %s, told of %s' % (name, found.serviceName))
    if (found.server, found.port) == ('unavailable', 0):
        tell('unavailable')
        return
    place = '%s:%d' % (found.server, found.port)
    if len(words) == 1:
        tell(place)
        return
    message = TYPES[words[0]].FromString(from_hex(words[1]))
    frame = ask(context, 'tcp://' + place, message)
    tell(type(decode(frame)).__name__, to_hex(frame), place)


def main():
    requests = sys.argv[2]
    with zmq.Context() as context:
        tell('ready', requests)
        for line in sys.stdin:
            serve(context, requests, line.split())


main()
