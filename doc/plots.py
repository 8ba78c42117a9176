#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what dividere_bench --sweep --json FILE has measured.

    plots.py FILE FOLDER

FOLDER/throughput.svg: messages per second over their size.
FOLDER/cost.svg: what a request through a broker costs over the number of peers.
"""
import json
import math
import re
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 80, 30, 50, 55
OURS, REFERENCE, INK, GRID = "#0b6e4f", "#8a8a8a", "#222", "#e2e2e2"
UNITS = [(1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1, "s")]


def figure(value, unit):
    if unit == "s":
        scale, name = max((u for u in UNITS if value >= u[0] * 0.999), default=UNITS[0])
        return "%g %s" % (round(value / scale, 3), name)
    for scale, name in ((1 << 20, "Mi") if unit == "B" else (1e6, "M"),
                        (1 << 10, "Ki") if unit == "B" else (1e3, "k")):
        if value >= scale:
            return "%g %s%s" % (round(value / scale, 3), name, unit)
    return "%g %s" % (round(value, 3), unit)


def ticks(low, high, base):
    power = math.floor(math.log(low, base) + 1e-9)
    while base ** power <= high * 1.001:
        if base ** power >= low * 0.999:
            yield base ** power
        power += 1


class Plot:
    """Two curves over logarithmic axes, that of y from a decade below."""

    def __init__(self, title, x_unit, y_unit, x_base, rows):
        self.out = []
        self.rows = rows
        self.x_unit, self.y_unit = x_unit, y_unit
        xs = [x for x, _, _ in rows]
        ys = [y for _, a, b in rows for y in (a, b)]
        self.x_low, self.x_high = min(xs), max(xs)
        self.y_low = 10 ** math.floor(math.log10(min(ys)))
        self.y_high = 10 ** math.ceil(math.log10(max(ys)))
        self.text(LEFT, 24, title, "start", 16)
        for x in ticks(self.x_low, self.x_high, x_base):
            self.line(self.x(x), TOP, self.x(x), HEIGHT - BOTTOM, GRID)
            self.text(self.x(x), HEIGHT - BOTTOM + 20, figure(x, x_unit), "middle")
        few = self.y_high / self.y_low < 1000
        for y in sorted(y * step for y in ticks(self.y_low, self.y_high, 10)
                        for step in ((1, 2, 5) if few else (1,)) if y * step <= self.y_high):
            self.line(LEFT, self.y(y), WIDTH - RIGHT, self.y(y), GRID)
            self.text(LEFT - 8, self.y(y) + 4, figure(y, y_unit), "end")
        self.curve([(x, a) for x, a, _ in rows], REFERENCE)
        self.curve([(x, b) for x, _, b in rows], OURS)

    def x(self, value):
        share = math.log(value / self.x_low) / math.log(self.x_high / self.x_low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        share = math.log(value / self.y_low) / math.log(self.y_high / self.y_low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def line(self, x1, y1, x2, y2, color):
        self.out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>'
                        % (x1, y1, x2, y2, color))

    def text(self, x, y, text, anchor, size=12, color=INK):
        self.out.append('<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s" fill="%s">%s</text>'
                        % (x, y, size, anchor, color, text))

    def curve(self, points, color):
        self.out.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            color, " ".join("%.1f,%.1f" % (self.x(x), self.y(y)) for x, y in points)))
        for x, y in points:
            self.out.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>'
                            % (self.x(x), self.y(y), color))

    def write(self, path, ours, reference, under):
        self.text(WIDTH - RIGHT, 24, ours, "end", 13, OURS)
        self.text(WIDTH - RIGHT, 42, reference, "end", 13, REFERENCE)
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, under, "middle")
        with open(path, "w") as file:
            file.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">\n'
                       '<rect width="%d" height="%d" fill="#fff"/>\n%s\n</svg>\n'
                       % (WIDTH, HEIGHT, WIDTH, HEIGHT, "\n".join(self.out)))


def select(measured, pattern):
    rows = []
    for row in measured["rows"]:
        found = re.match(pattern, row["work"])
        if found and "one_core" in row:
            rows.append((int(found.group(1)), row["one_core"]["reference"], row["one_core"]["ours"]))
    return sorted(rows)


def main():
    with open(sys.argv[1]) as file:
        measured = json.load(file)
    folder = sys.argv[2]
    plot = Plot("Messages per second, one way over tcp", "B", "/s", 4, select(measured, r"one way, (\d+) B, tcp"))
    plot.write(folder + "/throughput.svg", "typed, by dividere", "the same bytes, by libzmq",
               "size of the text in the message; sender and receiver on one core")
    plot = Plot("What a request through a broker costs", "", "s", 10,
                select(measured, r"broker, (\d+) workers"))
    plot.write(folder + "/cost.svg", "dividere", "two bare ROUTERs",
               "workers, and as many clients; all on one core")


main()
