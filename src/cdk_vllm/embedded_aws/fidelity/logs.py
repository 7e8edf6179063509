"""CloudWatch Logs: saved queries, which moto lacks."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from moto.logs.responses import LogsResponse

_SAID = ("name", "queryLanguage", "queryString", "logGroupNames")


def _saved(response: Any) -> dict[str, dict[str, Any]]:
    # On the backend, so that what resets it forgets these too.
    saved: dict[str, dict[str, Any]] = response.logs_backend.__dict__.setdefault("saved", {})
    return saved


def _put(self: Any) -> str:
    """PutQueryDefinition."""
    identity = self._get_param("queryDefinitionId") or str(uuid4())
    said = {name: self._get_param(name) for name in _SAID}
    described = {name: value for name, value in said.items() if value is not None}
    _saved(self)[identity] = {"queryDefinitionId": identity, **described}
    return json.dumps({"queryDefinitionId": identity})


def _describe(self: Any) -> str:
    """DescribeQueryDefinitions, all in one page."""
    prefix = self._get_param("queryDefinitionNamePrefix") or ""
    found = [query for query in _saved(self).values() if query["name"].startswith(prefix)]
    return json.dumps({"queryDefinitions": found})


def _delete(self: Any) -> str:
    """DeleteQueryDefinition."""
    removed = _saved(self).pop(self._get_param("queryDefinitionId"), None)
    return json.dumps({"success": removed is not None})


def install() -> None:
    """Add the calls."""
    response: Any = LogsResponse
    response.put_query_definition = _put
    response.describe_query_definitions = _describe
    response.delete_query_definition = _delete
