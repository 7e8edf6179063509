"""Our own templates have no finding, and each hardening line that is removed is one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.checks import RULES, findings

if TYPE_CHECKING:
    from collections.abc import Callable

Template = dict[str, Any]

GONE = object()


def of(template: Template, kind: str) -> list[dict[str, Any]]:
    """Return the properties of a template's resources of one type."""
    return [body["Properties"] for body in template["Resources"].values() if body["Type"] == kind]


def put(template: Template, kind: str, path: str, value: Any) -> None:
    """Set a property, by dotted path with numbers for places in lists, or take it away."""
    for properties in of(template, kind):
        *parents, last = path.split(".")
        target: Any = properties
        for key in parents:
            target = target[int(key)] if key.isdigit() else target.setdefault(key, {})
        if value is GONE:
            target.pop(last, None)
        elif isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value


def pair(template: Template, kind: str, path: str, name: str, value: Any) -> None:
    """Set one value in a list of names and values, or take it away."""
    for properties in of(template, kind):
        entries: Any = properties
        for key in path.split("."):
            entries = entries[int(key)] if key.isdigit() else entries[key]
        for entry in list(entries):
            if name in (entry.get("Key"), entry.get("Name"), entry.get("Type")):
                field = "ValueFrom" if "ValueFrom" in entry else "Value"
                entries.remove(entry) if value is GONE else entry.update({field: value})


def flag(template: Template, name: str, value: Any) -> None:
    """Set or take away a flag of vLLM's command with its value, or add a bare one."""
    command = of(template, TASK)[0]["ContainerDefinitions"][0]["Command"]
    if name not in command:
        command.append(name)
    elif value is GONE:
        del command[command.index(name) : command.index(name) + 2]
    else:
        command[command.index(name) + 1] = value


TASK = "AWS::ECS::TaskDefinition"
SERVICE = "AWS::ECS::Service"
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGETS = "AWS::ElasticLoadBalancingV2::TargetGroup"
LAUNCH = "AWS::EC2::LaunchTemplate"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
PROVIDER = "AWS::ECS::CapacityProvider"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
SCALABLE = "AWS::ApplicationAutoScaling::ScalableTarget"
ALARM = "AWS::CloudWatch::Alarm"
BUCKET = "AWS::S3::Bucket"
MODEL = "AWS::SageMaker::Model"
CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"
ROLE = "AWS::IAM::Role"
ROLE_POLICY = "AWS::IAM::Policy"
REPOSITORY = "AWS::ECR::Repository"

CONTAINER = "ContainerDefinitions.0."
DATA = "LaunchTemplateData."
DEPLOYMENT = "DeploymentConfiguration."
BREAKER = DEPLOYMENT + "DeploymentCircuitBreaker."
VARIANT = "ProductionVariants.0."
VARIABLES = "PrimaryContainer.Environment."
TRACKING = "TargetTrackingScalingPolicyConfiguration."
VARIABLE_LIST = CONTAINER + "Environment"
EVERYBODY = {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000}
EVERYTHING = {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}


def setting(stack: str, kind: str, path: str, value: Any = GONE) -> tuple[str, Callable[..., None]]:
    return stack, lambda template: put(template, kind, path, value)


def named(stack: str, kind: str, path: str, name: str, value: Any = GONE) -> Any:
    return stack, lambda template: pair(template, kind, path, name, value)


def option(name: str, value: Any = GONE) -> Any:
    return "chat", lambda template: flag(template, name, value)


def user_data(line: str) -> Any:
    def change(template: Template) -> None:
        joined = of(template, LAUNCH)[0]["LaunchTemplateData"]["UserData"]["Fn::Base64"]["Fn::Join"]
        joined[1] = [p.replace(line, "") if isinstance(p, str) else p for p in joined[1]]

    return "chat", change


def without(stack: str, kind: str, word: str = "") -> Any:
    """Take away the resources of a type that mention a word."""

    def change(template: Template) -> None:
        resources = template["Resources"]
        for logical_id, body in list(resources.items()):
            if body["Type"] == kind and word in str(body):
                del resources[logical_id]

    return stack, change


def destroyed(kind: str) -> Any:
    def change(template: Template) -> None:
        for body in template["Resources"].values():
            if body["Type"] == kind:
                body["DeletionPolicy"] = "Delete"

    return "foundation", change


