"""Reading elements by their name alone, whatever namespace they carry: for answers, which are read leniently."""

from __future__ import annotations

from collections.abc import Iterator

from hybridge.wire.xml import Element


def local_name(element: Element) -> str:
    """The name without its namespace; "" for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def namespace(element: Element) -> str:
    """The namespace, "" for none."""
    return element.tag[1:].partition("}")[0] if isinstance(element.tag, str) and element.tag.startswith("{") else ""


def children(parent: Element | None, name: str) -> Iterator[Element]:
    """Children called ``name``, case ignored; none of no parent."""
    for one in () if parent is None else parent:
        if local_name(one).lower() == name.lower():
            yield one


def child(parent: Element | None, name: str) -> Element | None:
    """First child called ``name``, or None."""
    return next(children(parent, name), None)


def inside(parent: Element | None, *path: str) -> Element | None:
    """The element reached by first children of these names, or None."""
    for name in path:
        parent = child(parent, name)
    return parent


def text(parent: Element | None, *path: str) -> str:
    """Text of the element at ``path`` without blanks around it, "" when there is none."""
    found = inside(parent, *path)
    return "" if found is None else (found.text or "").strip()
