"""Budgets: what may be spent, and who hears of more."""

from __future__ import annotations

from typing import Any

from .resource import Resource


class Budget(Resource):
    """`AWS::Budgets::Budget`; `Ref` is its name, which stands inside one of its properties."""

    type_name = "AWS::Budgets::Budget"
    name_limit = 100

    def create(self, properties: dict[str, Any]) -> str:
        """Create the budget with its notifications."""
        budget = dict(properties["Budget"])
        name = budget.setdefault("BudgetName", self.physical_id or self.generated_name())
        self.call(
            "budgets.create_budget",
            {
                "AccountId": self.place.account_id,
                "Budget": budget,
                "NotificationsWithSubscribers": properties.get("NotificationsWithSubscribers", []),
            },
        )
        return str(name)

    def update(self, properties: dict[str, Any]) -> None:
        """Make it anew under its name; it holds nothing that could be lost."""
        self.delete()
        self.create(properties)

    def delete(self) -> None:
        """Delete the budget."""
        self.client("budgets").delete_budget(
            AccountId=self.place.account_id, BudgetName=self.physical_id
        )


TYPES = (Budget,)
