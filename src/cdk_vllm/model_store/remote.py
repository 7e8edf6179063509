"""Starts the push that runs inside AWS, and follows its status and its log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import CdkVllmError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_codebuild import CodeBuildClient
    from mypy_boto3_logs import CloudWatchLogsClient

MARK = "cdk-vllm: "
"""What the job's last sentence begins with."""
_POLL_SECONDS = 3.0
_SEARCHED_LINES = 200


@dataclass(frozen=True)
class Line:
    """Something new about a job: its phase, or a line of its log."""

    phase: str
    text: str


def start(codebuild: CodeBuildClient, project: str, model: str, revision: str) -> str:
    """Start a push of a hub's model and return the build's id; the token is never passed."""
    variables = {"MODEL": model, "REVISION": revision}
    build = codebuild.start_build(
        projectName=project,
        environmentVariablesOverride=[
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
        ],
    )["build"]
    return build["id"]


def follow(
    codebuild: CodeBuildClient,
    logs: CloudWatchLogsClient,
    build_id: str,
    poll_seconds: float = _POLL_SECONDS,
) -> Iterator[Line]:
    """Yield what happens until the build ends; raises `CdkVllmError` where it did not succeed."""
    token: str | None = None
    said: list[str] = []
    while True:
        build: Any = _described(codebuild, build_id)
        is_over = build["buildStatus"] != "IN_PROGRESS"
        phase = build.get("currentPhase", "").lower().replace("_", " ")
        yield Line(phase, "")
        while True:
            lines, token, is_end = _log_lines(logs, build.get("logs", {}), token)
            for text in lines:
                said.append(text)
                yield Line(phase, text)
            if is_end:
                break
        if is_over:
            _check(build, said)
            return
        time.sleep(poll_seconds)


def _described(codebuild: CodeBuildClient, build_id: str) -> Any:
    found = codebuild.batch_get_builds(ids=[build_id])["builds"]
    if not found:
        raise CdkVllmError(f"CodeBuild no longer knows the build {build_id}; start it again")
    return found[0]


def _log_lines(
    logs: CloudWatchLogsClient, place: Any, token: str | None
) -> tuple[list[str], str | None, bool]:
    """Return the next lines, where to go on, and whether that is the end for now."""
    group, stream = place.get("groupName"), place.get("streamName")
    if not group or not stream:
        return [], token, True
    more: Any = {"nextToken": token} if token else {}
    try:
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True, **more
        )
    except logs.exceptions.ResourceNotFoundException:
        return [], token, True
    lines = [event["message"].rstrip() for event in page["events"]]
    following = page["nextForwardToken"]
    return lines, following, following == token or not lines


def _check(build: Any, said: list[str]) -> None:
    status = build["buildStatus"]
    if status == "SUCCEEDED":
        return
    sentences = [text for text in said[-_SEARCHED_LINES:] if text.startswith(MARK)]
    if sentences:
        raise CdkVllmError(sentences[-1].removeprefix(MARK))
    if status == "STOPPED":
        raise CdkVllmError("the push was stopped; what arrived is kept: start it again to go on")
    reason = _phase_message(build) or "its log says no more"
    raise CdkVllmError(
        f"the push ended with {status}: {reason}; what arrived is kept: start it again to go on"
    )


def _phase_message(build: Any) -> str:
    contexts = [
        context.get("message", "")
        for phase in build.get("phases", [])
        if phase.get("phaseStatus") not in (None, "SUCCEEDED")
        for context in phase.get("contexts", [])
    ]
    return " ".join(next(filter(None, contexts), "").split())
