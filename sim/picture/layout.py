"""Where everything stands: cards below each other, networks beside them, tunnels as curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sim.picture.cards import KINDS, MANAGEMENT, UNDERLAY, Card, Row, Scene, Way
from sim.picture.shapes import CELL, Curve, Drawing, Rectangle, Shape, Text, cells, fitted
from sim.status.values import LogicalSwitch, Tunnel

MARGIN = 16.0
LINE = 18.0
"""From one line of text to the next."""
PAD = 10.0
GAP = 14.0
"""Between two cards."""
LEFT = 52.0
"""The left side of the cards; management is left of it."""
WIDTH = 700.0
"""Of a card."""
STUB = 44.0
"""From a card to the underlay."""
PORT_WIDTH = 300.0
WIRE = 26.0
"""Between a port and the host behind it."""
SWATCH = 10.0
COLOURS = 8
"""Logical switches with a colour of their own; further ones share them."""

RIGHT = LEFT + WIDTH
BAR = RIGHT + STUB
"""Where the underlay is."""

NEAR, FAR = 60.0, 330.0
"""How far the controls of a curve are to the right; the curve goes three quarters of the way. The
first is for neighbours, the second for the longest one."""

MANY = 60
"""Tunnels of which more are drawn as thinner lines."""

ALL = BAR + 0.75 * FAR + 2 * MARGIN
"""The width of the picture."""


def draw(scene: Scene) -> Drawing:
    """Return the picture of a scene."""
    head = list(_head(scene))
    top = MARGIN + 4.5 * LINE + _legend_height(scene.logical_switches)
    shapes: list[Shape] = []
    anchors: dict[str, float] = {}
    y = top
    for card in scene.cards:
        height = _height(card)
        shapes += _card(card, y, height)
        anchors[card.name] = y + LINE
        y += height + GAP
    bars = list(_bars(scene.cards, anchors, top))
    for problem in scene.problems:
        y += LINE
        text = fitted(f"problem: {problem}", ALL - LEFT - MARGIN)
        shapes.append(Text(LEFT, y, text, "bad", tells=problem, about={"problem": problem}))
    curves = list(_curves(scene.ways, anchors))
    return Drawing(ALL, y + MARGIN, scene.title, (*bars, *curves, *head, *shapes))


# The head


def _head(scene: Scene) -> Iterator[Shape]:
    y = MARGIN + LINE
    yield Text(LEFT, y, fitted(scene.title, WIDTH), "strong", tells=scene.title)
    x = BAR + MARGIN
    keys = (("up", "BFD up"), ("down", "BFD down"), ("plain", "no BFD"))
    for number, (style, words) in enumerate(keys):
        at = MARGIN + (number + 1) * LINE
        yield Curve(((x, at - 4), (x + 30, at - 4)), f"tunnel {style}")
        yield Text(x + 38, at, words, "muted")
    x, y = LEFT, y + 1.5 * LINE
    for number, each in enumerate(scene.logical_switches):
        words = _of_switch(each)
        text = fitted(words, WIDTH - SWATCH - 6)
        if x > LEFT and x + _chip_width(text) > RIGHT:
            x, y = LEFT, y + LINE
        about = {"logical-switch": each.name, "vni": "" if each.vni is None else str(each.vni)}
        yield Rectangle(x, y - SWATCH + 1, SWATCH, SWATCH, _colour(number))
        yield Text(x + SWATCH + 6, y, text, "ink", tells=words, about=about)
        x += _chip_width(text)


def _legend_height(switches: Sequence[LogicalSwitch]) -> float:
    """Return how much the lines of the legend after the first one take."""
    lines, x = 1, LEFT
    for each in switches:
        width = _chip_width(fitted(_of_switch(each), WIDTH - SWATCH - 6))
        if x > LEFT and x + width > RIGHT:
            lines, x = lines + 1, LEFT
        x += width
    return (lines - 1) * LINE


def _of_switch(switch: LogicalSwitch) -> str:
    vni = "no VNI" if switch.vni is None else f"VNI {switch.vni}"
    return f"{switch.name}, {vni}{f', {switch.replication}' if switch.replication else ''}"


def _chip_width(text: str) -> float:
    return SWATCH + 6 + cells(text) * CELL + 18


# The cards


def _height(card: Card) -> float:
    lines = 1 + len(card.says) + len(card.faults)
    return 2 * PAD + lines * LINE + sum(_row_height(row) for row in card.rows)


def _row_height(row: Row) -> float:
    return max(1, len(row.plugged.lines) if row.plugged else 1) * LINE + 8


def _card(card: Card, y: float, height: float) -> Iterator[Shape]:
    kind = KINDS[card.kind] if card.kind else "endpoint"
    about = {"host": card.name, "kind": card.kind.value if card.kind else "elsewhere"}
    yield Rectangle(LEFT, y, WIDTH, height, "card faulty" if card.faults else "card", about)
    x, right = LEFT + PAD, RIGHT - PAD
    at = y + PAD + LINE - 5
    address = card.tunnel_ip or ""
    if address:
        about = {"tunnel-ip": address}
        yield Text(right, at, fitted(address, WIDTH / 3), "strong", is_right=True, about=about)
    name = fitted(card.name, WIDTH / 3)
    yield Text(x, at, name, "strong", tells=card.name)
    yield Text(x + (cells(name) + 2) * CELL, at, kind, "muted")
    for line in card.says:
        at += LINE
        yield Text(x, at, fitted(line, WIDTH - 2 * PAD), "muted", tells=line)
    for fault in card.faults:
        at += LINE
        text = fitted(f"fault: {fault}", WIDTH - 2 * PAD)
        yield Text(x, at, text, "bad", tells=fault, about={"fault": fault, "of": card.name})
    top = at + 8
    for row in card.rows:
        yield from _row(card.name, row, x, top)
        top += _row_height(row)


def _row(card: str, row: Row, x: float, top: float) -> Iterator[Shape]:
    height, middle = LINE + 2, top + LINE - 4
    yield Rectangle(x, top, PORT_WIDTH, height, "port", {"port": row.port, "of": card})
    name = fitted(row.port, PORT_WIDTH / 3)
    yield Text(x + 6, middle, name, "ink", tells=row.port)
    yield from _chips(card, row, x + 6 + (cells(name) + 2) * CELL, x + PORT_WIDTH - 6, middle)
    left, right = x + PORT_WIDTH + WIRE, RIGHT - PAD
    if row.plugged is None:
        yield Text(left, middle, "nothing plugged in", "muted")
        return
    style = "wire" if row.is_up else "wire broken"
    wire = (x + PORT_WIDTH, top + height / 2), (left, top + height / 2)
    about = {"link": f"{card} {row.port}", "to": row.plugged.host}
    yield Curve(wire, style, "" if row.is_up else "the link is down", about)
    box = _row_height(row) - 6
    about = {"host": row.plugged.host, "kind": row.plugged.kind.value}
    yield Rectangle(left, top, right - left, box, "host", {} if row.plugged.host == card else about)
    shown = "" if row.plugged.host == card else fitted(row.plugged.host, (right - left) / 3)
    if shown:
        yield Text(left + 6, middle, shown, "strong", tells=row.plugged.host)
    indent = left + 6 + (cells(shown) + 1 if shown else 0) * CELL
    for number, line in enumerate(row.plugged.lines):
        text = fitted(line, right - 6 - indent)
        yield Text(indent, middle + number * LINE, text, "ink", tells=line)


def _chips(card: str, row: Row, x: float, right: float, y: float) -> Iterator[Shape]:
    """Yield as many of the logical switches of a port as fit, and the number of the others."""
    for number, chip in enumerate(row.chips):
        left = len(row.chips) - number
        room = right - x - (0 if left == 1 else 6 * CELL)
        text = fitted(chip.text, min(room - SWATCH - 4, PORT_WIDTH / 2))
        if cells(text) < min(4, cells(chip.text)):
            rest = ", ".join(each.tells for each in row.chips[number:])
            yield Text(right, y, fitted(f"+{left}", 5 * CELL), "muted", is_right=True, tells=rest)
            return
        about = {"bound": chip.tells, "at": f"{card} {row.port}"}
        yield Rectangle(x, y - SWATCH + 1, SWATCH, SWATCH, _colour(chip.number))
        yield Text(x + SWATCH + 4, y, text, "ink", tells=chip.tells, about=about)
        x += SWATCH + 4 + (cells(text) + 1.5) * CELL


def _colour(number: int) -> str:
    return f"ls{number % COLOURS}"


# The networks and the tunnels


def _bars(cards: Sequence[Card], anchors: dict[str, float], top: float) -> Iterator[Shape]:
    for network, x in ((MANAGEMENT, MARGIN + 8), (UNDERLAY, BAR)):
        there = [card for card in cards if network in card.is_at]
        if not there:
            continue
        ends = [anchors[card.name] for card in there]
        yield Curve(((x, top), (x, max(ends) + 8)), "network", about={"network": network})
        for card in there:
            y = anchors[card.name]
            is_broken = network == UNDERLAY and card.is_cut_off
            about = {"link": card.name, "to": network}
            points = ((LEFT, y), (x, y)) if network == MANAGEMENT else ((RIGHT, y), (x, y))
            yield Curve(points, "wire broken" if is_broken else "wire", about=about)
        yield Text(x - 8, top - 8, network, "muted")


def _curves(ways: Sequence[Way], anchors: dict[str, float]) -> Iterator[Shape]:
    """Yield the tunnels: each end draws its half, or all if the other end has none.

    Those that do not forward come last, above the others.
    """
    pairs: defaultdict[frozenset[str], list[Way]] = defaultdict(list)
    for way in ways:
        pairs[frozenset({way.card, way.remote})].append(way)
    longest = max((abs(anchors[way.card] - anchors[way.remote]) for way in ways), default=1.0)
    weight = "tunnel" if len(ways) <= MANY else "tunnel thin"
    shapes = []
    for pair in pairs.values():
        is_half = len({way.card for way in pair}) > 1
        for way in pair:
            begin, end = anchors[way.card], anchors[way.remote]
            reach = NEAR + (FAR - NEAR) * abs(end - begin) / max(longest, 1.0)
            points = ((BAR, begin), (BAR + reach, begin), (BAR + reach, end), (BAR, end))
            shapes.append(_half(way, _first_half(points) if is_half else points, weight))
    yield from sorted(shapes, key=lambda shape: shape.style.endswith("down"))


def _half(way: Way, points: tuple[tuple[float, float], ...], weight: str) -> Curve:
    tunnel = way.tunnel
    state = "no BFD" if tunnel.bfd is None else f"BFD {tunnel.bfd}"
    tells = f"{way.card} to {tunnel.remote}: {state}"
    about = {"tunnel": way.card, "remote": tunnel.remote, "bfd": tunnel.bfd or ""}
    return Curve(points, f"{weight} {_style(tunnel)}", tells, about)


def _style(tunnel: Tunnel) -> str:
    return {True: "up", False: "down", None: "plain"}[tunnel.forwards]


def _first_half(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Return the first half of a cubic Bézier curve (de Casteljau)."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    return (
        (ax, ay),
        ((ax + bx) / 2, (ay + by) / 2),
        ((ax + 2 * bx + cx) / 4, (ay + 2 * by + cy) / 4),
        ((ax + 3 * bx + 3 * cx + dx) / 8, (ay + 3 * by + 3 * cy + dy) / 8),
    )
