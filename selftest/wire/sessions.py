#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sessions that were recorded as a C table: sessions.py sessions.json sessions.h

A step whose frames could not be recorded has none, and no row.
"""
import json
import sys


def c_frame(text):
    data = bytes.fromhex(text)
    return '{ "%s", %d }' % (''.join('\\x%02x' % byte for byte in data), len(data))


def row(session):
    frames = ',\n        '.join(map(c_frame, session['frames']))
    return '    { "%s", %d, {\n        %s } },\n' % (
        session['scene'], len(session['frames']), frames)


def main():
    with open(sys.argv[1], encoding='utf-8') as source:
        sessions = json.load(source)
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        out.write('static const session_t s_sessions [] = {\n')
        out.writelines(row(s) for s in sessions if s['frames'])
        out.write('};\n')


main()
