#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What answers every question with something else: rubbish, frames that are
missing or too many, another type, an answer to a question nobody asked.

    garbage.py ENDPOINT

The first line on stdout is "ready ENDPOINT". It ends at the end of stdin.
"""
import os
import sys
import threading

import zmq

# An envelope of dividere.Pong, and what is left of one of ActorStats.
PONG = b"\x0a\x0ddividere.Pong\x12\x23\x0a\x21type.googleapis.com/dividere.Pong"
STATS = (b"\x0a\x13dividere.ActorStats\x12\x2b\x0a\x27type.googleapis.com/"
         b"dividere.ActorStats\x12\x7f")


def main ():
    socket = zmq.Context ().socket (zmq.ROUTER)
    socket.bind (sys.argv[1])
    endpoint = socket.getsockopt (zmq.LAST_ENDPOINT).rstrip (b"\0").decode ()
    print ("ready", endpoint, flush=True)
    threading.Thread (target=lambda: (sys.stdin.read (), os._exit (0)),
                      daemon=True).start ()
    turn = 0
    while True:
        frames = socket.recv_multipart ()
        route = frames[:-1]
        answers = [route + [os.urandom (50)], route, route + [PONG, PONG],
                   route + [PONG], route + [STATS], frames, route + [b""]]
        socket.send_multipart (answers[turn % len (answers)])
        turn += 1


main ()
