"""EC2: flow logs to a folder of a bucket, and instances that are what their template says."""

from __future__ import annotations

import inspect
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import MetadataOptions
from moto.ec2.models.security_groups import SecurityGroupRule

_moto_rule = SecurityGroupRule.__init__
_moto_flow_logs = EC2Backend.create_flow_logs
_moto_run = EC2Backend.run_instances


def _create_flow_logs(self: Any, *args: Any, **options: Any) -> Any:
    """Moto takes a destination's folder for a part of the bucket's name, and finds no bucket."""
    destination = options.get("log_destination")
    if options.get("log_destination_type") != "s3" or not destination:
        return _moto_flow_logs(self, *args, **options)
    options["log_destination"] = destination.partition("/")[0]
    created, failed = _moto_flow_logs(self, *args, **options)
    for flow_log in created:
        flow_log.log_destination = destination
    return created, failed


def _run_instances(self: Any, *args: Any, **options: Any) -> Any:
    """Moto gives an instance neither the template's metadata options nor its profile."""
    reservation = _moto_run(self, *args, **options)
    if not options.get("launch_template"):
        return reservation
    data = self._get_template_from_args(options["launch_template"]).data
    for instance in reservation.instances:
        if "MetadataOptions" in data:
            instance.metadata_options = MetadataOptions(data["MetadataOptions"])
        if "Monitoring" in data:
            on = str(data["Monitoring"].get("Enabled", "false")).lower() == "true"
            instance.monitoring_state = "enabled" if on else "disabled"
        if "EbsOptimized" in data:
            instance.ebs_optimized = str(data["EbsOptimized"]).lower() == "true"
        self._attach_profile(instance, data.get("IamInstanceProfile"))
    return reservation


def _attach_profile(self: Any, instance: Any, profile: dict[str, str] | None) -> None:
    if profile and instance.iam_instance_profile is None:
        self.associate_iam_instance_profile(
            instance.id,
            iam_instance_profile_name=profile.get("Name"),
            iam_instance_profile_arn=profile.get("Arn"),
        )


def _rule(self: Any, *args: Any, **options: Any) -> None:
    """Moto drops the description of a rule whose peer is a prefix list."""
    _moto_rule(self, *args, **options)
    said = inspect.signature(_moto_rule).bind(self, *args, **options).arguments
    self.prefix_list = said.get("prefix_list_id") or {}


def _description(self: Any) -> str | None:
    """Moto shows the description of a rule only where its peer is a block of addresses."""
    for peer in (self.ip_range, self.source_group, self.__dict__.get("prefix_list", {})):
        if "Description" in peer:
            return str(peer["Description"])
    return None


def install() -> None:
    """Apply the fixes."""
    rule: Any = SecurityGroupRule
    rule.__init__ = _rule
    rule.description = property(_description)
    backend: Any = EC2Backend
    backend.create_flow_logs = _create_flow_logs
    backend.run_instances = _run_instances
    backend._attach_profile = _attach_profile
