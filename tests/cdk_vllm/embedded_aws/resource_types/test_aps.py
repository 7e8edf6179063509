from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]


def resources(alias: str, data: str) -> dict[str, Any]:
    return {
        "Workspace": {
            "Type": "AWS::APS::Workspace",
            "Properties": {"Alias": alias, "AlertManagerDefinition": "alertmanager_config: x"},
        },
        "Rules": {
            "Type": "AWS::APS::RuleGroupsNamespace",
            "Properties": {
                "Name": "chat",
                "Workspace": {"Fn::GetAtt": ["Workspace", "Arn"]},
                "Data": data,
            },
        },
        "Url": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Type": "String",
                "Name": "/url",
                "Value": {
                    "Fn::Sub": "${Workspace.PrometheusEndpoint}api/v1/remote_write",
                },
            },
        },
    }


def test_a_workspace_has_an_address_and_rules_that_change(
    client: Client, deployed: Deployed, destroyed: Callable[[], None]
) -> None:
    amp = client("amp")
    ids = deployed(**resources("one", "groups: []"))
    workspace = ids["Workspace"].rsplit("/", 1)[-1]
    found = amp.describe_workspace(workspaceId=workspace)["workspace"]
    assert found["alias"] == "one"
    url = client("ssm").get_parameter(Name="/url")["Parameter"]["Value"]
    assert url == f"{found['prometheusEndpoint']}api/v1/remote_write"

    assert deployed(**resources("two", "groups: [x]")) == ids
    assert amp.describe_workspace(workspaceId=workspace)["workspace"]["alias"] == "two"
    rules = amp.describe_rule_groups_namespace(workspaceId=workspace, name="chat")
    assert rules["ruleGroupsNamespace"]["data"] == b"groups: [x]"
    destroyed()
    assert amp.list_workspaces()["workspaces"] == []
