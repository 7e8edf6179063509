"""Starts the build a Custom::VllmImageBuild asks for; the build itself answers CloudFormation."""

import hashlib
import json
import urllib.request
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: object) -> None:
    """Start one CodeBuild build on Create and Update; on Delete the images stay, for rollback."""
    try:
        if event["RequestType"] == "Delete":
            answer(event, "SUCCESS", event["PhysicalResourceId"], "Images stay, for rollback.")
        else:
            start(event)
    except Exception as error:  # Unanswered, CloudFormation waits an hour.
        print(f"{event.get('RequestId')}: {error}")  # noqa: T201 - a Lambda's log
        name = event.get("PhysicalResourceId") or "not-started"
        answer(event, "FAILED", name, f"The image build did not start: {error}"[:800])


def start(event: dict[str, Any]) -> None:
    """Ask CodeBuild for the image; an equal request has an equal tag, and is built only once."""
    asked = event["ResourceProperties"]
    key = json.dumps([asked["ContextHash"], asked["BaseImage"], asked["Target"]])
    tag = f"{asked['Target']}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    variables = {
        "BASE_IMAGE": asked["BaseImage"],
        "TARGET": asked["Target"],
        "SOURCE_BUCKET": asked["SourceBucket"],
        "SOURCE_KEY": asked["SourceKey"],
        "IMAGE_TAG": tag,
        "PHYSICAL_RESOURCE_ID": f"{asked['RepositoryName']}:{tag}",
        "LOGICAL_RESOURCE_ID": event["LogicalResourceId"],
        "REQUEST_ID": event["RequestId"],
        "STACK_ID": event["StackId"],
        "RESPONSE_URL": event["ResponseURL"],
    }
    boto3.client("codebuild").start_build(
        projectName=asked["ProjectName"],
        # Lambda may deliver an event twice.
        idempotencyToken=event["RequestId"],
        environmentVariablesOverride=[
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
        ],
    )


def answer(event: dict[str, Any], status: str, physical_id: str, reason: str) -> None:
    """Tell CloudFormation how the request ended."""
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": status, "PhysicalResourceId": physical_id, "Reason": reason}
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own https address
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=20):  # noqa: S310 - as above
        pass
