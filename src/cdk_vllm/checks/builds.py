"""How images are built: in a project that leaves a log, keeps its key, and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Resource, Template, as_list, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = "AWS::CodeBuild::Project"
MOST_MINUTES = 480
MOST_QUEUED_MINUTES = 60


def builds_end_and_leave_a_log(template: Template) -> Iterator[Finding]:
    """A build that hangs is paid by the minute, and nobody knows what it was about."""
    for project in template.of(PROJECT):
        logs = "LogsConfig.CloudWatchLogs."
        wrong = {
            "it has no end": not 5 <= number(project.get("TimeoutInMinutes")) <= MOST_MINUTES,
            "it has no log of its own": not project.get(logs + "GroupName"),
            "its log is off": project.get(logs + "Status") != "ENABLED",
            "its key is AWS's own": not project.get("EncryptionKey"),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(builds_end_and_leave_a_log, project, message)


def image_builds_have_what_they_need(template: Template) -> Iterator[Finding]:
    """Without Docker, or a variable its script reads, a build fails while CloudFormation waits."""
    for project in template.of(PROJECT):
        spec = str(project.get("Source.BuildSpec", ""))
        if not _builds_images(project):
            continue
        wait = number(project.get("QueuedTimeoutInMinutes"))
        wrong = {
            "it waits for longer than CloudFormation does": not 5 <= wait <= MOST_QUEUED_MINUTES
        }
        for variable in as_list(project.get("Environment.EnvironmentVariables")):
            name = str(variable.get("Name"))
            wrong[f"{name} is read by nothing"] = name not in spec
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(image_builds_have_what_they_need, project, message)


def builds_are_ours(template: Template) -> Iterator[Finding]:
    """Privileges are for Docker alone; a foreign image or source runs with the project's role."""
    for project in template.of(PROJECT):
        environment = project.get("Environment", {})
        spec = str(project.get("Source.BuildSpec", ""))
        variables = as_list(environment.get("EnvironmentVariables"))
        kinds = {str(variable.get("Type")) for variable in variables}
        wrong = {
            "its privileges are not Docker's": environment.get("PrivilegedMode")
            is not _builds_images(project),
            "its image is not CodeBuild's": environment.get("ImagePullCredentialsType")
            != "CODEBUILD"
            or not str(environment.get("Image")).startswith("aws/codebuild/"),
            "it has nothing to do": "version" not in spec,
            "its source is somebody's repository": project.get("Source.Type") != "NO_SOURCE",
            "a variable has no kind": bool(kinds - {"PLAINTEXT", "SECRETS_MANAGER"}),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(builds_are_ours, project, message)


def _builds_images(project: Resource) -> bool:
    return "docker" in str(project.get("Source.BuildSpec", ""))


RULES = (builds_end_and_leave_a_log, image_builds_have_what_they_need, builds_are_ours)
