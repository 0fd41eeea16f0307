"""Finds every check: built-in ones by walking this package, others by the entry point ``hybridge.checks``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from importlib.metadata import entry_points

import hybridge.checks
from hybridge.checks.base import Cause, Check


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, sorted by name."""
    found: dict[str, Check] = {}
    for module in pkgutil.walk_packages(hybridge.checks.__path__, "hybridge.checks."):
        if module.ispkg or module.name.count(".") < 3:
            continue
        for check in _checks_in(importlib.import_module(module.name)):
            found[check.name] = check
    for entry in entry_points(group="hybridge.checks"):
        plugin: Check = entry.load()()
        found[plugin.name] = plugin
    return tuple(found[name] for name in sorted(found))


def _checks_in(module: object) -> list[Check]:
    return [
        kind()
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Check)
        and not inspect.isabstract(kind)
        and kind.__module__ == getattr(module, "__name__", "")
    ]


def check_named(name: str) -> Check:
    """The check called ``name``; KeyError when unknown."""
    for check in all_checks():
        if check.name == name:
            return check
    raise KeyError(name)


def all_causes() -> tuple[tuple[str, Check, Cause], ...]:
    """Every cause as (full name, check, cause), in the order of checks."""
    return tuple((f"{check.name}:{cause.slug}", check, cause) for check in all_checks() for cause in check.causes)


def cause_named(name: str) -> tuple[Check, Cause]:
    """The cause called ``area/check:slug``; KeyError when unknown."""
    for full, check, cause in all_causes():
        if full == name:
            return check, cause
    raise KeyError(name)
