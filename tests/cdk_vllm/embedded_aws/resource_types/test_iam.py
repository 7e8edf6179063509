from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def statement(action: str) -> dict[str, Any]:
    rule = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [rule]}


def resources(action: str, managed: str, service: str = "ecs-tasks") -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": f"{service}.amazonaws.com"},
            }
        ],
    }
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": trust,
                "Description": "a role",
                "ManagedPolicyArns": [f"arn:aws:iam::aws:policy/{managed}"],
                "MaxSessionDuration": 7200,
                "Policies": [{"PolicyName": "inline", "PolicyDocument": statement(action)}],
                "Tags": [{"Key": "team", "Value": "ml"}],
            },
        },
        "Attached": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyDocument": statement(action),
                "PolicyName": "attached",
                "Roles": [{"Ref": "Role"}],
            },
        },
        "Managed": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": statement(action), "Roles": [{"Ref": "Role"}]},
        },
        "Profile": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Roles": [{"Ref": "Role"}]},
        },
    }


def test_roles_and_policies_are_read_and_change(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    iam, ids = client("iam"), deployed(**resources("s3:GetObject", "ReadOnlyAccess"))
    role = {"RoleName": ids["Role"]}

    def attached() -> set[str]:
        shown = iam.list_attached_role_policies(**role)["AttachedPolicies"]
        return {policy["PolicyArn"] for policy in shown}

    def action(name: str) -> str:
        document = iam.get_role_policy(**role, PolicyName=name)["PolicyDocument"]
        return str(document["Statement"][0]["Action"])

    shown = iam.get_role(**role)["Role"]
    assert (shown["Description"], shown["MaxSessionDuration"]) == ("a role", 7200)
    assert shown["Tags"] == [{"Key": "team", "Value": "ml"}]
    assert attached() == {"arn:aws:iam::aws:policy/ReadOnlyAccess", ids["Managed"]}
    assert (action("inline"), action("attached")) == ("s3:GetObject", "s3:GetObject")
    profile = iam.get_instance_profile(InstanceProfileName=ids["Profile"])["InstanceProfile"]
    assert [item["RoleName"] for item in profile["Roles"]] == [ids["Role"]]

    changed = resources("s3:ListBucket", "AmazonSSMManagedInstanceCore", "sagemaker")
    assert deployed(**changed) == ids
    assert attached() == {"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", ids["Managed"]}
    assert (action("inline"), action("attached")) == ("s3:ListBucket", "s3:ListBucket")
    trust = iam.get_role(**role)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    policy = iam.get_policy(PolicyArn=ids["Managed"])["Policy"]
    version = iam.get_policy_version(
        PolicyArn=ids["Managed"], VersionId=policy["DefaultVersionId"]
    )["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Action"] == "s3:ListBucket"
    destroyed()
    assert not iam.list_roles()["Roles"]
    assert not iam.list_instance_profiles()["InstanceProfiles"]


def test_a_managed_policy_that_aws_does_not_have_is_refused(
    create: Callable[..., dict[str, Any]],
) -> None:
    stack = create({"Resources": resources("s3:GetObject", "NoSuchPolicyAtAll")})
    assert "NoSuchPolicyAtAll" in stack["StackStatusReason"]
