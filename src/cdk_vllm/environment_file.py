"""The environment file: what a team writes, checked key by key before anything is planned.

`load` reads `environments/NAME.toml` into a frozen `EnvironmentFile`. Every mistake ends in one
`InputError` that names the file, the key, the value, what is allowed and the nearest valid name.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from cdk_vllm import catalog
from cdk_vllm import environment_errors as form
from cdk_vllm.environment_errors import explain
from cdk_vllm.errors import InputError, nearest

NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
RESERVED_SERVICE_NAMES = frozenset({"foundation"})

Name = Annotated[str, Field(min_length=1)]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]


class Table(BaseModel):
    """A TOML table: frozen, typed strictly, unknown keys refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class Network(Table):
    """Where the environment lives; without `vpc_id` a new VPC over `availability_zones_count`.

    An existing VPC is looked up by the CDK CLI, which needs `account`, unless
    `private_subnet_ids` and `availability_zones` describe it.
    """

    vpc_id: Annotated[str, Field(pattern=form.VPC_ID)] | None = None
    """An existing VPC; without it a new one is made."""
    private_subnet_ids: tuple[Annotated[str, Field(pattern=form.SUBNET_ID)], ...] = Field(
        default=(), strict=False
    )
    """The existing VPC's private subnets, which reach S3, ECR and CloudWatch."""
    availability_zones: tuple[str, ...] = Field(default=(), strict=False)
    """The zone of each of `private_subnet_ids`."""
    availability_zones_count: Annotated[int, Field(ge=2, le=3)] = 2
    """How many zones a new VPC spans."""
    nat_gateways: Annotated[int, Field(ge=1, le=3)] = 1
    """How many NAT gateways a new VPC has; one a zone survives the loss of a zone."""

    @model_validator(mode="after")
    def _subnets_come_with_zones(self) -> Self:
        if len(self.private_subnet_ids) != len(self.availability_zones):
            raise ValueError(
                f"private_subnet_ids has {len(self.private_subnet_ids)} entries and "
                f"availability_zones {len(self.availability_zones)}; give one zone per subnet"
            )
        if self.private_subnet_ids and self.vpc_id is None:
            raise ValueError("private_subnet_ids needs vpc_id")
        return self


class Alarms(Table):
    """Who hears of an alarm, by e-mail; without it the topics exist and nobody listens."""

    email: Annotated[str, Field(pattern=form.EMAIL)] | None = None
    """Who is written to; the address has to confirm the subscription once."""


class Replicas(Table):
    """How many copies of the model serve: always `min`, at most `max`."""

    min: Annotated[int, Field(ge=1, le=100)] = 1
    """Always running."""
    max: Annotated[int, Field(ge=1, le=100)] = 1
    """Never more than this."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max is {self.max}, below min {self.min}; raise max or lower min")
        return self


class Image(Table):
    """Which vLLM runs: built in AWS on `base_image`, built here with Docker, or given by digest.

    `vllm_version` is read from the tag of `base_image` (`vllm/vllm-openai:v0.33.0`) and has to be
    given where no tag says it.
    """

    base_image: Name | None = None
    """The vLLM image the build starts from."""
    build: Literal["aws", "docker"] = "aws"
    """Where it is built: in AWS (CodeBuild), or here with Docker."""
    uri: Annotated[str, Field(pattern=form.IMAGE_DIGEST)] | None = None
    """An existing image by digest, in place of a build."""
    vllm_version: Annotated[str, Field(pattern=form.VLLM_VERSION)] | None = None
    """The vLLM in the image, where no tag says it."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.uri and self.base_image:
            raise ValueError("uri and base_image are both set; an image by digest is not built")
        named = self.uri or self.base_image
        if named and not self.vllm_version and self.tagged_vllm_version is None:
            raise ValueError(
                f'"{named}" does not say which vLLM it holds; add vllm_version = "0.33.0", say'
            )
        return self

    @property
    def tagged_vllm_version(self) -> str | None:
        """The vLLM version that the tag of `base_image` names, as `0.33.0`."""
        found = re.search(r":v?(\d+\.\d+\.\d+)", self.base_image or "")
        return found[1] if found else None


