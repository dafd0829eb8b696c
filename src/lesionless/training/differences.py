"""What differs between a run that is asked for and one that was written down earlier."""

import json
from collections.abc import Mapping
from typing import Any

HOW_FAST = frozenset({"device", "threads", "precision"})
"""Fields that say how fast something is made rather than what."""

MOST_TOLD = 3


def differences(asked: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields that both hold with different values, as (asked, found).

    A field that only one of them holds is passed over: what an earlier version did not write down
    cannot be compared. Tuples equal lists, as which they come back from JSON.

    >>> differences({"a": {"b": 1, "c": (2,)}, "new": 3}, {"a": {"b": 4, "c": [2]}})
    {'a.b': (1, 4)}
    """
    differing: dict[str, tuple[Any, Any]] = {}
    for name in asked:
        if name not in found:
            continue
        mine, other = asked[name], found[name]
        if isinstance(mine, Mapping) and isinstance(other, Mapping):
            inner = differences(mine, other)
            differing |= {f"{name}.{key}": values for key, values in inner.items()}
        elif _as_json(mine) != _as_json(other):
            differing[name] = mine, other
    return differing


def told(differing: Mapping[str, tuple[Any, Any]]) -> str:
    """Say what was asked for and what was found, for an error message; at most the first few.

    >>> told({"seed": (1, 0), "a.b": (2, 3)})
    'seed = 1, a.b = 2, found one with 0, 3'
    """
    shown = list(differing.items())[:MOST_TOLD]
    asked = ", ".join(f"{name} = {mine}" for name, (mine, _) in shown)
    found = ", ".join(str(other) for _, (_, other) in shown)
    more = f" ({len(differing) - len(shown)} more differ)" if len(differing) > len(shown) else ""
    return f"{asked}, found one with {found}{more}"


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))