def bucket_policy(condition: str) -> Any:
    def change(template: Template) -> None:
        for policy in of(template, "AWS::S3::BucketPolicy"):
            statements = policy["PolicyDocument"]["Statement"]
            statements[:] = [s for s in statements if condition not in str(s)]

    return "foundation", change


# Each line takes one hardening away, and says which rule must see it.
REMOVED: list[tuple[str, tuple[str, Callable[[Template], None]]]] = [
    ("starts_without_a_shell", setting("chat", TASK, CONTAINER + "EntryPoint", ["bash", "-c"])),
    ("starts_without_a_shell", setting("chat", TASK, CONTAINER + "EntryPoint")),
    ("drains_before_it_stops", option("--shutdown-timeout")),
    ("drains_before_it_stops", option("--shutdown-timeout", "0")),
    ("drains_before_it_stops", setting("chat", TASK, CONTAINER + "StopTimeout", 100)),
    ("reserves_its_gpus", setting("chat", TASK, CONTAINER + "ResourceRequirements")),
    ("reserves_its_gpus", option("--tensor-parallel-size", "16")),
    ("asks_for_a_key", setting("chat", TASK, CONTAINER + "Secrets")),
    (
        "asks_for_a_key",
        setting("chat", TASK, VARIABLE_LIST, [{"Name": "VLLM_API_KEY", "Value": "x"}]),
    ),
    ("opens_nothing_dangerous", option("--trust-remote-code", "")),
    ("opens_nothing_dangerous", option("--enable-log-requests", "")),
    ("opens_nothing_dangerous", option("--api-key", "")),
    (
        "opens_nothing_dangerous",
        setting("chat", TASK, VARIABLE_LIST, [{"Name": "VLLM_SERVER_DEV_MODE", "Value": "1"}]),
    ),
    (
        "opens_nothing_dangerous",
        setting("chat", TASK, VARIABLE_LIST, [{"Name": "VLLM_LOGGING_LEVEL", "Value": "DEBUG"}]),
    ),
    ("loads_safe_weights", option("--load-format", "auto")),
    ("bounds_its_queue", option("--max-num-queued-reqs")),
    ("calls_nobody", named("chat", TASK, VARIABLE_LIST, "HF_HUB_OFFLINE")),
    ("calls_nobody", named("chat", TASK, VARIABLE_LIST, "VLLM_NO_USAGE_STATS")),
    ("runs_without_privileges", setting("chat", TASK, CONTAINER + "User")),
    ("runs_without_privileges", setting("chat", TASK, CONTAINER + "ReadonlyRootFilesystem")),
    ("runs_without_privileges", setting("chat", TASK, CONTAINER + "Privileged", value=True)),
    ("runs_without_privileges", setting("chat", TASK, CONTAINER + "DockerSecurityOptions")),
    (
        "runs_without_privileges",
        setting("chat", TASK, CONTAINER + "LinuxParameters.Capabilities"),
    ),
    ("has_room_to_work", setting("chat", TASK, CONTAINER + "LinuxParameters.SharedMemorySize", 64)),
    ("has_room_to_work", setting("chat", TASK, CONTAINER + "LinuxParameters.InitProcessEnabled")),
    ("has_room_to_work", named("chat", TASK, CONTAINER + "Ulimits", "memlock")),
    ("keeps_one_image", setting("chat", TASK, CONTAINER + "Image", "vllm/vllm-openai:latest")),
    ("keeps_one_image", setting("chat", TASK, CONTAINER + "VersionConsistency", "disabled")),
    ("deployment_finds_gpus", setting("chat", GROUP, "MaxSize", "1")),
    ("deployment_finds_gpus", setting("chat", SERVICE, DEPLOYMENT + "MaximumPercent", 100)),
    ("grace_covers_the_start", setting("chat", SERVICE, "HealthCheckGracePeriodSeconds", 60)),
    ("failed_deployment_rolls_back", setting("chat", SERVICE, BREAKER + "Enable", value=False)),
    ("failed_deployment_rolls_back", setting("chat", SERVICE, BREAKER + "Rollback", value=False)),
    ("failed_deployment_rolls_back", setting("chat", SERVICE, BREAKER + "ThresholdConfiguration")),
    ("failed_deployment_rolls_back", setting("chat", SERVICE, DEPLOYMENT + "Alarms")),
    ("rebalancing_is_decided", setting("chat", SERVICE, "AvailabilityZoneRebalancing")),
    ("nobody_logs_in", setting("chat", SERVICE, "EnableExecuteCommand", value=True)),
    ("costs_are_tagged", setting("chat", SERVICE, "PropagateTags")),
    ("costs_are_tagged", setting("chat", SERVICE, "EnableECSManagedTags")),
    ("loads_adapters_safely", named("chat", TASK, VARIABLE_LIST, "VLLM_PLUGINS")),
    ("containers_are_watched", setting("chat", "AWS::ECS::Cluster", "ClusterSettings")),
    ("credentials_need_a_token", setting("chat", LAUNCH, DATA + "MetadataOptions.HttpTokens")),
    (
        "credentials_need_a_token",
        setting("chat", LAUNCH, DATA + "MetadataOptions.HttpPutResponseHopLimit", 2),
    ),
    ("agent_is_configured", user_data("ECS_AWSVPC_BLOCK_IMDS=true\n")),
    ("agent_is_configured", user_data("ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n")),
    (
        "root_volume_is_encrypted_and_fast",
        setting("chat", LAUNCH, DATA + "BlockDeviceMappings.0.Ebs.Encrypted"),
    ),
    (
        "root_volume_is_encrypted_and_fast",
        setting("chat", LAUNCH, DATA + "BlockDeviceMappings.0.Ebs.Throughput"),
    ),
    (
        "root_volume_is_encrypted_and_fast",
        setting("chat", LAUNCH, DATA + "BlockDeviceMappings.0.Ebs.VolumeSize", 30),
    ),
    ("root_volume_is_encrypted_and_fast", setting("chat", LAUNCH, DATA + "BlockDeviceMappings")),
    ("nobody_has_a_key_to_it", setting("chat", LAUNCH, DATA + "KeyName", "ops")),
    (
        "instances_follow_tasks",
        setting("chat", PROVIDER, "AutoScalingGroupProvider.ManagedScaling"),
    ),
    (
        "instances_follow_tasks",
        setting("chat", PROVIDER, "AutoScalingGroupProvider.ManagedTerminationProtection"),
    ),
    (
        "instances_follow_tasks",
        setting("chat", PROVIDER, "AutoScalingGroupProvider.ManagedDraining"),
    ),
    ("new_instances_are_protected", setting("chat", GROUP, "NewInstancesProtectedFromScaleIn")),
    ("new_instances_are_protected", setting("chat", GROUP, "CapacityRebalance", value=True)),
    ("is_internal", setting("chat", BALANCER, "Scheme", "internet-facing")),
    ("refuses_by_default", setting("chat", LISTENER, "DefaultActions", [{"Type": "forward"}])),
    (
        "forwards_named_paths_only",
        setting("chat", RULE, "Conditions.0.PathPatternConfig.RegexValues", ["^/v1/"]),
    ),
    ("forwards_named_paths_only", setting("chat", RULE, "Conditions", [])),
    (
        "deletion_is_decided",
        named("chat", BALANCER, "LoadBalancerAttributes", "deletion_protection.enabled"),
    ),
    ("speaks_modern_tls", setting("chat", LISTENER, "SslPolicy")),
    (
        "logs_and_drops",
        named("chat", BALANCER, "LoadBalancerAttributes", "access_logs.s3.enabled"),
    ),
    (
        "logs_and_drops",
        named("chat", BALANCER, "LoadBalancerAttributes", "connection_logs.s3.enabled"),
    ),
    (
        "logs_and_drops",
        named(
            "chat",
            BALANCER,
            "LoadBalancerAttributes",
            "routing.http.drop_invalid_header_fields.enabled",
        ),
    ),
    (
        "waits_for_long_answers",
        named("chat", BALANCER, "LoadBalancerAttributes", "idle_timeout.timeout_seconds"),
    ),
    (
        "server_outlasts_the_balancer",
        named("chat", TASK, VARIABLE_LIST, "VLLM_HTTP_TIMEOUT_KEEP_ALIVE"),
    ),
    (
        "picks_the_least_busy",
        named("chat", TARGETS, "TargetGroupAttributes", "load_balancing.algorithm.type"),
    ),
    (
        "picks_the_least_busy",
        setting(
            "chat",
            TARGETS,
            "TargetGroupAttributes.0",
            {"Key": "slow_start.duration_seconds", "Value": "30"},
        ),
    ),
    ("asks_for_health", setting("chat", TARGETS, "HealthCheckPath", "/v1/models")),
    (
        "security_groups_are_closed",
        setting("chat", "AWS::EC2::SecurityGroup", "SecurityGroupIngress", [EVERYBODY]),
    ),
    (
        "security_groups_are_closed",
        setting("chat", "AWS::EC2::SecurityGroup", "SecurityGroupEgress", [EVERYTHING]),
    ),
    ("security_groups_are_closed", without("summaries", "AWS::EC2::SecurityGroupEgress")),
    (
        "scales_on_requests",
        setting(
            "chat",
            POLICY,
            TRACKING + "PredefinedMetricSpecification.PredefinedMetricType",
            "ECSServiceAverageCPUUtilization",
        ),
    ),
    ("waits_for_what_it_started", setting("chat", POLICY, TRACKING + "ScaleOutCooldown")),
    ("waits_for_what_it_started", setting("summaries", POLICY, TRACKING + "ScaleInCooldown", 300)),
    ("keeps_a_replica", setting("chat", SCALABLE, "MinCapacity", 0)),
    ("alarms_tell_somebody", setting("chat", ALARM, "AlarmActions")),
    ("alarms_tell_somebody", setting("chat", "AWS::CloudWatch::CompositeAlarm", "AlarmActions")),
    ("alarms_decide_about_silence", setting("summaries", ALARM, "TreatMissingData")),
    ("alarms_say_what_to_do", setting("summaries", ALARM, "AlarmDescription")),
    ("services_are_watched", without("chat", ALARM, "5XX")),
    ("services_are_watched", without("chat", ALARM, "'breaching'")),
    ("services_are_watched", without("summaries", ALARM, "5XX")),
    ("memory_is_no_alarm", setting("summaries", ALARM, "MetricName", "GPUMemoryUtilization")),
    ("buckets_are_private", setting("foundation", BUCKET, "PublicAccessBlockConfiguration")),
    ("buckets_are_encrypted_and_versioned", setting("foundation", BUCKET, "BucketEncryption")),
    (
        "buckets_are_encrypted_and_versioned",
        setting("foundation", BUCKET, "VersioningConfiguration"),
    ),
    ("buckets_want_tls", bucket_policy("aws:SecureTransport")),
    ("buckets_want_tls", bucket_policy("s3:TlsVersion")),
    ("bucket_access_is_logged", setting("foundation", BUCKET, "LoggingConfiguration")),
    ("keys_rotate", setting("foundation", "AWS::KMS::Key", "EnableKeyRotation")),
    ("keys_rotate", setting("summaries", "AWS::KMS::Key", "EnableKeyRotation", value=False)),
    ("stores_outlive_their_stack", destroyed(BUCKET)),
    ("stores_outlive_their_stack", destroyed(REPOSITORY)),
    ("logs_are_encrypted_and_end", setting("chat", "AWS::Logs::LogGroup", "KmsKeyId")),
    ("logs_are_encrypted_and_end", setting("summaries", "AWS::Logs::LogGroup", "RetentionInDays")),
    (
        "topics_are_encrypted_and_want_tls",
        setting("foundation", "AWS::SNS::Topic", "KmsMasterKeyId"),
    ),
    ("topics_are_encrypted_and_want_tls", without("foundation", "AWS::SNS::TopicPolicy")),
    ("images_are_fixed_and_scanned", setting("foundation", REPOSITORY, "ImageTagMutability")),
    (
        "images_are_fixed_and_scanned",
        setting("foundation", REPOSITORY, "ImageScanningConfiguration"),
    ),
    ("images_are_fixed_and_scanned", setting("foundation", REPOSITORY, "EncryptionConfiguration")),
    ("images_are_fixed_and_scanned", setting("foundation", REPOSITORY, "LifecyclePolicy")),
    ("networks_are_logged", without("foundation", "AWS::EC2::FlowLog")),
    ("weights_take_the_free_way", without("foundation", "AWS::EC2::VPCEndpoint")),
    (
        "actions_are_named",
        setting("chat", ROLE_POLICY, "PolicyDocument.Statement.0.Action", "s3:Get*"),
    ),
    (
        "roles_have_no_full_access",
        setting("summaries", ROLE, "ManagedPolicyArns", ["AmazonSageMakerFullAccess"]),
    ),
    (
        "servers_write_no_weights",
        setting("chat", ROLE_POLICY, "PolicyDocument.Statement.0.Action", "s3:PutObject"),
    ),
    (
        "servers_write_no_weights",
        setting("summaries", ROLE_POLICY, "PolicyDocument.Statement.0.Action", ["s3:PutObject"]),
    ),
    (
        "servers_list_their_prefix_only",
        setting("chat", ROLE_POLICY, "PolicyDocument.Statement.1.Condition"),
    ),
    (
        "service_roles_know_their_account",
        setting("chat", ROLE, "AssumeRolePolicyDocument.Statement.0.Condition"),
    ),
    (
        "service_roles_know_their_account",
        setting("summaries", ROLE, "AssumeRolePolicyDocument.Statement.0.Condition"),
    ),
    (
        "no_secret_is_written_down",
        setting("chat", TASK, VARIABLE_LIST + ".0.Value", "hf_" + "a" * 34),
    ),
    (
        "no_secret_is_written_down",
        setting("chat", "AWS::SecretsManager::Secret", "SecretString", "x"),
    ),
    (
        "weights_are_copied_as_they_are",
        setting(
            "summaries",
            MODEL,
            "PrimaryContainer.ModelDataSource.S3DataSource.CompressionType",
            "Gzip",
        ),
    ),
    (
        "weights_are_copied_as_they_are",
        setting(
            "summaries",
            MODEL,
            "PrimaryContainer.ModelDataSource.S3DataSource.S3Uri",
            "s3://b/models/a",
        ),
    ),
    (
        "isolated_model_streams_nothing",
        setting("summaries", MODEL, VARIABLES + "SM_VLLM_MODEL", "s3://bucket/models/"),
    ),
    ("model_has_no_secret", setting("summaries", MODEL, VARIABLES + "HF_TOKEN", "x")),
    (
        "model_opens_nothing_dangerous",
        setting("summaries", MODEL, VARIABLES + "SM_VLLM_TRUST_REMOTE_CODE", "true"),
    ),
    ("model_loads_safe_weights", setting("summaries", MODEL, VARIABLES + "SM_VLLM_LOAD_FORMAT")),
    (
        "model_loads_safe_weights",
        setting("summaries", MODEL, VARIABLES + "STANDARD_AUTO_INSTALL_REQ"),
    ),
    (
        "model_drains_in_time",
        setting("summaries", MODEL, VARIABLES + "SM_VLLM_SHUTDOWN_TIMEOUT", "60"),
    ),
    ("driver_is_new_enough", setting("summaries", CONFIG, VARIANT + "InferenceAmiVersion")),
    (
        "start_has_time",
        setting("summaries", CONFIG, VARIANT + "ContainerStartupHealthCheckTimeoutInSeconds"),
    ),
    (
        "start_has_time",
        setting("summaries", CONFIG, VARIANT + "ModelDataDownloadTimeoutInSeconds", 7200),
    ),
    ("requests_go_to_the_least_busy", setting("summaries", CONFIG, VARIANT + "RoutingConfig")),
    ("config_can_be_made", setting("summaries", CONFIG, "KmsKeyId", "key")),
    ("config_can_be_made", setting("summaries", CONFIG, "EndpointConfigName", "fixed")),
    (
        "captured_prompts_are_kept_safe",
        setting("summaries", CONFIG, "DataCaptureConfig", {"EnableCapture": True}),
    ),
    (
        "failed_update_rolls_back",
        setting("summaries", ENDPOINT, "DeploymentConfig.AutoRollbackConfiguration"),
    ),
]


