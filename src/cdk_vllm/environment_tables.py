"""The tables of an environment file below a service, and those that services share."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cdk_vllm import catalog
from cdk_vllm import environment_errors as form
from cdk_vllm.errors import nearest
from cdk_vllm.observability.thresholds import AlarmThresholds as Limits

Name = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Share = Annotated[float, Field(gt=0, lt=1)]
_LIMITS = Limits()
ADAPTER_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,62}")
ADAPTER_VERSION = re.compile(r"[0-9a-f]{12}")
LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""vLLM 0.33.0's choices of `--max-lora-rank`."""


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
    isolated: bool = False
    """A new VPC with no route to the internet, and an endpoint for each AWS service."""
    s3_prefix_list_id: Annotated[str, Field(pattern=form.PREFIX_LIST)] | None = None
    """AWS's list of S3's addresses in the region, where the catalogue does not know it."""

    @model_validator(mode="after")
    def _isolated_is_new(self) -> Self:
        if self.isolated and self.vpc_id:
            raise ValueError("isolated is about a new VPC; remove it, or vpc_id")
        if self.isolated and "nat_gateways" in self.model_fields_set:
            raise ValueError("isolated has no NAT gateways; remove nat_gateways")
        return self

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
    """Who hears of an alarm; without any of these the topics exist and nobody listens."""

    email: Annotated[str, Field(pattern=form.EMAIL)] | None = None
    """Who is written to; the address has to confirm the subscription once."""
    webhook: Annotated[str, Field(pattern=form.HTTPS_URL)] | None = None
    """Who is called with each page, such as a pager; it has to confirm the subscription once."""
    slack_workspace_id: Annotated[str, Field(pattern=form.SLACK_WORKSPACE)] | None = None
    """The Slack workspace, which has let AWS Chatbot in once, in its console."""
    slack_channel_id: Annotated[str, Field(pattern=form.SLACK_CHANNEL)] | None = None
    """The Slack channel that is written to."""
    budget_usd_per_month: Annotated[float, Field(gt=0)] | None = None
    """What the account may cost in a month; 80 % of it makes a ticket, and so does a forecast."""

    @model_validator(mode="after")
    def _slack_is_whole(self) -> Self:
        if (self.slack_workspace_id is None) != (self.slack_channel_id is None):
            raise ValueError("slack_workspace_id and slack_channel_id need each other; give both")
        return self


class Metrics(Table):
    """How what vLLM tells of itself is collected from ECS services."""

    prometheus: bool | None = None
    """Histograms go to an Amazon Managed Prometheus workspace; by default where CloudWatch in the
    region takes none."""
    collector_image: Annotated[str, Field(pattern=form.IMAGE_DIGEST)] | None = None
    """A copy of the collector's image in a private registry; an isolated network has no other."""


class Audit(Table):
    """Who read a model or called an endpoint; never what was asked or answered."""

    data_events: bool = True
    """CloudTrail writes down each access to the model store and each SageMaker invocation."""
    retention_days: Annotated[int, Field(ge=1, le=3653)] = 400
    """How long the records are kept."""


class Replicas(Table):
    """How many copies of the model serve: always `min`, at most `max`."""

    min: Annotated[int, Field(ge=0, le=100)] = 1
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
    accept_advisories: tuple[str, ...] = Field(default=(), strict=False)
    """Security advisories against this vLLM that are accepted, by their ids."""

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

    @field_validator("accept_advisories")
    @classmethod
    def _advisories_exist(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for advisory in catalog.advisories() for name in advisory.ids]
        for name in value:
            if name not in known:
                raise ValueError(f'no advisory is called "{name}".{nearest(name, known)}')
        return value

    @property
    def tagged_vllm_version(self) -> str | None:
        """The vLLM version that the tag of `base_image` names, as `0.33.0`."""
        found = re.search(r":v?(\d+\.\d+\.\d+)", self.base_image or "")
        return found[1] if found else None


