from __future__ import annotations

import json
from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
READ: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}


@pytest.fixture
def iam(client: Client) -> Any:
    iam = client("iam")
    for name in ("task", "other"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    return iam


def test_role(iam: Any, client: Client, wrong: Wrong) -> None:
    policy = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(READ))["Policy"]
    written = {
        "AssumeRolePolicyDocument": TRUST,
        "ManagedPolicyArns": [policy["Arn"]],
        "Policies": [{"PolicyName": "inline", "PolicyDocument": READ}],
        "RoleName": "task",
    }
    assert len(wrong("IAM::Role", "task", written)) == 2
    iam.attach_role_policy(RoleName="task", PolicyArn=policy["Arn"])
    iam.put_role_policy(RoleName="task", PolicyName="inline", PolicyDocument=json.dumps(READ))
    assert wrong("IAM::Role", "task", written) == []
    anyone = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": "*"}]}
    iam.update_assume_role_policy(RoleName="task", PolicyDocument=json.dumps(anyone))
    assert len(wrong("IAM::Role", "task", written)) == 1
    assert not exists(client, "AWS::IAM::Role", "nobody")


def test_inline_policy_is_read_from_every_role(iam: Any, client: Client, wrong: Wrong) -> None:
    written = {"PolicyDocument": READ, "PolicyName": "reads", "Roles": ["task", "other"]}
    assert not exists(client, "AWS::IAM::Policy", "generated", written)
    iam.put_role_policy(RoleName="task", PolicyName="reads", PolicyDocument=json.dumps(READ))
    assert wrong("IAM::Policy", "generated", written) == [
        'Roles[1] should be "other" but is absent'
    ]
    wider = {**READ, "Statement": [{**READ["Statement"][0], "Action": "s3:*"}]}
    iam.put_role_policy(RoleName="other", PolicyName="reads", PolicyDocument=json.dumps(wider))
    assert wrong("IAM::Policy", "generated", written)
    iam.put_role_policy(RoleName="other", PolicyName="reads", PolicyDocument=json.dumps(READ))
    assert wrong("IAM::Policy", "generated", written) == []
    assert exists(client, "AWS::IAM::Policy", "reads")


def test_managed_policy(iam: Any, client: Client, wrong: Wrong) -> None:
    arn = iam.create_policy(
        Description="d", Path="/vllm/", PolicyDocument=json.dumps(READ), PolicyName="read"
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="task", PolicyArn=arn)
    written = {
        "Description": "d",
        "ManagedPolicyName": "read",
        "Path": "/vllm/",
        "PolicyDocument": READ,
        "Roles": ["task"],
    }
    assert wrong("IAM::ManagedPolicy", arn, written) == []
    assert not exists(client, "AWS::IAM::ManagedPolicy", arn + "er")


def test_instance_profile(iam: Any, client: Client, wrong: Wrong) -> None:
    iam.create_instance_profile(InstanceProfileName="gpu", Path="/")
    written = {"InstanceProfileName": "gpu", "Roles": ["task"]}
    assert wrong("IAM::InstanceProfile", "gpu", written) == [
        'Roles[0] should be "task" but is absent'
    ]
    iam.add_role_to_instance_profile(InstanceProfileName="gpu", RoleName="task")
    assert wrong("IAM::InstanceProfile", "gpu", written) == []
    assert not exists(client, "AWS::IAM::InstanceProfile", "cpu")
