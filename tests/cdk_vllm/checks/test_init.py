"""The rules as a whole: no leaf of a hardened resource can be deleted or flipped unnoticed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cdk_vllm.checks import RULES, findings
from cdk_vllm.checks import Template as View
from tests.cdk_vllm import ecs_app, sagemaker_app
from tests.cdk_vllm.checks.cloudformation_schema import refuses
from tests.cdk_vllm.checks.mutations import HARDENED, Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource

Template = dict[str, Any]

ROOT = Path(__file__).parents[3]
EVERYTHING = "*"


class Watched(View):
    """A template that remembers which types a rule reads, and is read anew each time."""

    def __init__(self, template: Template) -> None:
        super().__init__(template)
        self._whole = template
        self.read: set[str] = set()

    def of(self, *types: str) -> Iterator[Resource]:
        self.read.update(types)
        return super().of(*types)

    def everything(self) -> Iterator[Resource]:
        self.read.add(EVERYTHING)
        return super().everything()

    @property
    def text(self) -> str:
        self.read.add(EVERYTHING)
        return json.dumps(self._whole)

    @text.setter
    def text(self, value: str) -> None:
        """Leave the text to be made when it is asked for."""


class Allowed(NamedTuple):
    """One pattern of the list, with the change it is for; `None` is for both."""

    pattern: str
    change: str | None

    def covers(self, mutant: Mutant) -> bool:
        words = ".*".join(re.escape(word) for word in self.pattern.split("*"))
        fits = re.fullmatch(words, mutant.place) is not None
        return fits and self.change in (None, mutant.change)


class Outcome(NamedTuple):
    """What became of the mutants: how many by fate, who noticed, and who survived."""

    fates: Counter[str]
    tripped: set[str]
    survivors: list[Mutant]


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    folder = ROOT / "examples" / "own_app"
    out = tmp_path_factory.mktemp("example")
    variables = {**os.environ, "CDK_OUTDIR": str(out), "CDK_VALIDATION": "false"}
    run = [sys.executable, "app.py"]
    subprocess.run(run, cwd=folder, env=variables, check=True, capture_output=True)
    return {path.name: json.loads(path.read_text()) for path in out.glob("*.template.json")}


@pytest.fixture(scope="session")
def everything(templates: dict[str, Template], example: dict[str, Template]) -> dict[str, Template]:
    """The committed environments, the example, and stacks with what neither of them asks for."""
    return {**templates, **example, **ecs_app.templates(), **sagemaker_app.templates()}


@pytest.fixture(scope="session")
def outcome(everything: dict[str, Template]) -> Outcome:
    return mutate(everything)


def mutate(templates: dict[str, Template]) -> Outcome:
    """Make every mutant, and look who notices: CloudFormation's schemas first, then the rules."""
    views = {name: Watched(template) for name, template in templates.items()}
    readers = {name: _readers(view) for name, view in views.items()}
    found = Outcome(Counter(), set(), [])
    for mutant, template in mutants(templates):
        properties = template["Resources"][mutant.logical_id]["Properties"]
        if refuses(mutant.type, properties):
            found.fates["refused by CloudFormation"] += 1
            continue
        rules = readers[mutant.stack][mutant.type] | readers[mutant.stack][EVERYTHING]
        view = views[mutant.stack]
        # A rule that never tripped is asked each time, the others until one of them does.
        fresh = {name for name in rules - found.tripped if any(RULES[name](view))}
        noticed = fresh or any(any(RULES[name](view)) for name in rules & found.tripped)
        found.tripped.update(fresh)
        found.fates["found by a rule" if noticed else "unnoticed"] += 1
        if not noticed:
            found.survivors.append(mutant)
    return found


def _readers(view: Watched) -> defaultdict[str, set[str]]:
    """Return the rules by the types they read: the others cannot see a change of that type."""
    readers: defaultdict[str, set[str]] = defaultdict(set)
    for name, rule in RULES.items():
        view.read = set()
        assert not list(rule(view)), name
        for kind in view.read:
            readers[kind].add(name)
    return readers


def allowed() -> list[Allowed]:
    path = Path(__file__).with_name("mutations_allowed.toml")
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["allowed"]
    return [Allowed(place, e.get("change")) for e in entries for place in e["places"]]


def test_every_mutant_is_noticed_or_listed_with_its_reason(outcome: Outcome) -> None:
    listed = allowed()
    unlisted = Counter(
        f"{mutant.change}: {mutant.place} ({mutant.value[:60]})"
        for mutant in outcome.survivors
        if not any(entry.covers(mutant) for entry in listed)
    )
    assert not unlisted, dict(unlisted)
    assert outcome.fates["found by a rule"] > 4000
    assert outcome.fates["unnoticed"] < 0.1 * outcome.fates.total()


def test_no_entry_of_the_list_is_stale(outcome: Outcome) -> None:
    stale = [e for e in allowed() if not any(e.covers(mutant) for mutant in outcome.survivors)]
    assert not stale


