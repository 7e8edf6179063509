"""What a GPU instance reports of itself: memory, disk, GPU, and the driver's hardware errors.

A container beside vLLM sees none of it, so CloudWatch's agent runs on the instance.
"""

from __future__ import annotations

import json
from typing import Any

NAMESPACE = "vLLM/Hosts"
XID_LOG = "/var/log/nvidia-xid.log"

DRAINING_XIDS = (46, 48, 54, 62, 64, 74, 79, 95, 119, 120, 140)
"""Errors of the hardware itself: memory, bus, NVLink, GSP. Source: NVIDIA, "XID Errors", and the
list that ECS Managed Instances repairs on. Those an application causes (13, 31, 43, 63, 92, 94)
are left out."""

GROUP_DIMENSION = "AutoScalingGroupName"

_SCRIPT = """# The agent, and a watcher for hardware errors that takes the instance out of service.
dnf install -y amazon-cloudwatch-agent
cat > /opt/aws/amazon-cloudwatch-agent/etc/vllm.json <<'AGENT'
{agent}
AGENT
cat > /usr/local/bin/watch-xid <<'WATCH'
#!/bin/bash
journalctl --dmesg --follow --lines=0 --output=short-iso | grep --line-buffered 'NVRM: Xid' |
while read -r line; do
  echo "$line" >> {log}
  if [[ "$line" =~ \\):\\ ({xids}), ]]; then
    metadata=$(curl -s http://localhost:51678/v1/metadata)
    cluster=$(sed -E 's/.*"Cluster":"([^"]+)".*/\\1/' <<< "$metadata")
    instance=$(sed -E 's/.*"ContainerInstanceArn":"([^"]+)".*/\\1/' <<< "$metadata")
    aws ecs update-container-instances-state --status DRAINING \\
      --cluster "$cluster" --container-instances "$instance"
  fi
done
WATCH
chmod 0755 /usr/local/bin/watch-xid
cat > /etc/systemd/system/watch-xid.service <<'UNIT'
[Unit]
After=ecs.service
[Service]
ExecStart=/usr/local/bin/watch-xid
Restart=always
Environment=AWS_DEFAULT_REGION={region}
[Install]
WantedBy=multi-user.target
UNIT
touch {log}
systemctl daemon-reload
systemctl enable --now --no-block watch-xid.service
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \\
  -c file:/opt/aws/amazon-cloudwatch-agent/etc/vllm.json
"""


def agent_configuration(*, log_group_name: str, disk: str) -> dict[str, Any]:
    """Return the agent's configuration; `disk` is the directory whose disk caches fill.

    Metrics carry the Auto Scaling group as their only dimension: over a service, not an instance.
    Source: CloudWatch User Guide, "Manually create or edit the CloudWatch agent configuration
    file" and "Collect NVIDIA GPU metrics".
    """
    return {
        "agent": {"metrics_collection_interval": 60, "run_as_user": "root"},
        "metrics": {
            "namespace": NAMESPACE,
            "append_dimensions": {GROUP_DIMENSION: "${aws:AutoScalingGroupName}"},
            "aggregation_dimensions": [[GROUP_DIMENSION]],
            "metrics_collected": {
                "mem": {"measurement": ["mem_used_percent"]},
                "disk": {"measurement": ["used_percent"], "resources": ["/", disk]},
                "nvidia_gpu": {
                    "measurement": [
                        "utilization_gpu",
                        "temperature_gpu",
                        "power_draw",
                    ]
                },
            },
        },
        "logs": {
            "logs_collected": {
                "files": {
                    "collect_list": [
                        {
                            "file_path": XID_LOG,
                            "log_group_name": log_group_name,
                            "log_stream_name": "{instance_id}/xid",
                        }
                    ]
                }
            }
        },
    }


def agent_user_data(*, log_group_name: str, disk: str, region: str) -> str:
    """Return lines for an instance's user data, to follow those that join the cluster.

    On an error of the hardware the instance drains itself, under the permission it has anyway:
    ECS moves its tasks, and the capacity provider ends it when it is empty. A GPU that fell off
    the bus would otherwise take every task that is placed on it down, and look free.
    """
    agent = agent_configuration(log_group_name=log_group_name, disk=disk)
    xids = "|".join(str(xid) for xid in DRAINING_XIDS)
    return _SCRIPT.format(agent=json.dumps(agent, indent=1), log=XID_LOG, xids=xids, region=region)


def xid_filter_pattern() -> str:
    """Return the log filter for `DRAINING_XIDS`; a line has `Xid (PCI:0000:00:1e): 79, pid=...`."""
    return " ".join(f'?"): {xid},"' for xid in DRAINING_XIDS)
