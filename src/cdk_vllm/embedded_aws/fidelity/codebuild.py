"""CodeBuild: today's environments, projects without a source, whole descriptions, builds' own."""

from __future__ import annotations

from typing import Any

from moto.codebuild import responses
from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.codebuild.responses import CodeBuildResponse
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model, unix_time

from .keeping import then

_WITHOUT_LOCATION = ("CODEPIPELINE", "NO_SOURCE")


def _allowed(shape: str) -> list[str]:
    found: Any = get_service_model("codebuild").shape_for(shape)
    return list(found.enum)


def _source(source: dict[str, Any]) -> None:
    """Moto asks every source for a location, also one that has none."""
    if source["type"] not in _allowed("SourceType"):
        raise InvalidInputException("Invalid type provided: Project source type")
    if source["type"] not in _WITHOUT_LOCATION and not source.get("location"):
        raise InvalidInputException("Project source location is required")


def _environment(environment: dict[str, Any]) -> None:
    """Moto's lists of types and sizes end in 2020; botocore's are CodeBuild's own."""
    for name, shape in (("type", "EnvironmentType"), ("computeType", "ComputeType")):
        if environment[name] not in _allowed(shape):
            raise InvalidInputException(f"Invalid {name} provided: {environment[name]}")


def _artifacts(artifacts: dict[str, Any]) -> None:
    """Moto asks artifacts that go back to a pipeline for a location."""
    if artifacts["type"] not in _allowed("ArtifactsType"):
        raise InvalidInputException("Invalid type provided: Artifact type")
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise InvalidInputException("Project artifacts location is required")


def _described(response: Any) -> dict[str, Any]:
    shape: Any = get_service_model("codebuild").shape_for("Project")
    given = {name: response._get_param(name) for name in shape.members}
    return {name: value for name, value in given.items() if value is not None}


def _keep(response: Any, answer: Any) -> None:
    """Moto keeps a dozen of the parameters and leaves the defaults of the two timeouts 0."""
    project = answer.result["project"]
    for name, minutes in (("timeoutInMinutes", 60), ("queuedTimeoutInMinutes", 480)):
        project[name] = project[name] or minutes
    project.update(_described(response))


def _update_project(self: Any) -> ActionResult:
    """UpdateProject, which moto lacks."""
    name = self._get_param("name")
    project = self.codebuild_backend.codebuild_projects.get(name)
    if project is None:
        raise ResourceNotFoundException(f"Project cannot be found: {name}")
    described = _described(self)
    for member, check in (
        ("source", _source),
        ("artifacts", _artifacts),
        ("environment", _environment),
    ):
        if member in described:
            check(described[member])
    project.project_metadata.update(described, lastModified=unix_time())
    return ActionResult({"project": project.project_metadata})


def _as_started(response: Any, answer: Any) -> None:
    """A build has its project's environment and log, and the variables it was started with.

    moto shows the same environment for every build, and no log.
    """
    build = answer.result["build"]
    projects = response.codebuild_backend.codebuild_projects
    project = projects[build["projectName"]].project_metadata
    given = {v["name"]: v for v in project["environment"].get("environmentVariables", [])}
    given |= {v["name"]: v for v in response._get_param("environmentVariablesOverride") or []}
    build["environment"] = {**project["environment"], "environmentVariables": [*given.values()]}
    build["source"] = project["source"]
    group = project.get("logsConfig", {}).get("cloudWatchLogs", {}).get("groupName")
    if group:
        build["logs"] |= {"groupName": group, "streamName": build["id"].rpartition(":")[2]}


def install() -> None:
    """Apply the fixes."""
    module: Any = responses
    module._validate_required_params_source = _source
    module._validate_required_params_environment = _environment
    module._validate_required_params_artifacts = _artifacts
    response: Any = CodeBuildResponse
    then(response, "create_project", _keep)
    then(response, "start_build", _as_started)
    response.update_project = _update_project
