"""A model as SageMaker knows it: image, options, weights, role and network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_sagemaker as sagemaker

from cdk_vllm.constructs.vllm_container import sagemaker_environment
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from constructs import Construct

    from cdk_vllm.constructs.image import Image
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.sizing import ServingPlan

_Kind = sagemaker.CfnModel


def streams_weights(plan: ServingPlan) -> bool:
    """Tell whether the engine itself reads the weights from S3, so that the container must too."""
    return plan.load == "stream"


def is_isolated(plan: ServingPlan, asked: bool | None) -> bool:
    """Return whether the container has no network: by default wherever it needs none.

    Raises:
        InputError: isolation was asked for, and the weights stream from S3.
    """
    if asked and streams_weights(plan):
        raise InputError(
            f"isolated is true, and {plan.request.model} streams its weights from S3, which an "
            'isolated container cannot reach; set load = "disk", or leave isolated out'
        )
    return not streams_weights(plan) if asked is None else asked


def endpoint_security_group(scope: Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    """Return a group that lets nothing in and nothing out; see `let_out_to`."""
    return ec2.SecurityGroup(
        scope,
        "SecurityGroup",
        vpc=vpc,
        description="SageMaker endpoint: to S3, nothing in",
        allow_all_outbound=False,
    )


def let_out_to(models: ModelStore, group: ec2.SecurityGroup) -> None:
    """Let an endpoint fetch weights from S3, where the store knows S3 to be."""
    group.add_egress_rule(models.network_peer, ec2.Port.tcp(443), "Model weights from S3")


def sagemaker_model(
    scope: Construct,
    construct_id: str,
    *,
    plan: ServingPlan,
    role: iam.Role,
    models: ModelStore,
    image: Image,
    isolated: bool,
    vpc_config: sagemaker.CfnModel.VpcConfigProperty | None,
) -> sagemaker.CfnModel:
    """Return a model whose weights lie uncompressed below its prefix in the store.

    SageMaker copies them to the instance, or, where the plan says so, the engine streams them.
    """
    environment = sagemaker_environment(plan)
    uri = models.model_uri(plan.request.model, plan.request.revision)
    source = None
    if streams_weights(plan):
        environment |= _streaming(plan, uri)
    else:
        source = _Kind.ModelDataSourceProperty(
            s3_data_source=_Kind.S3DataSourceProperty(
                s3_uri=uri, s3_data_type="S3Prefix", compression_type="None"
            )
        )
    model = _Kind(
        scope,
        construct_id,
        execution_role_arn=role.role_arn,
        enable_network_isolation=isolated,
        vpc_config=vpc_config,
        primary_container=_Kind.ContainerDefinitionProperty(
            image=image.image_uri, environment=environment, model_data_source=source
        ),
    )
    model.node.add_dependency(role)
    if not isolated and not streams_weights(plan):
        # In the template, so that who checks it knows that somebody asked for it.
        Stack.of(scope).add_metadata("cdk-vllm:network-isolation", "off")
    return model


def _streaming(plan: ServingPlan, uri: str) -> dict[str, str]:
    """Each rank of several streams its share and passes it on, instead of all streaming it all."""
    options = {"SM_VLLM_MODEL": uri, "SM_VLLM_LOAD_FORMAT": "runai_streamer"}
    if plan.tensor_parallel_size > 1:
        options["SM_VLLM_MODEL_LOADER_EXTRA_CONFIG"] = '{"distributed":true}'
    return options


def private_subnets(vpc: ec2.IVpc) -> list[str]:
    """Return the subnets that an endpoint's network interfaces lie in; SageMaker wants two zones.

    A network without a way out has none "with egress"; its own private ones do as well.
    """
    kind = ec2.SubnetType
    wanted = kind.PRIVATE_WITH_EGRESS if vpc.private_subnets else kind.PRIVATE_ISOLATED
    return list(vpc.select_subnets(subnet_type=wanted).subnet_ids)
