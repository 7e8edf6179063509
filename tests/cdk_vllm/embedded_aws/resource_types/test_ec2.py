from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(kind: str) -> dict[str, Any]:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {
                "LaunchTemplateData": {
                    "BlockDeviceMappings": [
                        {
                            "DeviceName": "/dev/xvda",
                            "Ebs": {"Encrypted": True, "VolumeSize": 200, "VolumeType": "gp3"},
                        }
                    ],
                    "ImageId": "ami-12345678",
                    "InstanceType": kind,
                    "MetadataOptions": {"HttpTokens": "required"},
                    "UserData": {"Fn::Base64": "#!/bin/sh"},
                }
            },
        },
        "Endpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "RouteTableIds": [{"Ref": "Table"}],
                "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
                "VpcEndpointType": "Gateway",
                "VpcId": {"Ref": "Vpc"},
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Flow": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {
                "LogDestination": {"Fn::Sub": "${Bucket.Arn}/vpc/"},
                "LogDestinationType": "s3",
                "ResourceId": {"Ref": "Vpc"},
                "ResourceType": "VPC",
                "TrafficType": "REJECT",
            },
        },
    }


def test_templates_endpoints_and_flow_logs_are_read_and_change(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    ec2, ids = client("ec2"), deployed(**resources("g5.xlarge"))

    def latest() -> dict[str, Any]:
        versions = ec2.describe_launch_template_versions(
            LaunchTemplateId=ids["Template"], Versions=["$Latest"]
        )
        return dict(versions["LaunchTemplateVersions"][0]["LaunchTemplateData"])

    assert latest()["InstanceType"] == "g5.xlarge"
    assert latest()["MetadataOptions"]["HttpTokens"] == "required"
    assert latest()["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 200
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[ids["Endpoint"]])["VpcEndpoints"]
    assert endpoint["RouteTableIds"] == [ids["Table"]]
    assert endpoint["VpcEndpointType"] == "Gateway"
    (flow,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (flow["FlowLogId"], flow["TrafficType"]) == (ids["Flow"], "REJECT")
    assert flow["LogDestination"] == f"arn:aws:s3:::{ids['Bucket']}/vpc/"
    assert deployed(**resources("g6.xlarge")) == ids
    assert latest()["InstanceType"] == "g6.xlarge"
    destroyed()
    assert not ec2.describe_launch_templates()["LaunchTemplates"]
    assert not ec2.describe_flow_logs()["FlowLogs"]
