"""The picture as SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from sim.picture.shapes import SIZE, Curve, Drawing, Rectangle, Shape, Text

NAMESPACE = "http://www.w3.org/2000/svg"

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, not even escaped. A name may have them."""

_STYLE = """
text { font: FONT_SIZE ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
text { white-space: pre; }
.paper { fill: #ffffff; }
.card { fill: #f6f8fa; stroke: #8c959f; }
.port, .host { fill: #ffffff; stroke: #afb8c1; }
.faulty { stroke: #c1121f; stroke-width: 2; }
.ink { fill: #1f2328; }
.strong { fill: #1f2328; font-weight: bold; }
.muted { fill: #59636e; }
.bad { fill: #b3101c; }
.wire, .network, .tunnel { fill: none; stroke: #8c959f; stroke-width: 1.5; }
.network { stroke-width: 4; }
.broken { stroke: #c1121f; stroke-dasharray: 3 3; }
.tunnel { stroke-opacity: 0.75; }
.thin { stroke-width: 0.8; }
.up { stroke: #1a7f37; }
.down { stroke: #c1121f; stroke-dasharray: 6 4; }
.plain { stroke: #8c959f; }
.ls0 { fill: #3b82f6; } .ls1 { fill: #16a34a; } .ls2 { fill: #ea8a0b; } .ls3 { fill: #a855f7; }
.ls4 { fill: #0ea5a4; } .ls5 { fill: #db2777; } .ls6 { fill: #b0892a; } .ls7 { fill: #7c8594; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #0d1117; }
  .card { fill: #161b22; stroke: #6e7681; }
  .port, .host { fill: #0d1117; stroke: #484f58; }
  .ink, .strong { fill: #e6edf3; }
  .muted { fill: #9198a1; }
  .bad { fill: #ff7b72; }
  .wire, .network, .plain { stroke: #6e7681; }
  .up { stroke: #3fb950; }
  .faulty, .broken, .down { stroke: #f85149; }
}
""".replace("FONT_SIZE", f"{SIZE}px")


def write(drawing: Drawing) -> str:
    """Return a drawing as the text of an SVG file."""
    ElementTree.register_namespace("", NAMESPACE)
    width, height = _number(drawing.width), _number(drawing.height)
    root = ElementTree.Element(
        f"{{{NAMESPACE}}}svg",
        {"width": width, "height": height, "viewBox": f"0 0 {width} {height}", "role": "img"},
    )
    _child(root, "title").text = _clean(drawing.title)
    _child(root, "style").text = _STYLE
    _child(root, "rect", width=width, height=height, **{"class": "paper"})
    for shape in drawing.shapes:
        _add(root, shape)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written.decode() + "\n"


def _add(root: ElementTree.Element, shape: Shape) -> None:
    about = {f"data-{key}": _clean(value) for key, value in shape.about.items()}
    about["class"] = shape.style
    if isinstance(shape, Text):
        anchor = {"text-anchor": "end"} if shape.is_right else {}
        element = _child(root, "text", x=_number(shape.x), y=_number(shape.y), **anchor, **about)
        element.text = _clean(shape.text)
        if shape.tells and shape.tells != shape.text:
            _child(element, "title").text = _clean(shape.tells)
    elif isinstance(shape, Rectangle):
        place = {"x": shape.x, "y": shape.y, "width": shape.width, "height": shape.height}
        radius = "2" if shape.style.startswith("ls") else "5"
        numbers = {key: _number(value) for key, value in place.items()}
        _child(root, "rect", rx=radius, **numbers, **about)
    else:
        element = _child(root, "path", d=_path(shape), **about)
        if shape.tells:
            _child(element, "title").text = _clean(shape.tells)


def _path(curve: Curve) -> str:
    begin, *others = (f"{_number(x)},{_number(y)}" for x, y in curve.points)
    return f"M {begin} {'L' if len(others) == 1 else 'C'} {' '.join(others)}"


def _child(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
