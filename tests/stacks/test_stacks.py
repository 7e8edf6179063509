"""All stacks together: valid by three judges, stable, and deployable to the embedded AWS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import boto3
import pytest
from moto import mock_aws

from cdk_vllm import environment_file
from cdk_vllm.embedded_aws import install
from stacks import service_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Template = dict[str, Any]
ROOT = Path(__file__).parents[2]

# A change here replaces what people stored or call: it is a new major version.
STABLE = {
    "prod-foundation": {
        "AlarmsPage688D8ED1": "AWS::SNS::Topic",
        "AlarmsTicket47065398": "AWS::SNS::Topic",
        "ImagesRepository2D0F5B9C": "AWS::ECR::Repository",
        "LogsBucket5C52C3D2": "AWS::S3::Bucket",
        "ModelsBucket970C6ADA": "AWS::S3::Bucket",
        "ModelsKeyC1527AC1": "AWS::KMS::Key",
        "NetworkVpc7FB7348F": "AWS::EC2::VPC",
    },
    "prod-chat": {
        "FrontDoorLoadBalancerB3799F30": "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "ServiceApiKeyF4DD53BB": "AWS::SecretsManager::Secret",
        "ServiceD69D759B": "AWS::ECS::Service",
    },
    "prod-summaries": {"ServiceEndpoint4A715D17": "AWS::SageMaker::Endpoint"},
}


def test_every_environment_has_its_stacks(templates: dict[str, Template]) -> None:
    assert list(templates) == [
        f"{environment}-{stack}"
        for environment in ("dev", "prod")
        for stack in ("chat", "foundation", "summaries")
    ]


@pytest.mark.parametrize("stack", STABLE)
def test_what_must_not_be_replaced_keeps_its_logical_id(
    templates: dict[str, Template], stack: str
) -> None:
    resources = templates[stack]["Resources"]
    assert {name: resources[name]["Type"] for name in STABLE[stack]} == STABLE[stack]


def test_cloudformations_own_rules_find_no_error(
    synthesize: Callable[..., Path], tmp_path: Path
) -> None:
    # `synth` raises with the findings where there are any.
    synthesize(tmp_path, validate=True)
    assert list(tmp_path.glob("assembly-*"))


def test_cloudformations_own_rules_are_awake(validating_app: cdk.App) -> None:
    stack = cdk.Stack(validating_app, "Stack")
    cdk.CfnResource(stack, "Wrong", type="AWS::S3::Bucket", properties={"Bucket": "x"})
    with pytest.raises(RuntimeError, match="Additional properties are not allowed"):
        validating_app.synth()


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_cfn_lint_finds_nothing_in_the_environments_region(
    templates: dict[str, Template], tmp_path: Path, environment: str
) -> None:
    """It also knows which region has which instance type."""
    file = ROOT / "environments" / f"{environment}.toml"
    for name, template in templates.items():
        if name.startswith(environment):
            (tmp_path / f"{name}.json").write_text(json.dumps(template))
    # W3005: the CDK writes a dependency beside a reference that says the same.
    options = ["--regions", environment_file.load(file).region, "--ignore-checks", "W3005"]
    main = "from cfnlint import runner; runner.main()"
    command = [sys.executable, "-c", main, *options, "--", *map(str, tmp_path.glob("*.json"))]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, re.sub(r"is not one of \[.*?\]", "is not offered", run.stdout)


def test_templates_fit_into_cloudformation(templates: dict[str, Template]) -> None:
    for template in templates.values():
        assert len(json.dumps(template)) < 400_000
        assert len(template["Resources"]) < 150


def test_a_backend_is_imported_on_demand() -> None:
    program = (
        "import sys; from stacks import service_stack; "
        "assert 'aws_cdk.aws_sagemaker' not in sys.modules; service_stack('ecs'); "
        "assert 'aws_cdk.aws_sagemaker' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
    assert service_stack("sagemaker").__name__ == "SageMakerStack"  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def aws(templates: dict[str, Template]) -> Iterator[Callable[[str], Any]]:
    """Give clients of an embedded AWS that the development environment is deployed to."""
    install()

    def client(service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    with mock_aws():
        version = "/cdk-bootstrap/hnb659fds/version"
        client("ssm").put_parameter(Name=version, Value="30", Type="String")
        cloudformation = client("cloudformation")
        for name in ("dev-foundation", "dev-chat", "dev-summaries"):
            cloudformation.create_stack(
                StackName=name,
                TemplateBody=json.dumps(templates[name]),
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )
        yield client


def outputs(aws: Callable[[str], Any], stack: str) -> dict[str, str]:
    (found,) = aws("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    assert found["StackStatus"] == "CREATE_COMPLETE"
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def test_a_deployed_ecs_service_is_wired_to_its_balancer_and_its_gpus(
    aws: Callable[[str], Any],
) -> None:
    assert outputs(aws, "dev-chat")["BaseUrl"].startswith("http://")
    ecs = aws("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    (arn,) = ecs.list_services(cluster=cluster)["serviceArns"]
    (service,) = ecs.describe_services(cluster=cluster, services=[arn])["services"]
    (balancer,) = service["loadBalancers"]
    (group,) = aws("elbv2").describe_target_groups()["TargetGroups"]
    assert balancer["targetGroupArn"] == group["TargetGroupArn"]
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] is True
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    container = task["containerDefinitions"][0]
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert "@sha256:" in container["image"]
    (instances,) = aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (instances["MinSize"], instances["MaxSize"]) == (0, 8)


def test_a_deployed_endpoint_is_in_service_with_the_model_in_the_store(
    aws: Callable[[str], Any],
) -> None:
    bucket = outputs(aws, "dev-foundation")["ModelBucket"]
    name = outputs(aws, "dev-summaries")["EndpointName"]
    sagemaker = aws("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    assert endpoint["EndpointStatus"] == "InService"
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    source = model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"].startswith(f"s3://{bucket}/models/mistralai/")


def test_deployed_alarms_reach_a_topic_that_exists(aws: Callable[[str], Any]) -> None:
    topics = {topic["TopicArn"] for topic in aws("sns").list_topics()["Topics"]}
    alarms = aws("cloudwatch").describe_alarms()["MetricAlarms"]
    # Target tracking makes alarms of its own, which tell nobody but the scaling policy.
    ours = [alarm for alarm in alarms if not alarm["AlarmName"].startswith("TargetTracking-")]
    assert len(ours) >= 9
    assert all(set(alarm["AlarmActions"]) <= topics for alarm in ours)


def test_a_mistake_ends_in_one_sentence(tmp_path: Path) -> None:
    context = {"environments": str(tmp_path / "prodd.toml")}
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    # jsii may first say what it thinks of the Node it found.
    last = run.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "prodd.toml does not exist" in last
    assert "Traceback" not in run.stderr
