#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A section 3 page from a public header: man.py HEADER.h VERSION PAGE.3

The headers are the reference; a page is their comments as text, each before
the declarations that follow it.
"""
import os
import re
import sys


def roff(line):
    line = line.replace('\\', '\\e').replace('-', '\\-')
    return '\\&' + line if line[:1] in ".'" else line


def comment_lines(block):
    """The text of a comment, without its frame."""
    text = block.strip()[2:-2]
    lines = [re.sub(r'^ ?\* ?', '', line.rstrip()) for line in text.split('\n')]
    lines[0] = lines[0].strip()
    return [re.sub(r'^ ', '', line) for line in lines]


def paragraphs(lines):
    """Running text is filled; what is indented is left as it is."""
    out = []
    literal = False
    for line in lines:
        indented = line.startswith('  ') or re.search(r'\S {3,}\S', line)
        if bool(indented) != literal:
            out.append('.nf' if indented else '.fi')
            literal = bool(indented)
        out.append(roff(line.strip() if not indented else line) if line.strip() else '.PP')
    if literal:
        out.append('.fi')
    return out


def split(source):
    """Comments and declarations in turn, as (kind, text)."""
    body = source.split('extern "C" {', 1)[-1].split('#ifdef __cplusplus\n}', 1)[0]
    body = body.replace('#endif\n', '', 1)
    for part in re.split(r'(/\*  .*?\*/)', body, flags=re.S):
        if part.startswith('/*  ') and part.count('\n') + len(part) > 40:
            yield 'comment', part
        elif part.strip():
            yield 'code', part


def main():
    header, version, page = sys.argv[1:]
    name = os.path.basename(header)[:-2]
    with open(header, encoding='utf-8') as source:
        parts = list(split(source.read()))
    first = next(text for kind, text in parts if kind == 'comment')
    summary = re.split(r'[.:](?:\s|$)', ' '.join(comment_lines(first)).strip(), maxsplit=1)[0]
    out = ['.TH DIVIDERE_%s 3 "" "dividere %s"' % (name.upper(), version),
           '.SH NAME', 'dividere_%s \\- %s' % (name, roff(summary[:1].lower() + summary[1:])),
           '.SH SYNOPSIS', '.nf', '#include <dividere/%s.h>' % name, '.fi', '.SH DESCRIPTION']
    for kind, text in parts:
        if kind == 'comment':
            out += ['.PP'] + paragraphs(comment_lines(text))
        else:
            code = text.replace('DIVIDERE_EXPORT ', '').replace('DIVIDERE_EXPORT\n', '')
            out += ['.PP', '.nf', '.B', '.ft B']
            out += [roff(line) or '.sp 0' for line in code.strip('\n').split('\n')]
            out += ['.ft R', '.fi']
    out += ['.SH SEE ALSO', '.BR dividere (7)']
    with open(page, 'w', encoding='utf-8') as target:
        target.write('\n'.join(out) + '\n')


main()