class AlarmThresholds(Table):
    """When this service's alarms fire: seconds, requests, days, and shares of one."""

    error_ratio: Share = _LIMITS.error_ratio
    """Failed requests by all requests, above which the page alarm fires."""
    minimum_requests: Annotated[int, Field(ge=1)] = _LIMITS.minimum_requests
    """In five minutes; with fewer, one error would be a high ratio."""
    rejected_ratio: Share = _LIMITS.rejected_ratio
    """Requests turned away because the queue was full, by all requests."""
    ttft_seconds_p95: Seconds = _LIMITS.ttft_seconds_p95
    """Seconds to the first token, of the slowest of twenty requests."""
    itl_seconds_p95: Seconds = _LIMITS.itl_seconds_p95
    """Seconds between two tokens, of the slowest of twenty."""
    e2e_seconds_p95: Seconds = _LIMITS.e2e_seconds_p95
    """Seconds within which 95 of 100 answers must be complete."""
    waiting_requests: Annotated[int, Field(ge=1)] = _LIMITS.waiting_requests
    """Waiting in the queues of all replicas."""
    waiting_requests_per_replica: Annotated[int, Field(ge=1)] = _LIMITS.waiting_requests_per_replica
    """Waiting in one replica's queue."""
    kv_cache_usage: Share = _LIMITS.kv_cache_usage
    """Of the KV cache."""
    gpu_utilization: Share = _LIMITS.gpu_utilization
    """Below it for hours, while requests run, the GPU is larger than needed."""
    host_memory: Share = _LIMITS.host_memory
    """Of an instance's memory."""
    host_disk: Share = _LIMITS.host_disk
    """Of an instance's disk."""
    certificate_days: Annotated[int, Field(ge=1)] = _LIMITS.certificate_days
    """Until the certificate expires."""


class ModelStore(Table):
    """How the model store is filled."""

    hugging_face_token_secret: Annotated[str, Field(pattern=form.SECRET)] | None = None
    """A Secrets Manager secret, by name or ARN, whose whole text is a Hugging Face token;
    `cdk-vllm push --remote` reads gated models with it."""


class Lora(Table):
    """Adapters beside the model, one for each tenant or task; ECS only.

    `static` serves the adapters pinned here, pulled before the start: a new one is a deployment.
    `dynamic` serves whatever `cdk-vllm push-adapter` registers, within a minute.
    """

    mode: Literal["static", "dynamic"] = "static"
    """How adapters are found."""
    max_loras: Annotated[int, Field(ge=1, le=256)] = 4
    """Adapters at once in a batch; memory is reserved for them."""
    max_lora_rank: int = 16
    """The largest rank of an adapter; memory is reserved for it."""
    adapters: dict[str, str] = Field(default_factory=dict)
    """Name and version of each adapter, as `cdk-vllm push-adapter` prints them; static only."""

    @field_validator("max_lora_rank")
    @classmethod
    def _rank_is_one_of_vllms(cls, value: int) -> int:
        if value not in LORA_RANKS:
            allowed = ", ".join(map(str, LORA_RANKS))
            raise ValueError(f"max_lora_rank is {value}; vLLM takes {allowed}")
        return value

    @model_validator(mode="after")
    def _adapters_are_pinned_where_static(self) -> Self:
        if self.mode == "dynamic" and self.adapters:
            raise ValueError(
                "adapters are found by themselves in dynamic mode; leave the table out"
            )
        if self.mode == "static" and not self.adapters:
            raise ValueError(
                "there is no adapter; push one with `cdk-vllm push-adapter` and pin it, or set "
                'mode = "dynamic"'
            )
        for name, version in self.adapters.items():
            if not ADAPTER_NAME.fullmatch(name):
                raise ValueError(
                    f'an adapter cannot be called "{name}"; allowed: up to 63 lower-case letters, '
                    'digits, ".", "_" and "-"'
                )
            if not ADAPTER_VERSION.fullmatch(version):
                raise ValueError(
                    f'adapter {name} has version "{version}"; it has to be the 12 hexadecimal '
                    "digits that `cdk-vllm push-adapter` prints"
                )
        return self


