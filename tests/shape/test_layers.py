"""Holds the dependency direction: each package may import only what is listed for it here.

A failure names the offending line. To allow a new arrow, add it here and say why in docs/decisions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "hybridge"

MAY_IMPORT: dict[str, frozenset[str]] = {
    "terms": frozenset(),
    "rules": frozenset({"terms"}),
    "org": frozenset({"terms"}),
    "evidence": frozenset({"terms", "org", "rules"}),
    "findings": frozenset({"terms", "org", "evidence"}),
    "plan": frozenset({"terms", "org"}),
    "checks": frozenset({"terms", "rules", "org", "evidence", "findings", "plan"}),
    "wire": frozenset({"terms", "rules", "org"}),
    "net": frozenset({"terms", "wire"}),
    "collectors": frozenset({"terms", "rules", "org", "evidence", "wire"}),
    "doctor": frozenset(
        {"terms", "rules", "org", "evidence", "findings", "plan", "checks", "collectors", "wire", "repair.planner"}
    ),
    "repair": frozenset(
        {"terms", "org", "evidence", "findings", "plan", "checks", "doctor.examine", "wire", "net.clock"}
    ),
    "lab": frozenset({"terms", "rules", "org", "wire"}),
    "lab.faults": frozenset({"terms", "org", "checks"}),
    "report": frozenset({"terms", "rules", "org", "evidence", "findings", "plan"}),
    "config": frozenset({"terms", "net.config", "net.secret", "findings", "config_presence"}),
    "config_presence": frozenset(),
    "docs": frozenset({"checks", "report", "docs_presence"}),
    "docs_presence": frozenset({"presence"}),
    "support": frozenset(
        {"terms", "org", "findings", "report", "wire", "net.redact", "net.secret", "net.answerers.replay"}
    ),
}
"""Package (or module) -> what it may import besides itself. ``cli`` may import everything."""

_PURE = frozenset(
    f"presence.{name}"
    for name in (
        *("states", "calendar", "observations", "people"),
        *("rules", "claims", "known", "timers", "machine", "diagram"),
    )
)
ISLANDS = {
    **dict.fromkeys(_PURE, _PURE | {"terms"}),
    "presence.ownership": frozenset(),
    "presence.sources": _PURE | {"terms", "wire", "presence.sources"},
    "presence.sinks": _PURE | {"terms", "wire", "presence.sinks"},
    "presence.outbox": _PURE | {"terms", "presence.sinks"},
}
"""Modules of a package that may not even import all of it: what decides presence knows no wire, no sink, no clock."""
MAY_IMPORT |= ISLANDS | {"presence": frozenset({"terms", "wire", "net", "config", "config_presence"})}


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


MODULES = list(_modules())


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every import of hybridge's own modules as (line, dotted name below hybridge)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("hybridge."):
            module = (node.module or "").removeprefix("hybridge.")
            for alias in node.names:
                whole = SOURCE.joinpath(*module.split("."), alias.name)
                is_module = whole.with_suffix(".py").exists() or whole.is_dir()
                yield node.lineno, f"{module}.{alias.name}" if is_module else module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("hybridge."):
                    yield node.lineno, alias.name.removeprefix("hybridge.")


def rule_for(module: str) -> tuple[str, frozenset[str]] | None:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in MAY_IMPORT:
            return name, MAY_IMPORT[name]
    return None


def offences(module: str, path: Path) -> Iterator[str]:
    rule = rule_for(module)
    if rule is None:
        return
    package = module.split(".")[0]
    for line, target in imports(path):
        if target.split(".")[0] == package and rule[0] not in ISLANDS:
            continue
        if not any(target == allowed or target.startswith(allowed + ".") for allowed in rule[1]):
            yield f"{path.relative_to(SOURCE.parents[1])}:{line}: {module} must not import {target}"


@pytest.mark.parametrize(("module", "path"), MODULES, ids=lambda value: value if isinstance(value, str) else "")
def test_imports_point_in_the_right_direction(module: str, path: Path) -> None:
    assert list(offences(module, path)) == []


def test_the_rule_can_fail(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from hybridge.net import clock\nfrom hybridge.terms import callers\n", encoding="utf-8")
    found = [target for _, target in imports(wrong)]
    assert found == ["net.clock", "terms.callers"] or found == ["net", "terms.callers"]
    assert MAY_IMPORT["checks"].isdisjoint({"net", "wire", "lab"})


@pytest.mark.parametrize(("module", "path"), MODULES, ids=lambda value: value if isinstance(value, str) else "")
def test_every_module_says_what_it_is(module: str, path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), f"{path} has no docstring"


def test_no_file_grows_without_a_reason() -> None:
    long = {str(p.relative_to(SOURCE)): n for _, p in MODULES if (n := p.read_text(encoding="utf-8").count("\n")) > 500}
    assert long == {}
