from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_workspace_and_rules(client: Client, wrong: Wrong) -> None:
    amp = client("amp")
    workspace = amp.create_workspace(alias="vllm")
    arn = workspace["arn"]
    assert wrong("APS::Workspace", arn, {"Alias": "vllm"}) == []
    assert wrong("APS::Workspace", arn, {"Alias": "other"})
    amp.create_rule_groups_namespace(
        workspaceId=workspace["workspaceId"], name="chat", data=b"groups: []"
    )
    rules = f"{arn.replace(':workspace/', ':rulegroupsnamespace/')}/chat"
    written = {"Data": "groups: []", "Name": "chat", "Workspace": arn}
    assert wrong("APS::RuleGroupsNamespace", rules, written) == []
    assert wrong("APS::RuleGroupsNamespace", rules, {**written, "Data": "groups: [x]"})
    assert not exists(client, "AWS::APS::Workspace", f"{arn}x")
