from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_budget(client: Client, wrong: Wrong) -> None:
    budget = {
        "BudgetName": "month",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": {"Amount": "100", "Unit": "USD"},
    }
    client("budgets").create_budget(AccountId="123456789012", Budget=budget)
    assert wrong("Budgets::Budget", "month", {"Budget": budget}) == []
    other = {"Budget": {**budget, "BudgetLimit": {"Amount": "200", "Unit": "USD"}}}
    assert wrong("Budgets::Budget", "month", other)
    assert not exists(client, "AWS::Budgets::Budget", "nothing")
