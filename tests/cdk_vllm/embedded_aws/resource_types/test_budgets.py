from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]

ACCOUNT = "123456789012"


def resources(amount: float) -> dict[str, Any]:
    return {
        "Budget": {
            "Type": "AWS::Budgets::Budget",
            "Properties": {
                "Budget": {
                    "BudgetType": "COST",
                    "TimeUnit": "MONTHLY",
                    "BudgetLimit": {"Amount": amount, "Unit": "USD"},
                },
                "NotificationsWithSubscribers": [
                    {
                        "Notification": {
                            "NotificationType": "ACTUAL",
                            "ComparisonOperator": "GREATER_THAN",
                            "Threshold": 80,
                        },
                        "Subscribers": [
                            {
                                "SubscriptionType": "SNS",
                                "Address": "arn:aws:sns:us-east-1:123456789012:t",
                            }
                        ],
                    }
                ],
            },
        }
    }


def test_a_budget_keeps_its_name_when_it_grows(
    client: Client, deployed: Deployed, destroyed: Callable[[], None]
) -> None:
    budgets = client("budgets")
    ids = deployed(**resources(100))
    asked = {"AccountId": ACCOUNT, "BudgetName": ids["Budget"]}
    assert budgets.describe_budget(**asked)["Budget"]["BudgetLimit"]["Amount"] == "100"
    (notification,) = budgets.describe_notifications_for_budget(**asked)["Notifications"]
    assert notification["Threshold"] == 80
    assert deployed(**resources(200)) == ids
    assert budgets.describe_budget(**asked)["Budget"]["BudgetLimit"]["Amount"] == "200"
    destroyed()
    assert not budgets.describe_budgets(AccountId=ACCOUNT).get("Budgets")