class TokenIssuer(Table):
    """An OpenID Connect provider whose tokens the load balancer accepts in place of an API key."""

    issuer: Annotated[str, Field(pattern=form.HTTPS_URL)]
    """The issuer, as its tokens name it."""
    jwks_url: Annotated[str, Field(pattern=form.HTTPS_URL)]
    """Where its public keys are, reachable from the internet."""
    audiences: tuple[str, ...] = Field(default=(), strict=False)
    """Whom the tokens are for; one of these has to be in each."""


class Firewall(Table):
    """AWS WAF before the load balancer."""

    requests_per_minute: Annotated[int, Field(ge=10, le=2_000_000)] = 600
    """What one client, an IP address, may ask for in a minute."""


class Capacity(Table):
    """Where an ECS service's GPU instances come from."""

    spot: bool = False
    """All but the first `on_demand_base` instances are Spot's; the plan ranks by Spot prices."""
    on_demand_base: Annotated[int, Field(ge=0, le=100)] = 1
    """How many instances stay on demand beside Spot."""
    capacity_reservation_id: Annotated[str, Field(pattern=form.RESERVATION)] | None = None
    """A reservation that is used up first."""
    capacity_block: bool = False
    """The reservation is a capacity block for machine learning, and all there is."""
    subnet_id: Annotated[str, Field(pattern=form.SUBNET_ID)] | None = None
    """The subnet of a capacity block's zone."""
    warm_instances: Annotated[int, Field(ge=0, le=100)] = 0
    """Stopped instances that have pulled the image."""
    ami_id: Annotated[str, Field(pattern=form.AMI)] | None = None
    """An AMI to keep, in place of the newest at each deployment."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.warm_instances and (self.spot or self.capacity_block):
            other = "spot" if self.spot else "capacity_block"
            raise ValueError(f"EC2 keeps no warm instances beside {other}; remove one of the two")
        if self.spot and self.capacity_reservation_id:
            raise ValueError("capacity_reservation_id contradicts spot; remove one of the two")
        if self.capacity_block and not (self.capacity_reservation_id and self.subnet_id):
            raise ValueError(
                "capacity_block needs capacity_reservation_id, and subnet_id in the block's zone"
            )
        if self.subnet_id and not self.capacity_block:
            raise ValueError(
                "subnet_id is where a capacity block is, and one subnet is one zone; "
                "set capacity_block = true, or remove it"
            )
        return self


class Schedule(Table):
    """Narrower bounds of the replicas from a time on, until the next schedule."""

    cron: Annotated[str, Field(pattern=form.CRON)]
    """When, in AWS's six fields."""
    timezone: str = "UTC"
    """The time zone of `cron`, by its IANA name."""
    min: Annotated[int, Field(ge=0, le=100)]
    """Always running from then on."""
    max: Annotated[int, Field(ge=1, le=100)]
    """Never more than this from then on."""

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            known = ("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "Asia/Tokyo")
            raise ValueError(
                f'"{value}" is not a time zone; give an IANA name such as Europe/Berlin.'
                f"{nearest(value, known)}"
            ) from None
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max < self.min:
            raise ValueError(f"max is {self.max}, below min {self.min}; raise max or lower min")
        return self


class SageMaker(Table):
    """What only a SageMaker endpoint has."""

    isolated: bool | None = None
    """No network for the container; by default wherever it needs none."""
    rollout: Literal["all_at_once", "canary", "linear", "rolling"] | None = None
    """How an update reaches the instances; by default what their number and size allow."""
    capture_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Of how many requests prompts and answers are written down, encrypted, for 30 days."""
    reservation_arn: Annotated[str, Field(pattern=form.SAGEMAKER_RESERVATION)] | None = None
    """Reserved instances to run on, and nothing else."""
