"""Reads Budgets back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _budget(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    account = client("sts").get_caller_identity()["Account"]
    found = client("budgets").describe_budget(AccountId=account, BudgetName=physical_id)["Budget"]
    # What the template leaves out, the service fills in.
    wanted = properties.get("Budget", {})
    return {"Budget": listed(found, *wanted)}


READERS: Mapping[str, Reader] = {"AWS::Budgets::Budget": _budget}
