#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client of brokers as the Python package has it, of either dialect.

    balance_client.py FOLDER DIALECT ENDPOINT [TIMEOUT RETRIES]

FOLDER and ENDPOINT are as in peer.py. A client of DIALECT typed is a DEALER that
sends its request again when no reply came in TIMEOUT ms; one of DIALECT bytes
is a REQ that is closed then and opened anew. Each does so RETRIES times.

Each line on stdin is a request, and what came of it a line on stdout: the reply,
both in the form of peer.py, or "none".
"""
import sys
import uuid

from peer import attach, recv, send, tell, zmq

KINDS = {
    'typed': (zmq.DEALER, 5),
    'bytes': (zmq.REQ, 3),
}

TIMEOUT = 5000


class Client:
    def __init__(self, kind, endpoint):
        self.context = zmq.Context()
        self.kind = kind
        self.endpoint = endpoint
        self.sock = None
        self.open()

    def open(self):
        self.sock = self.context.socket(self.kind)
        self.sock.linger = 0
        if self.kind == zmq.DEALER:
            self.sock.identity = str(uuid.uuid4()).encode()
        attach(self.sock, self.endpoint)

    def ask(self, line, timeout, retries):
        for _ in range(1 + retries):
            send(self.sock, line)
            if self.sock.poll(timeout):
                recv(self.sock)
                return
            if self.kind == zmq.REQ:
                self.sock.close()
                self.open()
        tell('none')


def main():
    dialect, endpoint = sys.argv[2:4]
    kind, retries = KINDS[dialect]
    timeout = int(sys.argv[4]) if len(sys.argv) > 4 else TIMEOUT
    retries = int(sys.argv[5]) if len(sys.argv) > 5 else retries
    client = Client(kind, endpoint)
    tell('ready', endpoint)
    for line in sys.stdin.buffer:
        client.ask(line, timeout, retries)
    client.context.destroy()


main()
