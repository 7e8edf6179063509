"""The environment file: what a team writes, checked key by key before anything is planned.

`load` reads `environments/NAME.toml` into a frozen `EnvironmentFile`. Every mistake ends in one
`InputError` that names the file, the key, the value, what is allowed and the nearest valid name.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from cdk_vllm import catalog
from cdk_vllm import environment_errors as form
from cdk_vllm.environment_errors import explain
from cdk_vllm.environment_tables import (
    Alarms,
    AlarmThresholds,
    Audit,
    Capacity,
    Firewall,
    Image,
    Lora,
    Metrics,
    ModelStore,
    Name,
    Network,
    Replicas,
    SageMaker,
    Schedule,
    Table,
    TokenIssuer,
)
from cdk_vllm.errors import InputError, nearest

NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
RESERVED_SERVICE_NAMES = frozenset({"foundation"})

Tokens = Annotated[int, Field(ge=1, le=10_000_000)]
Seconds = Annotated[float, Field(gt=0, le=3600)]

# What belongs to the load balancer and the instances that a SageMaker endpoint has not.
ECS_KEYS = (
    "domain",
    "hosted_zone_id",
    "certificate_arn",
    "insecure_http",
    "token_issuer",
    "firewall",
    "private_link_principals",
    "capacity",
    "lora",
    "allow_interrupted_requests",
    "scale_to_zero",
    "rollout",
)
_OWN_DOOR = "SageMaker brings its own endpoint"
SAGEMAKER_HAS = dict.fromkeys(ECS_KEYS, _OWN_DOOR) | {
    "capacity": "SageMaker buys its own instances",
    "lora": "on SageMaker adapters are inference components of their own",
    "allow_interrupted_requests": "SageMaker has no Spot endpoints",
    "scale_to_zero": "a SageMaker endpoint keeps an instance; shared ones may sleep",
    "rollout": "SageMaker's is sagemaker.rollout",
}
LORA_OPTIONS = frozenset(
    {"enable_lora", "max_loras", "max_lora_rank", "max_cpu_loras", "lora_modules"}
)


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
    scale_to_zero: bool = False
    """Lets `replicas.min` be 0: callers get 503 while the first replica starts."""
    schedules: tuple[Schedule, ...] = Field(default=(), strict=False)
    """Narrower bounds of the replicas from given times on."""
    peak_concurrent_requests: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Requests at once over all replicas, of which the plan then chooses number and instance."""
    ttft_seconds: Seconds | None = None
    """The slowest first token that is acceptable."""
    tpot_seconds: Seconds | None = None
    """The slowest further token that is acceptable."""
    max_request_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """The longest a request may take, from which every timeout follows; without it 300, or what
    SageMaker allows."""
    streaming: bool = False
    """Callers read SageMaker's answers as streams, which may take 480 s; whole ones have 60 s."""
    asynchronous: bool = False
    """Answers go through S3 and may take an hour; SageMaker only."""
    allow_interrupted_requests: bool = False
    """Accepts that Spot cuts requests longer than about a minute."""
    rollout: Literal["surge", "in_place", "blue_green", "canary"] = "surge"
    """How a deployment replaces an ECS service's replicas; docs/rollouts.md compares them."""
    deletion_protection: bool = False
    """The stack, and on ECS its load balancer, cannot be deleted while this is true."""
    instance_type: Name | None = None
    """Takes this instance instead of the cheapest that fits."""
    capacity: Capacity = Capacity()
    """Where an ECS service's instances come from."""
    sagemaker: SageMaker = SageMaker()
    """What only a SageMaker endpoint has."""
    load: Literal["stream", "disk"] | None = None
    """Weights from S3 straight into the GPUs, or to the instance's NVMe disk first; without it
    what the plan finds faster."""
    tools: bool = False
    """Tool calling, with the parser of the model's family."""
    reasoning: bool = False
    """Reasoning apart from the answer, with the parser of the model's family."""
    lora: Lora | None = None
    """Adapters beside the model."""
    domain: Annotated[str, Field(pattern=form.DOMAIN)] | None = None
    """The name clients use, over TLS."""
    hosted_zone_id: Annotated[str, Field(pattern=form.HOSTED_ZONE_ID)] | None = None
    """The Route 53 zone of `domain`, where its record and certificate are made."""
    certificate_arn: Annotated[str, Field(pattern=form.CERTIFICATE_ARN)] | None = None
    """An existing ACM certificate, in place of one made for `domain`."""
    insecure_http: bool = False
    """Accepts a plain listener inside the VPC."""
    token_issuer: TokenIssuer | None = None
    """Whose tokens let a client in, in place of an API key."""
    firewall: Firewall | None = None
    """AWS WAF before the load balancer; without it none."""
    private_link_principals: tuple[Annotated[str, Field(pattern=form.PRINCIPAL)], ...] = Field(
        default=(), strict=False
    )
    """Accounts or roles that may connect through PrivateLink."""
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
            return self._no_keys_of_ecs()
        self._no_keys_of_sagemaker()
        encrypted = self.certificate_arn or (self.domain and self.hosted_zone_id)
        if not encrypted and not self.insecure_http:
            raise ValueError(
                "an ECS service needs domain with hosted_zone_id or certificate_arn for TLS, "
                "or insecure_http = true for a plain listener inside the VPC"
            )
        if encrypted and self.insecure_http:
            raise ValueError("insecure_http = true contradicts the certificate; remove one")
        return self

    def _no_keys_of_ecs(self) -> Self:
        for key in ECS_KEYS:
            if getattr(self, key) not in (None, False, (), Capacity(), "surge"):
                raise ValueError(f"{key} belongs to backend ecs; {SAGEMAKER_HAS[key]}")
        if self.streaming and self.asynchronous:
            raise ValueError("streaming contradicts asynchronous; remove one of the two")
        if self.sagemaker.isolated and self.load == "stream":
            raise ValueError(
                'sagemaker.isolated contradicts load = "stream": S3 is out of reach then'
            )
        return self

    def _no_keys_of_sagemaker(self) -> None:
        for key in ("streaming", "asynchronous", "sagemaker"):
            if getattr(self, key) not in (False, SageMaker()):
                raise ValueError(
                    f"{key} belongs to backend sagemaker; an ECS service always streams"
                )

    @property
    def longest_request_seconds(self) -> int:
        """`max_request_seconds`, or what the backend sees through without further ado."""
        if self.max_request_seconds is not None:
            return self.max_request_seconds
        if self.backend == "ecs":
            return 300
        return 3600 if self.asynchronous else 480 if self.streaming else 60

    @model_validator(mode="after")
    def _tokens_travel_encrypted(self) -> Self:
        if self.token_issuer and self.insecure_http:
            raise ValueError(
                "token_issuer contradicts insecure_http = true: on a plain listener anybody on the "
                "way could reuse the tokens; give a certificate or a domain"
            )
        return self

    @model_validator(mode="after")
    def _schedules_stay_within(self) -> Self:
        fewest, most = self.replicas.min, self.replicas.max
        for schedule in self.schedules:
            if not fewest <= schedule.min <= schedule.max <= most:
                raise ValueError(
                    f"a schedule's replicas are {schedule.min} to {schedule.max}; they have to lie "
                    f"within replicas, {fewest} to {most}, which instances and deployments are "
                    "made for"
                )
        return self

    @model_validator(mode="after")
    def _zero_is_meant(self) -> Self:
        if self.replicas.min == 0 and not self.scale_to_zero:
            raise ValueError(
                "replicas.min is 0; callers would get 503 until a replica has started, so say "
                "scale_to_zero = true too, or keep at least 1"
            )
        return self

    @model_validator(mode="after")
    def _tables_own_their_options(self) -> Self:
        for key, options in (
            ("lora", LORA_OPTIONS if self.lora else frozenset()),
            ("tools", {"enable_auto_tool_choice"} if self.tools else frozenset()),
        ):
            for name in sorted(options & self.engine.keys()):
                raise ValueError(f"engine.{name} is what `{key}` sets; remove one of the two")
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
    metrics: Metrics = Metrics()
    """How vLLM's own metrics are collected."""
    audit: Audit = Audit()
    """What is written down of who did what."""
    model_store: ModelStore = ModelStore()
    """How the model store is filled."""
    services: dict[str, Service]
    """The services by name."""
    _path: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _blocks_lie_in_the_network(self) -> Self:
        known = self.network.private_subnet_ids
        for name, service in self.services.items():
            subnet = service.capacity.subnet_id
            if known and subnet and subnet not in known:
                raise ValueError(
                    f"services.{name}.capacity.subnet_id {subnet} is not in private_subnet_ids, "
                    f"{', '.join(known)}; add it there with its zone"
                )
        return self

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
    def _isolation_is_possible(self) -> Self:
        network = self.network
        if not network.isolated:
            return self
        if not (network.s3_prefix_list_id or catalog.s3_prefix_list_id(self.region)):
            raise ValueError(
                f"network.isolated needs network.s3_prefix_list_id in {self.region}; "
                "`aws ec2 describe-managed-prefix-lists` names it"
            )
        return self

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
    """Read and check one environment file, given by its path or, in `environments/`, its name.

    Raises:
        InputError: what is wrong with it, in one sentence.
    """
    path = path_of(path)
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


def path_of(environment: Path | str) -> Path:
    """Return the file that `environment` names: itself, or `environments/NAME.toml`."""
    path = Path(environment)
    return path if path.suffix or path.is_file() else Path("environments", f"{path}.toml")


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
