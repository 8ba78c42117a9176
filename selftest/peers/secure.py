#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client and a server of pyzmq that know nothing of this library but its keys.

    secure.py FOLDER client ENDPOINT SERVER-KEY PUBLIC SECRET
    secure.py FOLDER server PUBLIC SECRET CLIENT-KEY

FOLDER is as in peer.py, and not used. The client asks once, with bytes, and
tells the answer; the server tells its endpoint, answers once, and tells who
asked.
"""
import sys

from peer import DEADLINE, tell, zmq


def be_client(context, endpoint, server_key, public, secret):
    with context.socket(zmq.REQ) as sock:
        sock.linger = 0
        sock.curve_serverkey = server_key.encode()
        sock.curve_publickey = public.encode()
        sock.curve_secretkey = secret.encode()
        sock.connect(endpoint)
        tell('ready', endpoint)
        sock.send(b'hello')
        if not sock.poll(DEADLINE):
            sys.exit('%s does not answer' % endpoint)
        tell(sock.recv().decode())


def answer_zap(zap, client_key):
    version, number, _, _, _, _, key = zap.recv_multipart()
    known = zmq.utils.z85.encode(key).decode() == client_key
    zap.send_multipart([version, number, b'200' if known else b'400', b'', b'a user', b''])


def be_server(context, public, secret, client_key):
    with context.socket(zmq.REP) as zap, context.socket(zmq.REP) as sock:
        zap.bind('inproc://zeromq.zap.01')
        sock.linger = 1000
        sock.curve_server = True
        sock.zap_domain = b'global'
        sock.curve_publickey = public.encode()
        sock.curve_secretkey = secret.encode()
        port = sock.bind_to_random_port('tcp://127.0.0.1')
        tell('ready', 'tcp://127.0.0.1:%d' % port)
        poller = zmq.Poller()
        poller.register(zap, zmq.POLLIN)
        poller.register(sock, zmq.POLLIN)
        while True:
            events = dict(poller.poll(DEADLINE))
            if not events:
                sys.exit('nobody asks')
            if zap in events:
                answer_zap(zap, client_key)
            if sock in events:
                frame = sock.recv(copy=False)
                sock.send(frame.bytes)
                tell(frame.get('User-Id'))
                return


def main():
    with zmq.Context() as context:
        (be_client if sys.argv[2] == 'client' else be_server)(context, *sys.argv[3:])


import zmq.utils.z85
main()
