"""Whether a cost can be traced to the model that caused it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import Finding, Resource, Template, as_list, report

if TYPE_CHECKING:
    from collections.abc import Iterator

TAGS = ("cdk-vllm:model", "cdk-vllm:revision")


def everything_names_its_model(template: Template) -> Iterator[Finding]:
    """A bill by tag that lacks half of a service is no bill of that service."""
    tagged = [(resource, tags) for resource in template.everything() if (tags := _tags(resource))]
    if not any(name in tags for _, tags in tagged for name in TAGS):
        return
    for name in TAGS:
        values = Counter(str(tags[name]) for _, tags in tagged if name in tags)
        usual = values.most_common(1)[0][0] if values else None
        for resource, tags in tagged:
            if str(tags.get(name)) != usual:
                message = f"{name} is {tags.get(name)}"
                yield report(everything_names_its_model, resource, message)


def _tags(resource: Resource) -> dict[str, Any]:
    tags = resource.get("Tags")
    if isinstance(tags, dict):
        return dict(tags)
    return {str(t.get("Key")): t.get("Value") for t in as_list(tags) if isinstance(t, dict)}


RULES = (everything_names_its_model,)
