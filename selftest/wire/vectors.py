#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The wire vectors as C tables: vectors.py envelopes.json vectors.h"""
import json
import sys


def c_bytes(text):
    """A string literal, cut so that no line is longer than a compiler likes."""
    pairs = ['\\x' + text[i:i + 2] for i in range(0, len(text), 2)]
    lines = [''.join(pairs[i:i + 16]) for i in range(0, len(pairs), 16)]
    return '\n        '.join('"%s"' % line for line in lines) or '""'


def c_text(text):
    return '"%s"' % text.replace('\\', '\\\\').replace('"', '\\"')


def row(case):
    fields = ['.name = ' + c_text(case['case']), '.type = ' + c_text(case['type'])]
    for key in ('payload', 'envelope', 'topic'):
        if isinstance(case.get(key), str):
            fields.append('.%s = %s' % (key, c_bytes(case[key])))
            fields.append('.%s_size = %d' % (key, len(case[key]) // 2))
    if 'envelope_sha256' not in case:
        fields.append('.text = ' + c_text(case['text']))
        fields.append('.json = ' + c_text(json.dumps(case['json'], ensure_ascii=False)))
    if 'envelope_sha256' in case:
        fields.append('.sha256 = ' + c_bytes(case['envelope_sha256']))
        fields.append('.envelope_size = %d' % case['envelope_size'])
    return '    { %s },\n' % ',\n      '.join(fields)


def main():
    with open(sys.argv[1], encoding='utf-8') as source:
        cases = json.load(source)
    with open(sys.argv[2], 'w', encoding='utf-8') as out:
        out.write('static const vector_t s_vectors [] = {\n')
        out.writelines(row(case) for case in cases)
        out.write('};\n')


main()
