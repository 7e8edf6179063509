"""Each fix by the call it mends, apart from any stack; the rest is seen in the types' own tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws.fidelity.s3 import applies

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]


def deny(**condition: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::bucket-one/*",
    }
    return {**statement, **({"Condition": condition} if condition else {})}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"Bool": {"aws:SecureTransport": False}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": "1.3"}}, True),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, False),
        ({"ArnLike": {"aws:SecureTransport": "x"}}, False),
        ({}, True),
    ],
)
def test_a_statement_applies_where_its_condition_holds(
    condition: dict[str, Any], holds: bool
) -> None:
    assert applies(deny(**condition)) is holds


def test_a_denial_without_tls_lets_loopback_write(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="bucket-one")

    def put(statement: dict[str, Any]) -> None:
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket="bucket-one", Policy=json.dumps(policy))
        s3.put_object(Bucket="bucket-one", Key="k", Body=b"x")

    put(deny(Bool={"aws:SecureTransport": "false"}))
    with pytest.raises(ClientError, match="Forbidden"):
        put(deny())


def test_logging_may_be_turned_on_before_its_policy_is_there(client: Client) -> None:
    s3 = client("s3")
    for name in ("bucket-one", "bucket-logs"):
        s3.create_bucket(Bucket=name)
    target = {"LoggingEnabled": {"TargetBucket": "bucket-logs", "TargetPrefix": "p/"}}
    s3.put_bucket_logging(Bucket="bucket-one", BucketLoggingStatus=target)
    shown = s3.get_bucket_logging(Bucket="bucket-one")["LoggingEnabled"]
    assert shown["TargetBucket"] == "bucket-logs"


def test_memory_may_be_reserved_and_not_limited(client: Client) -> None:
    container = {"name": "a", "image": "i", "memoryReservation": 1024}
    ecs = client("ecs")
    ecs.register_task_definition(
        family="f", requiresCompatibilities=["EC2"], containerDefinitions=[container]
    )
    with pytest.raises(ClientError, match="memory"):
        ecs.register_task_definition(family="f", containerDefinitions=[{"name": "a", "image": "i"}])


def test_capacity_providers_are_described_without_a_name(client: Client) -> None:
    assert client("ecs").describe_capacity_providers()["capacityProviders"] == []


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.p5.48xlarge", "ml.p6-b200.48xlarge"])
def test_todays_instance_types_are_accepted(client: Client, instance_type: str) -> None:
    client("sagemaker").create_model(ModelName="m", PrimaryContainer={"Image": "i"})
    variant = {
        "VariantName": "main",
        "ModelName": "m",
        "InstanceType": instance_type,
        "InitialInstanceCount": 1,
    }
    client("sagemaker").create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])


def test_a_variant_needs_something_to_run_on(client: Client) -> None:
    with pytest.raises(ClientError, match="InstancePools"):
        client("sagemaker").create_endpoint_config(
            EndpointConfigName="c",
            ProductionVariants=[{"VariantName": "main", "ModelName": "m"}],
        )


def test_an_endpoint_takes_only_a_configuration_that_is_there(client: Client) -> None:
    sagemaker = client("sagemaker")
    with pytest.raises(ClientError, match="nowhere"):
        sagemaker.update_endpoint(EndpointName="nowhere", EndpointConfigName="c")


def variant(**more: Any) -> dict[str, Any]:
    return {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 2, **more}


def pools(*types: str) -> dict[str, Any]:
    ordered = [{"InstanceType": name, "Priority": i} for i, name in enumerate(types, start=1)]
    return {"InstancePools": ordered}


@pytest.mark.parametrize(
    ("variants", "config", "says"),
    [
        (variant(InstanceType="ml.g6e.xlarge", VolumeSizeInGB=100), {}, "VolumeSizeInGB"),
        (variant(InstanceType="ml.g6e.xlarge"), {"KmsKeyId": "k"}, "KmsKeyId"),
        (variant(**pools("ml.g6e.xlarge")), {"KmsKeyId": "k"}, "KmsKeyId"),
        (variant(InstanceType="ml.g5.xlarge", **pools("ml.g6e.xlarge")), {}, "both"),
        (variant(**pools("ml.g6e.xlarge", "ml.g6e.xlarge")), {}, "distinct"),
        (variant(**pools("ml.g6e.xlarge", "ml.g9.xlarge")), {}, "ml.g9.xlarge"),
        (variant(InstanceType="ml.g6e.xlarge", ModelName="nobody"), {}, "nobody"),
    ],
)
def test_a_configuration_that_sagemaker_refuses_is_refused(
    client: Client, variants: dict[str, Any], config: dict[str, Any], says: str
) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"})
    with pytest.raises(ClientError, match=says):
        sagemaker.create_endpoint_config(
            EndpointConfigName="c", ProductionVariants=[variants], **config
        )


def test_an_endpoint_tells_what_its_configuration_told_it(client: Client) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "r@sha256:1"})
    sagemaker.create_endpoint_config(
        EndpointConfigName="c",
        ProductionVariants=[variant(**pools("ml.g6e.xlarge", "ml.g7e.2xlarge"))],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://b/o"}},
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 5,
            "DestinationS3Uri": "s3://b/c",
            "KmsKeyId": "k",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
        MetricsConfig={"EnableDetailedObservability": True},
    )
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    shown = sagemaker.describe_endpoint(EndpointName="e")
    (made,) = shown["ProductionVariants"]
    assert [(p["InstanceType"], p["CurrentInstanceCount"]) for p in made["InstancePools"]] == [
        ("ml.g6e.xlarge", 2),
        ("ml.g7e.2xlarge", 0),
    ]
    assert made["DeployedImages"][0]["ResolvedImage"] == "r@sha256:1"
    assert shown["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert shown["DataCaptureConfig"]["CurrentSamplingPercentage"] == 5
    assert shown["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"] == "s3://b/o"
    assert shown["MetricsConfig"] == {"EnableDetailedObservability": True}


def test_components_need_a_shared_endpoint_and_something_to_run(client: Client) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "i"})
    alone = {k: v for k, v in variant(InstanceType="ml.g6e.xlarge").items() if k != "ModelName"}
    for name, given in (("own", {**alone, "ModelName": "m"}), ("shared", alone)):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[given])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    needs = {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1024}
    good: dict[str, Any] = {"ModelName": "m", "ComputeResourceRequirements": needs}

    def create(endpoint: str = "shared", **specification: Any) -> None:
        sagemaker.create_inference_component(
            InferenceComponentName="chat",
            EndpointName=endpoint,
            VariantName="v",
            Specification=specification,
            RuntimeConfig={"CopyCount": 1},
        )

    with pytest.raises(ClientError, match="no inference components"):
        create("own", **good)
    with pytest.raises(ClientError, match="nowhere"):
        create("nowhere", **good)
    with pytest.raises(ClientError, match="needs ComputeResourceRequirements"):
        create(ModelName="m")
    with pytest.raises(ClientError, match="nobody"):
        create(ModelName="nobody", ComputeResourceRequirements=needs)
    with pytest.raises(ClientError, match="'base'"):
        create(BaseInferenceComponentName="base")
    create(**good)
    with pytest.raises(ClientError, match="already existing"):
        create(**good)
    with pytest.raises(ClientError, match="still has inference components"):
        sagemaker.delete_endpoint(EndpointName="shared")
    sagemaker.delete_inference_component(InferenceComponentName="chat")
    with pytest.raises(ClientError, match="Could not find inference component"):
        sagemaker.describe_inference_component(InferenceComponentName="chat")
    sagemaker.delete_endpoint(EndpointName="shared")


def test_cloudtrail_has_seen_nothing(client: Client) -> None:
    assert client("cloudtrail").lookup_events()["Events"] == []


def test_a_changed_scaling_policy_stays_the_same(client: Client) -> None:
    scaling = client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/e/variant/v",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    client("sagemaker").create_model(ModelName="m", PrimaryContainer={"Image": "i"})
    client("sagemaker").create_endpoint_config(
        EndpointConfigName="c",
        ProductionVariants=[
            {
                "VariantName": "v",
                "ModelName": "m",
                "InstanceType": "ml.g5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
    )
    client("sagemaker").create_endpoint(EndpointName="e", EndpointConfigName="c")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)

    def put(value: int) -> str:
        answer = scaling.put_scaling_policy(
            **target,
            PolicyName="p",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={"TargetValue": value},
        )
        return str(answer["PolicyARN"])

    assert put(1) == put(2)


def test_a_rule_from_a_prefix_list_keeps_its_description(client: Client) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    lists = ec2.create_managed_prefix_list(PrefixListName="l", MaxEntries=1, AddressFamily="IPv4")[
        "PrefixList"
    ]
    peer = {"PrefixListId": lists["PrefixListId"], "Description": "S3"}
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [peer]}
    answer = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[permission])
    identity = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    (rule,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[identity])[
        "SecurityGroupRules"
    ]
    assert rule["Description"] == "S3"


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [
        ({"RegexValues": ["^/v1/(completions|models)$"]}, True),
        ({"RegexValues": ["^/v1/(completions"]}, False),
        ({"RegexValues": ["a" * 129]}, False),
        ({"RegexValues": ["^/v1$"], "Values": ["/v1"]}, False),
        ({"Values": ["/v1"]}, True),
    ],
)
def test_a_path_may_be_a_regular_expression(
    client: Client, condition: dict[str, list[str]], accepted: bool
) -> None:
    ec2, elbv2 = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for cidr, zone in (("10.9.1.0/24", "us-east-1a"), ("10.9.2.0/24", "us-east-1b"))
    ]
    balancer = elbv2.create_load_balancer(Name="b", Subnets=made)["LoadBalancers"][0]
    refusal = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[refusal],
    )["Listeners"][0]["ListenerArn"]
    asked = {
        "ListenerArn": listener,
        "Priority": 1,
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": condition}],
        "Actions": [refusal],
    }
    if accepted:
        (rule,) = elbv2.create_rule(**asked)["Rules"]
        assert rule["Conditions"][0]["PathPatternConfig"] == condition
    else:
        with pytest.raises(ClientError):
            elbv2.create_rule(**asked)


def test_a_load_balancer_that_is_protected_is_not_deleted(client: Client) -> None:
    ec2, elbv2 = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{z}")[
            "Subnet"
        ]["SubnetId"]
        for i, z in enumerate("ab")
    ]
    (balancer,) = elbv2.create_load_balancer(Name="b", Subnets=subnets)["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]

    def protect(value: str) -> None:
        attribute = {"Key": "deletion_protection.enabled", "Value": value}
        elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[attribute])

    protect("true")
    with pytest.raises(ClientError, match="deletion protection is enabled"):
        elbv2.delete_load_balancer(LoadBalancerArn=arn)
    protect("false")
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
