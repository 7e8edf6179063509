from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_security_group_and_its_rules(client: Client, wrong: Wrong) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="web", Description="Web", VpcId=vpc)["GroupId"]
    peer = ec2.create_security_group(GroupName="alb", Description="Alb", VpcId=vpc)["GroupId"]
    ports = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8001}
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {**ports, "UserIdGroupPairs": [{"GroupId": peer, "Description": "from the ALB"}]}
        ],
    )
    rule = {**ports, "SourceSecurityGroupId": peer, "Description": "from the ALB"}
    every_egress = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
    written = {
        "GroupDescription": "Web",
        "GroupName": "web",
        "SecurityGroupEgress": [every_egress],
        "SecurityGroupIngress": [rule],
        "VpcId": vpc,
    }
    assert wrong("EC2::SecurityGroup", group, written) == []
    other = {**rule, "CidrIp": "0.0.0.0/0"}
    assert wrong("EC2::SecurityGroup", group, {"SecurityGroupIngress": [other]})

    # Found by what it allows, and by the rule's own id.
    assert wrong("EC2::SecurityGroupIngress", "Rule", {**rule, "GroupId": group}) == []
    assert wrong("EC2::SecurityGroupEgress", "Rule", {**every_egress, "GroupId": group}) == []
    assert not exists(
        client, "AWS::EC2::SecurityGroupIngress", "Rule", {**rule, "GroupId": group, "ToPort": 9}
    )
    answer = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    (rule_id,) = (
        r["SecurityGroupRuleId"] for r in answer["SecurityGroupRules"] if not r["IsEgress"]
    )
    assert wrong("EC2::SecurityGroupIngress", rule_id, {**rule, "GroupId": group}) == []
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule_id])
    assert not exists(client, "AWS::EC2::SecurityGroupIngress", rule_id)


def test_launch_template(client: Client, wrong: Wrong) -> None:
    ec2 = client("ec2")
    data = {
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeSize": 200}}
        ],
        "ImageId": "ami-0123456789abcdef0",
        "InstanceType": "g6.xlarge",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
    }
    template = ec2.create_launch_template(LaunchTemplateName="gpu", LaunchTemplateData=data)
    template_id = template["LaunchTemplate"]["LaunchTemplateId"]
    written = {"LaunchTemplateData": data, "LaunchTemplateName": "gpu"}
    assert wrong("EC2::LaunchTemplate", template_id, written) == []
    ec2.create_launch_template_version(
        LaunchTemplateId=template_id,
        LaunchTemplateData={**data, "MetadataOptions": {"HttpTokens": "optional"}},
    )
    assert wrong("EC2::LaunchTemplate", template_id, written) == [
        'LaunchTemplateData.MetadataOptions.HttpTokens should be "required" but is "optional"',
        "LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit should be 1 but is absent",
    ]
