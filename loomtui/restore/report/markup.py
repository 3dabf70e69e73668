"""HTML and SVG as trees. Text and attributes go in only as such, so nothing in them is markup."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

from loomtui.text import clean

Child = Element | str


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """`class_` and `stroke_width` become `class` and `stroke-width`. An attribute of None is left out."""
    built = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            built.set(name.rstrip("_").replace("_", "-"), clean(_written(value)))
    for child in children:
        if isinstance(child, str):
            _add_text(built, clean(child))
        else:
            built.append(child)
    return built


def _written(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def _add_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def html(root: Element) -> str:
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