def test_our_templates_have_no_finding(templates: dict[str, Template]) -> None:
    found = {name: findings(template) for name, template in templates.items()}
    assert found == {name: [] for name in templates}


@pytest.mark.parametrize(
    ("rule", "removal"),
    REMOVED,
    ids=[f"{number}-{rule}" for number, (rule, _) in enumerate(REMOVED)],
)
def test_a_hardening_line_that_is_gone_is_found(
    templates: dict[str, Template], rule: str, removal: tuple[str, Callable[[Template], None]]
) -> None:
    stack, change = removal
    template = copy.deepcopy(templates[f"prod-{stack}"])
    change(template)
    assert rule in {finding.rule for finding in findings(template)}


def test_every_removal_has_its_rule_and_every_rule_a_reason() -> None:
    assert {rule for rule, _ in REMOVED} <= set(RULES)
    for rule in RULES.values():
        assert rule.__doc__ is not None
        assert len(rule.__doc__) >= 30


def test_an_empty_template_and_foreign_resources_have_no_finding() -> None:
    assert findings({}) == []
    assert findings({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}) == []


def test_a_finding_names_its_resource_and_what_is_wrong() -> None:
    template = {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}}
    (finding,) = findings(template)
    assert (finding.rule, finding.logical_id) == ("keys_rotate", "Key")
    assert finding.message == "EnableKeyRotation is not true"
