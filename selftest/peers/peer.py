#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One end of a communication, made of pyzmq and Google's protobuf alone.

    peer.py FOLDER ROLE ENDPOINT COUNT [TYPE]

FOLDER holds the modules that protoc made of envelope.proto, control.proto and
test.proto. ROLE is publisher, subscriber, request, response or dealer.
ENDPOINT has "@" (bind) or ">" (connect) in front. After COUNT messages, sent
and received ones, the peer ends; 0 is no limit. A subscriber gets the messages
of TYPE, or all.

Each line on stdin is a message to send:  TYPE PAYLOAD [ROUTE ...]
Each message received is a line on stdout: TYPE FRAME [ROUTE ...]
with the bytes in hex, "-" for none. The first line of all is "ready ENDPOINT"; a
publisher also tells "subscribed TOPIC" and "unsubscribed TOPIC". The peer ends
at the end of stdin, and with an error after DEADLINE ms (20000, or what the
environment's DIVIDERE_PEER_DEADLINE says) in which nothing happened. It exits
with 77 where a module of its own needs is not installed.
"""
import os
import sys
import uuid

try:
    import google.protobuf  # pylint: disable=unused-import
    import zmq
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(77)

sys.path.insert(0, sys.argv[1])
# pylint: disable=wrong-import-position,import-error
import control_pb2
import envelope_pb2
import test_pb2

DEADLINE = int(os.environ.get('DIVIDERE_PEER_DEADLINE', 20000))
STDIN = 0

KINDS = {
    'publisher': zmq.XPUB,
    'subscriber': zmq.SUB,
    'request': zmq.REQ,
    'response': zmq.REP,
    'dealer': zmq.DEALER,
}

TYPES = {
    name: getattr(module, name)
    for module in (control_pb2, test_pb2)
    for name in module.DESCRIPTOR.message_types_by_name
}


def to_hex(data):
    return data.hex() or '-'


def from_hex(text):
    return b'' if text == '-' else bytes.fromhex(text)


def encode(message):
    envelope = envelope_pb2.msgEnvelope()
    envelope.msgName = type(message).__name__
    envelope.msg.Pack(message)
    return envelope.SerializeToString()


def decode(frame):
    envelope = envelope_pb2.msgEnvelope.FromString(frame)
    message = TYPES[envelope.msgName]()
    if not envelope.msg.Unpack(message):
        raise ValueError('%s inside is %s' % (envelope.msgName, envelope.msg.type_url))
    if encode(message) != frame:
        raise ValueError('encoded again, %s has other bytes' % envelope.msgName)
    return message


def topic(name):
    """What the envelopes of a type start with; names here are under 128."""
    return bytes([0x0A, len(name)]) + name.encode()


def tell(*words):
    print(*words, flush=True)


def send(sock, line):
    name, payload, *route = line.decode().split()
    message = TYPES[name].FromString(from_hex(payload))
    sock.send_multipart([from_hex(frame) for frame in route] + [encode(message)])


def recv(sock):
    """Tells what came; the number of messages that it was."""
    *route, frame = sock.recv_multipart()
    if sock.type == zmq.XPUB:
        tell('subscribed' if frame[0] else 'unsubscribed', to_hex(frame[1:]))
        return 0
    message = decode(frame)
    tell(type(message).__name__, to_hex(frame), *map(to_hex, route))
    return 1


def run(sock, count):
    poller = zmq.Poller()
    poller.register(sock, zmq.POLLIN)
    poller.register(STDIN, zmq.POLLIN)
    done = 0
    rest = b''
    while not count or done < count:
        ready = dict(poller.poll(DEADLINE))
        if not ready:
            sys.exit('nothing happened in %d ms' % DEADLINE)
        if sock in ready:
            done += recv(sock)
        if STDIN in ready:
            data = os.read(STDIN, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b'\n')
            for line in lines:
                send(sock, line)
            done += len(lines)
    sock.linger = DEADLINE


def attach(sock, endpoint):
    if endpoint[0] == '@':
        sock.bind(endpoint[1:])
    else:
        sock.connect(endpoint[1:])


def main():
    role, endpoint, count = sys.argv[2:5]
    with zmq.Context() as context, context.socket(KINDS[role]) as sock:
        sock.linger = 0
        sock.sndtimeo = DEADLINE
        if role == 'dealer':
            sock.identity = str(uuid.uuid4()).encode()
        elif role == 'subscriber':
            sock.subscribe(topic(sys.argv[5]) if len(sys.argv) > 5 else b'')
        attach(sock, endpoint)
        tell('ready', sock.last_endpoint.decode())
        run(sock, int(count))


if __name__ == '__main__':
    main()
