"""How PowerShell binds arguments to the parameters of a cmdlet.

Names are compared without case and may be cut short while that is unambiguous. A value that does not convert to the
parameter's type is refused before the cmdlet runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hybridge.lab.cmdlets.outcome import BindingRefused
from hybridge.lab.cmdlets.parameters import Parameter, switch, text

COMMON = (
    switch("Verbose"),
    switch("Debug"),
    *(text(name) for name in ("ErrorAction", "WarningAction", "InformationAction")),
    *(text(name) for name in ("ErrorVariable", "WarningVariable", "InformationVariable")),
    *(text(name) for name in ("OutVariable", "OutBuffer", "PipelineVariable")),
)
"""What every cmdlet takes (about_CommonParameters)."""


def bind(parameters: tuple[Parameter, ...], given: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Arguments by the parameter's own name. A pair with an empty name is positional. Raises ``BindingRefused``."""
    bound: dict[str, Any] = {}
    for name, value in given:
        parameter = _named(parameters, name) if name else _next(parameters, bound, value)
        if parameter.name in bound:
            raise BindingRefused(
                f"Cannot bind parameter because parameter '{parameter.name}' is specified more than once. To provide "
                "multiple values to parameters that can accept multiple values, use the array syntax. For example, "
                '"-parameter value1,value2,value3".',
                "ParameterAlreadyBound",
            )
        bound[parameter.name] = _converted(parameter, value)
    missing = [parameter.name for parameter in parameters if parameter.mandatory and parameter.name not in bound]
    if missing:
        raise BindingRefused(
            f"Cannot process command because of one or more missing mandatory parameters: {' '.join(missing)}.",
            "MissingMandatoryParameter",
        )
    return bound


def _named(parameters: tuple[Parameter, ...], name: str) -> Parameter:
    wanted = name.lower()
    exact = [parameter for parameter in parameters if parameter.name.lower() == wanted]
    found = exact or [parameter for parameter in parameters if parameter.name.lower().startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BindingRefused(
            f"A parameter cannot be found that matches parameter name '{name}'.", "NamedParameterNotFound"
        )
    possible = " ".join(f"-{parameter.name}" for parameter in found)
    raise BindingRefused(
        f"Parameter cannot be processed because the parameter name '{name}' is ambiguous. "
        f"Possible matches include: {possible}.",
        "AmbiguousParameter",
    )


def _next(parameters: tuple[Parameter, ...], bound: Mapping[str, Any], value: Any) -> Parameter:
    open_ones = [one for one in parameters if one.position is not None and one.name not in bound]
    if not open_ones:
        raise BindingRefused(
            f"A positional parameter cannot be found that accepts argument '{value}'.", "PositionalParameterNotFound"
        )
    return min(open_ones, key=lambda parameter: parameter.position or 0)


def _converted(parameter: Parameter, value: Any) -> Any:
    try:
        return parameter.reads(value)
    except (ValueError, TypeError) as refused:
        shown = "null" if value is None else f'"{value}"'
        detail = f" {refused}" if str(refused) else ""
        raise BindingRefused(
            f"Cannot process argument transformation on parameter '{parameter.name}'. "
            f'Cannot convert value {shown} to type "{parameter.net_type}".{detail}',
            "ParameterArgumentTransformationError",
            "System.Management.Automation.ParameterBindingArgumentTransformationException",
            "InvalidData",
        ) from None