class AlarmThresholds(Table):
    """When this service's alarms fire: seconds, requests, and a ratio of requests."""

    error_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.001
    """Failed requests by all requests, above which the page alarm fires."""
    response_seconds_p95: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds within which 95 of 100 answers must be complete."""


class Service(Table):
    """One model behind one endpoint; lengths in tokens, requests at once per replica."""

    backend: Literal["ecs", "sagemaker"]
    """What serves: an ECS service on GPU instances, or a SageMaker endpoint."""
    model: Annotated[str, Field(pattern=form.MODEL)]
    """A Hugging Face name."""
    model_config_file: Name | None = Field(default=None, alias="model_config")
    """A `config.json`, beside this file, for a model the catalogue does not know."""
    revision: Annotated[str, Field(pattern=form.REVISION)] = "main"
    """The model's branch, tag or, better, commit."""
    max_model_len: Tokens
    """The longest request that must work: prompt and answer together."""
    prompt_tokens: Tokens | None = None
    """A typical prompt's length."""
    output_tokens: Tokens | None = None
    """A typical answer's length; without both, every request is the longest."""
    concurrent_requests: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Requests in progress at once, per replica."""
    replicas: Replicas = Replicas()
    """How many copies serve."""
    max_request_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    """The longest a request may take; every timeout follows from it."""
    instance_type: Name | None = None
    """Takes this instance instead of the cheapest that fits."""
    domain: Annotated[str, Field(pattern=form.DOMAIN)] | None = None
    """The name clients use, over TLS."""
    hosted_zone_id: Annotated[str, Field(pattern=form.HOSTED_ZONE_ID)] | None = None
    """The Route 53 zone of `domain`, where its record and certificate are made."""
    certificate_arn: Annotated[str, Field(pattern=form.CERTIFICATE_ARN)] | None = None
    """An existing ACM certificate, in place of one made for `domain`."""
    insecure_http: bool = False
    """Accepts a plain listener inside the VPC."""
    image: Image = Image()
    """Which vLLM runs."""
    alarms: AlarmThresholds = AlarmThresholds()
    """When this service's alarms fire."""
    engine: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """vLLM's own options, under its names, passed through after validation."""

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if (self.prompt_tokens is None) != (self.output_tokens is None):
            raise ValueError("give both prompt_tokens and output_tokens, or neither")
        typical = (self.prompt_tokens or 0) + (self.output_tokens or 0)
        if typical > self.max_model_len:
            raise ValueError(
                f"prompt_tokens + output_tokens is {typical}, above max_model_len "
                f"{self.max_model_len}; raise max_model_len or lower the typical lengths"
            )
        return self

    @model_validator(mode="after")
    def _front_door_is_locked(self) -> Self:
        if self.backend == "sagemaker":
            return self._no_front_door_keys()
        encrypted = self.certificate_arn or (self.domain and self.hosted_zone_id)
        if not encrypted and not self.insecure_http:
            raise ValueError(
                "an ECS service needs domain with hosted_zone_id or certificate_arn for TLS, "
                "or insecure_http = true for a plain listener inside the VPC"
            )
        if encrypted and self.insecure_http:
            raise ValueError("insecure_http = true contradicts the certificate; remove one")
        return self

    def _no_front_door_keys(self) -> Self:
        for key in ("domain", "hosted_zone_id", "certificate_arn", "insecure_http"):
            if getattr(self, key):
                raise ValueError(f"{key} belongs to backend ecs; SageMaker brings its own endpoint")
        return self


class EnvironmentFile(Table):
    """One environment: a region, what its services share, and the services by name."""

    region: str
    """The AWS region, such as us-east-1."""
    account: Annotated[str, Field(pattern=form.ACCOUNT)] | None = None
    """The AWS account; without it the CLI's own."""
    network: Network = Network()
    """Where the services live."""
    alarms: Alarms = Alarms()
    """Who hears of an alarm."""
    services: dict[str, Service]
    """The services by name."""
    _path: Path = PrivateAttr(default=Path())

    @property
    def path(self) -> Path:
        """The file this was read from."""
        return self._path

    @property
    def name(self) -> str:
        """The environment's name: the file's, without its suffix."""
        return self._path.stem

    @field_validator("region")
    @classmethod
    def _region_exists(cls, value: str) -> str:
        regions = catalog.regions()
        if value not in regions:
            raise ValueError(f'"{value}" is not an AWS region.{nearest(value, regions)}')
        return value

    @field_validator("services")
    @classmethod
    def _services_are_named(cls, value: dict[str, Service]) -> dict[str, Service]:
        if not value:
            raise ValueError("there is no service; add a table such as [services.chat]")
        for name in value:
            if not NAME.fullmatch(name) or name in RESERVED_SERVICE_NAMES:
                raise ValueError(
                    f'a service cannot be called "{name}"; allowed: up to 24 lower-case letters, '
                    'digits and "-", beginning with a letter, other than "foundation"'
                )
        return value

    @model_validator(mode="after")
    def _lookup_needs_account(self) -> Self:
        if self.network.vpc_id and not self.network.private_subnet_ids and not self.account:
            raise ValueError(
                "network.vpc_id needs account, or private_subnet_ids and availability_zones, "
                "because the CDK CLI looks the VPC up"
            )
        return self


def find(paths: str | None = None, root: Path | None = None) -> list[Path]:
    """Return the environment files that a path or glob names; default: all of `environments/`."""
    root = root or Path.cwd()
    pattern = paths or "environments/*.toml"
    if "*" not in pattern:
        return [root / pattern]
    found = sorted(root.glob(pattern)) if not Path(pattern).is_absolute() else _glob(Path(pattern))
    if not found:
        raise InputError(f'no environment file matches "{pattern}" in {root}; add one')
    return found


def _glob(pattern: Path) -> list[Path]:
    return sorted(pattern.parent.glob(pattern.name))


def load(path: Path | str) -> EnvironmentFile:
    """Read and check one environment file; raises `InputError` in one sentence."""
    path = Path(path)
    data = _parse(path)
    if not NAME.fullmatch(path.stem):
        raise InputError(
            f'{path}: an environment cannot be called "{path.stem}"; allowed: up to 24 lower-case '
            'letters, digits and "-", beginning with a letter; rename the file'
        )
    if "services" not in data:
        raise InputError(f"{path}: there is no service; add a table such as [services.chat]")
    try:
        environment = EnvironmentFile.model_validate(data)
    except ValidationError as error:
        raise InputError(explain(error, path, EnvironmentFile)) from None
    environment._path = path
    return environment


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        siblings = [str(p) for p in sorted(path.parent.glob("*.toml"))]
        known = f" Known: {', '.join(siblings)}." if siblings else ""
        raise InputError(f"{path} does not exist.{known}{nearest(str(path), siblings)}") from None
    except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}; give a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {_plain(str(error))}") from None


def _plain(message: str) -> str:
    """Say a repeated table in words: tomllib calls it a declaration made twice."""
    twice = re.search(r"Cannot declare \('services', '([^']+)'\) twice (.*)", message)
    if twice:
        return f'two services are called "{twice[1]}" {twice[2]}; rename one'
    return message
