from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }
    ],
}


def resources(code: str, seconds: int) -> dict[str, Any]:
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Group": {"Type": "AWS::Logs::LogGroup"},
        "Starter": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Architectures": ["arm64"],
                "Code": {"ZipFile": code},
                "Environment": {"Variables": {"A": "b"}},
                "Handler": "index.handler",
                "LoggingConfig": {"LogGroup": {"Ref": "Group"}},
                "ReservedConcurrentExecutions": 2,
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Runtime": "python3.13",
                "Timeout": seconds,
                "TracingConfig": {"Mode": "Active"},
            },
        },
        "Allowed": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Fn::GetAtt": ["Starter", "Arn"]},
                "Principal": "events.amazonaws.com",
            },
        },
    }


def test_a_function_is_read_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    functions, ids = client("lambda"), deployed(**resources("def handler(*_): pass", 60))
    name = {"FunctionName": ids["Starter"]}
    shown = functions.get_function_configuration(**name)
    assert shown["LoggingConfig"] == {"LogGroup": ids["Group"]}
    assert (shown["Timeout"], shown["Architectures"]) == (60, ["arm64"])
    assert shown["Environment"] == {"Variables": {"A": "b"}}
    assert shown["TracingConfig"] == {"Mode": "Active"}
    assert ids["Allowed"] in functions.get_policy(**name)["Policy"]
    whole = functions.get_function(**name)
    assert whole["Concurrency"]["ReservedConcurrentExecutions"] == 2
    assert deployed(**resources("def handler(*_): return 1", 120)) == ids
    after = functions.get_function_configuration(**name)
    assert after["Timeout"] == 120
    assert after["CodeSha256"] != shown["CodeSha256"]
    destroyed()
    assert not functions.list_functions()["Functions"]
