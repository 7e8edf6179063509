"""Does what was read hold everything the template says?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

# Stands for a value only the service knows. A private-use character, so that Fn::Join, Fn::Sub
# and JSON documents carry it along like any other text.
WILDCARD = "\ue000"

# These lists also hold what the template did not write there: system tags, defaults, rules and
# policies that are resources of their own.
_OPEN_LISTS = frozenset(
    {
        "Tags",
        "ManagedPolicyArns",
        "Policies",
        "SecurityGroupIngress",
        "SecurityGroupEgress",
        "TargetGroupAttributes",
        "LoadBalancerAttributes",
        "ListenerAttributes",
    }
)
_ORDERED_LISTS = frozenset({"Command", "EntryPoint"})
# In these, one more key changes what the document allows.
_DOCUMENTS = frozenset(
    {
        "PolicyDocument",
        "AssumeRolePolicyDocument",
        "KeyPolicy",
        "RepositoryPolicyText",
        "EventPattern",
        "FilterPolicy",
        "Variables",
    }
)
_SENSITIVE = re.compile(r"password|secretstring|authtoken|privatekey", re.IGNORECASE)
_LONGEST_VALUE = 160


@dataclass(frozen=True)
class Difference:
    """One value of the template that was not read back as written."""

    path: tuple[str, ...]
    expected: Any
    found: Any

    def __str__(self) -> str:
        """Say the property path, the expected value and the found one."""
        return f"{dotted(self.path)} should be {self._shown(self.expected)} but {self._was}"

    @property
    def _was(self) -> str:
        return "is absent" if self.found is None else f"is {self._shown(self.found)}"

    def _shown(self, value: Any) -> str:
        if any(_SENSITIVE.search(name) for name in self.path):
            return "(hidden)"
        text = json.dumps(value, default=str, ensure_ascii=False).replace(WILDCARD, "*")
        return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "..."


def dotted(path: tuple[str, ...]) -> str:
    """Write a path as `Listeners[0].Port`."""
    return ".".join(path).replace(".[", "[")


def differences(
    expected: Any, found: Any, path: tuple[str, ...] = (), *, exact: bool = False
) -> list[Difference]:
    """Compare a resolved template value with the value a service returned.

    A mapping may hold more than the template says, except inside a policy document or another
    document (`exact`). A list has the template's elements in any order and no others, except where
    order matters (commands) or the service adds its own (tags). Numbers equal their text, booleans
    equal `true` in any case, a JSON text equals the document it holds, one value equals a list of
    it. `WILDCARD` matches any text but an empty one and `None`.
    """
    if _is_nothing(expected) and _is_nothing(found):
        return []
    expected, found, parsed = _as_data(expected, found)
    exact = exact or parsed or _is_exact(path, expected)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return _in_mapping(expected, found, path, exact=exact)
    if expected != WILDCARD and (isinstance(expected, list) or isinstance(found, list)):
        return _in_list(_listed(expected), _listed(found), path, exact=exact)
    return [] if _same(expected, found) else [Difference(path, expected, found)]


def _is_nothing(value: Any) -> bool:
    return value is None or value in ([], {}, ())


def _is_exact(path: tuple[str, ...], expected: Any) -> bool:
    if not path or not isinstance(expected, Mapping):
        return False
    parent = path[-2].split("[")[0] if len(path) > 1 else ""
    in_container = path[-1] == "Environment" and parent.endswith(("Container", "Containers"))
    return path[-1] in _DOCUMENTS or in_container


def _as_data(expected: Any, found: Any) -> tuple[Any, Any, bool]:
    """Turn JSON texts into data where the other side is data, or both are documents."""
    one, other = _document(expected), _document(found)
    if one is None and isinstance(expected, Mapping | list):
        one = expected
    if other is None and isinstance(found, Mapping | list):
        other = found
    if one is None or other is None or (one is expected and other is found):
        return expected, found, False
    return one, other, isinstance(one, Mapping)


def _document(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _in_mapping(
    expected: Mapping[str, Any], found: Mapping[str, Any], path: tuple[str, ...], *, exact: bool
) -> list[Difference]:
    # ECS, ECR and CodeBuild write the template's names with a small first letter.
    folded = {} if exact else {str(key).casefold(): value for key, value in found.items()}
    result: list[Difference] = []
    for key, value in expected.items():
        there = found[key] if key in found else folded.get(str(key).casefold())
        result += differences(value, there, (*path, str(key)), exact=exact)
    if exact:
        extra = [key for key in found if key not in expected]
        result += [Difference((*path, str(key)), None, found[key]) for key in extra]
    return result


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _in_list(
    expected: list[Any], found: list[Any], path: tuple[str, ...], *, exact: bool
) -> list[Difference]:
    name = path[-1] if path else ""
    if name in _ORDERED_LISTS:
        same = len(expected) == len(found) and not any(map(differences, expected, found))
        return [] if same else [Difference(path, expected, found)]
    is_open = name in _OPEN_LISTS
    matches = [[not differences(e, f, path, exact=exact) for f in found] for e in expected]
    pairs = _matching(matches)
    left = [item for j, item in enumerate(found) if j not in pairs.values()]
    result: list[Difference] = []
    for i in (i for i in range(len(expected)) if i not in pairs):
        at = (*path, f"[{i}]")
        rest = [item for item in left if not is_open or _same_key(expected[i], item)]
        candidates = sorted((differences(expected[i], f, at, exact=exact) for f in rest), key=len)
        result += candidates[0] if candidates else [Difference(at, expected[i], None)]
    if left and not result and not is_open:
        return [Difference(path, expected, found)]
    return result


def _same_key(expected: Any, found: Any) -> bool:
    """Say whether two elements of an open list, tags or attributes, are about the same thing."""
    if not isinstance(expected, Mapping) or not isinstance(found, Mapping):
        return False
    return bool(expected.get("Key") == found.get("Key", found.get("key")))


def _matching(matches: list[list[bool]]) -> dict[int, int]:
    """Pair as many rows with columns of their own as can be (augmenting paths)."""
    row_of: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for column, fits in enumerate(matches[row]):
            if not fits or column in seen:
                continue
            seen.add(column)
            if column not in row_of or place(row_of[column], seen):
                row_of[column] = row
                return True
        return False

    for row in range(len(matches)):
        place(row, set())
    return {row: column for column, row in row_of.items()}


def _same(expected: Any, found: Any) -> bool:
    if found is None or found == "" or expected is None:
        return bool(expected == found)
    if isinstance(expected, str) and WILDCARD in expected:
        return _fits(expected, found)
    if isinstance(expected, str) and isinstance(found, str):
        return expected == found or {expected.casefold(), found.casefold()} in _BOOLEANS
    if isinstance(expected, bool) or isinstance(found, bool):
        return str(expected).casefold() == str(found).casefold()
    try:
        return Decimal(str(expected)) == Decimal(str(found))
    except InvalidOperation:
        return bool(expected == found)


_BOOLEANS = ({"true"}, {"false"})


def _fits(expected: str, found: Any) -> bool:
    if expected == WILDCARD and not isinstance(found, str):
        return not _is_nothing(found)
    pattern = "(.+)".join(re.escape(part) for part in re.split(f"{WILDCARD}+", expected))
    match = re.fullmatch(pattern, str(found), re.DOTALL)
    return match is not None and "None" not in match.groups()