def test_every_entry_has_a_reason_of_some_length() -> None:
    path = Path(__file__).with_name("mutations_allowed.toml")
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["allowed"]
    reasons = [entry["reason"] for entry in entries]
    assert len(set(reasons)) == len(reasons)
    assert all(len(reason) >= 40 for reason in reasons)
    assert {key for entry in entries for key in entry} <= {"reason", "change", "places"}
    assert {entry.get("change") for entry in entries} <= {None, "deleted", "flipped"}


def test_every_rule_is_tripped_by_a_mutant_or_has_a_test_of_its_own(outcome: Outcome) -> None:
    tests = [p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py")]
    silent = set(RULES) - outcome.tripped
    assert not [rule for rule in silent if not any(f'"{rule}"' in text for text in tests)]


# What no mutant of our own templates can be: something that is there and should not be, or that
# none of our environments asks for.
ADDED: dict[str, dict[str, Any]] = {
    "meshes_wait_for_long_answers": {
        "Type": "AWS::ECS::Service",
        "Properties": {"ServiceConnectConfiguration": {"Services": [{"PortName": "vllm"}]}},
    },
    "zones_are_evened_out_with_room_only": {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "AvailabilityZoneRebalancing": "ENABLED",
            "DeploymentConfiguration": {"MaximumPercent": 100, "MinimumHealthyPercent": 50},
        },
    },
}


@pytest.mark.parametrize("rule", ADDED)
def test_what_should_not_be_there_is_found(rule: str) -> None:
    template = {"Resources": {"Added": ADDED[rule]}}
    assert rule in {finding.rule for finding in findings(template)}


def spot(delay: str, percentage: int = 0, **more: Any) -> Template:
    """Return a group of Spot instances, a target group and a task that stops within 45 s."""
    policy = {"InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": percentage}}
    attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": delay}
    container = {"EntryPoint": ["vllm", "serve"], "StopTimeout": 45}
    properties = {
        "AWS::AutoScaling::AutoScalingGroup": {"MixedInstancesPolicy": policy},
        "AWS::ElasticLoadBalancingV2::TargetGroup": {"TargetGroupAttributes": [attribute]},
        "AWS::ECS::TaskDefinition": {"ContainerDefinitions": [container]},
    }
    resources = {kind[-9:]: {"Type": kind, "Properties": p} for kind, p in properties.items()}
    return {"Resources": resources, **more}


@pytest.mark.parametrize(
    ("template", "is_found"),
    [
        (spot("65"), False),
        (spot("66"), True),
        (spot("600", percentage=100), False),
        (spot("600", Metadata={"cdk-vllm:interrupted-requests": "allowed"}), False),
    ],
)
def test_spot_instances_drain_within_their_notice(template: Template, is_found: bool) -> None:
    rules = {finding.rule for finding in findings(template)}
    assert ("spot_leaves_time_to_drain" in rules) == is_found


def test_a_mutant_is_undone(everything: dict[str, Template]) -> None:
    before = json.dumps(everything)
    made = sum(1 for _ in mutants(everything))
    assert made > 5000
    assert json.dumps(everything) == before


def test_our_own_and_the_example_s_templates_are_accepted_as_they_are(
    everything: dict[str, Template],
) -> None:
    for template in everything.values():
        assert findings(template) == []
        for body in template["Resources"].values():
            assert not refuses(body["Type"], body.get("Properties", {})), body


def test_a_schema_refuses_what_cloudformation_refuses() -> None:
    kind = "AWS::ECS::Service"
    grace = "HealthCheckGracePeriodSeconds"
    assert not refuses(kind, {grace: 60, "Cluster": {"Ref": "Cluster"}})
    assert refuses(kind, {grace: "soon"})
    assert refuses(kind, {"PropagateTags": "SOMETIMES"})
    assert refuses("AWS::EC2::SecurityGroup", {})
    assert not refuses("Custom::Thing", {"Anything": 1})


def held_by() -> list[tuple[str, list[str]]]:
    """Return the rows of the documented checklist: the item, and the names of what holds it."""
    text = (ROOT / "docs" / "checklist.md").read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in text.splitlines() if " | `" in row]
    return [(row[0].strip("| "), re.findall(r"`([^`]+)`", row[1])) for row in rows]


def test_the_checklist_names_every_rule_and_nothing_else() -> None:
    names = {name for _, found in held_by() for name in found}
    assert {name for name in names if "::" not in name} == set(RULES)
    for test in (name for name in names if "::" in name):
        file, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / file).read_text(encoding="utf-8"), test


def test_the_checklist_has_every_item() -> None:
    items = {int(item) for item, _ in held_by() if item.isdigit()}
    assert items == set(range(1, 61))


def test_hardened_types_are_ours(everything: dict[str, Template]) -> None:
    found = {body["Type"] for t in everything.values() for body in t["Resources"].values()}
    assert set(HARDENED) <= found
