"""The rehearsal: an app's own templates, the unmodified CDK CLI, the embedded AWS, start to end.

Bootstrap, synth, deploy, read back, change, deploy again, read back, destroy, and look at what
was retained. Nothing outlives it but, with `keep`, what the caller was asked to keep.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws import assembly, cdk_cli
from cdk_vllm.embedded_aws.readback import StackReadBack, exists, read_back
from cdk_vllm.embedded_aws.recorded import recorded_types
from cdk_vllm.embedded_aws.report import Check, RehearsalReport
from cdk_vllm.embedded_aws.server import ACCOUNT_ID, EmbeddedAws
from cdk_vllm.errors import RehearsalError

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.embedded_aws.assembly import AssembledStack
    from cdk_vllm.embedded_aws.readback import ResourceReadBack

DEFAULT_REGION = "us-east-1"

ClientFactory = Callable[[str], Any]
Step = Callable[[str], AbstractContextManager[object]]


def _no_checks(_: ClientFactory) -> list[Check]:
    return []


def _nothing_given(_: ClientFactory) -> None:
    return None


def _nothing_seen(_: ClientFactory) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Scenario:
    """What one app adds to the rehearsal; the default adds nothing and fits any CDK app.

    `account` is the one account there is. `synth_arguments` go to `cdk synth`. `given` makes what
    the app takes as given in its account. `foundation` names the stacks deployed first, after which
    `after_foundation` runs. `edit` writes an edited copy into a directory and returns the synth
    arguments for it; `observe` reads the facts that the edit changes, and `changes` holds the
    value each of them must have afterwards (`None`: any other than before).
    """

    account: str = ACCOUNT_ID
    synth_arguments: tuple[str, ...] = ()
    given: Callable[[ClientFactory], None] = _nothing_given
    foundation: tuple[str, ...] = ()
    after_foundation: Callable[[ClientFactory], list[Check]] = _no_checks
    edit: Callable[[Path], tuple[str, ...]] | None = None
    observe: Callable[[ClientFactory], Mapping[str, str]] = _nothing_seen
    changes: Mapping[str, str | None] = field(default_factory=dict)


@dataclass
class Rehearsal:
    """One run: the embedded AWS, the CLI, a working directory, and what was found so far."""

    aws: EmbeddedAws
    cli: cdk_cli.CdkCli
    directory: Path
    scenario: Scenario
    step: Step
    stacks: list[AssembledStack] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    read: list[StackReadBack] = field(default_factory=list)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, region: str | None) -> ClientFactory:
        """Return a factory of boto3 clients of one region of the embedded AWS."""

        def factory(service: str) -> Any:
            key = service, region or DEFAULT_REGION
            # Loading EC2's description takes longer than most of its answers.
            if key not in self.clients:
                self.clients[key] = self.aws.client(*key)
            return self.clients[key]

        return factory

    def check(self, name: str, passed: bool, detail: str = "") -> None:
        """Note what was looked at."""
        self.checks.append(Check(name, passed, detail))

    def synth(self, name: str, arguments: tuple[str, ...]) -> Path:
        """Synthesise the app into a directory and remember its stacks."""
        output = self.directory / name
        with self.step(f"cdk synth ({name})"):
            self.cli.run("synth", "--quiet", "--output", str(output), *arguments)
        self.stacks = assembly.stacks(output)
        if not self.stacks:
            raise RehearsalError(f"{self.cli.app_directory} has no stack; nothing to rehearse")
        return output

    def bootstrap(self) -> None:
        """Bootstrap every account and region that the stacks go to, and make what is given."""
        account = self.scenario.account
        for stack in self.stacks:
            if stack.account not in (None, account):
                raise RehearsalError(
                    f"the stack {stack.path} goes to account {stack.account}, and the embedded AWS "
                    f"is {account}; name the one account with --account {stack.account}"
                )
        self.scenario.given(self.client(self.stacks[0].region))
        targets = {f"aws://{account}/{stack.region or DEFAULT_REGION}" for stack in self.stacks}
        with self.step("cdk bootstrap"):
            self.cli.run("bootstrap", "--app", "", *sorted(targets))

    def deploy(self, output: Path, paths: list[str]) -> str:
        """Deploy stacks by their paths, in the order the CLI finds right."""
        with self.step(f"cdk deploy {' '.join(paths)}"):
            common = ("--app", str(output), "--require-approval", "never", "--progress", "events")
            return self.cli.run("deploy", *common, *paths)

    def read_back(self) -> None:
        """Read every resource of every stack through its own service's API."""
        with self.step("read back with boto3"):
            self.read = [
                read_back(self.client(stack.region), stack.name, recorded_types())
                for stack in self.stacks
            ]

    def first_deployment(self, output: Path) -> None:
        """Deploy the foundation, do what comes after it, deploy everything, read it back."""
        first = [s.path for s in self.stacks if s.path in self.scenario.foundation]
        if first:
            self.deploy(output, first)
            with self.step("push a model into the store"):
                client = self.client(self.stacks[0].region)
                self.checks += self.scenario.after_foundation(client)
        self.deploy(output, [s.path for s in self.stacks if s.path not in first])
        self.read_back()

    def second_deployment(self, output: Path) -> None:
        """Deploy an edited copy and see each change; without one, see that nothing changes."""
        if self.scenario.edit is None:
            printed = self.deploy(output, [s.path for s in self.stacks])
            unchanged = printed.count("(no changes)") == len(self.stacks)
            self.check("a second deployment changes nothing", unchanged, "by cdk deploy")
            return
        client = self.client(self.stacks[0].region)
        before = self.scenario.observe(client)
        edited = self.synth("edited", self.scenario.edit(self.directory))
        self.deploy(edited, [s.path for s in self.stacks])
        after = self.scenario.observe(client)
        for key, wanted in self.scenario.changes.items():
            old, new = before.get(key), after.get(key)
            took_effect = new is not None and new != old and wanted in (None, new)
            expected = "" if took_effect or wanted is None else f", expected {wanted}"
            self.check(f"the change took effect: {key}", took_effect, f"{old} -> {new}{expected}")
        self.read_back()

    def destroy(self, output: Path) -> None:
        """Destroy every stack, and see that what must be retained was, and nothing else."""
        for stack in self.stacks:
            if stack.termination_protection:
                self._lift_protection(stack)
        retained, gone = self._physical_ids()
        with self.step("cdk destroy"):
            paths = [s.path for s in self.stacks]
            self.cli.run("destroy", "--app", str(output), "--force", *paths)
        with self.step("look at what was retained"):
            self._check_existence(retained, gone)

    def _lift_protection(self, stack: AssembledStack) -> None:
        cloudformation = self.client(stack.region)("cloudformation")
        refused = ""
        try:
            cloudformation.delete_stack(StackName=stack.name)
        except cloudformation.exceptions.ClientError as error:
            refused = str(error)
        self.check(
            f"{stack.path} refuses deletion while protected",
            "TerminationProtection" in refused,
            refused or "the deletion was accepted",
        )
        cloudformation.update_termination_protection(
            EnableTerminationProtection=False, StackName=stack.name
        )
        self._lift_protection_of_balancers(stack)

    def _lift_protection_of_balancers(self, stack: AssembledStack) -> None:
        listed = self.client(stack.region)("cloudformation").list_stack_resources(
            StackName=stack.name
        )["StackResourceSummaries"]
        for resource in listed:
            if resource["ResourceType"] == "AWS::ElasticLoadBalancingV2::LoadBalancer":
                self.client(stack.region)("elbv2").modify_load_balancer_attributes(
                    LoadBalancerArn=resource["PhysicalResourceId"],
                    Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
                )

    def _physical_ids(self) -> tuple[list[_Resource], list[_Resource]]:
        retained: list[_Resource] = []
        gone: list[_Resource] = []
        for stack, read in zip(self.stacks, self.read, strict=True):
            keeps = set(stack.retained())
            for resource in read.resources:
                if resource.outcome != "served" or not resource.physical_id:
                    continue
                found = _Resource(stack, resource)
                (retained if resource.logical_id in keeps else gone).append(found)
        return retained, gone

    def _check_existence(self, retained: list[_Resource], gone: list[_Resource]) -> None:
        lost = [r for r in retained if not self._exists(r)]
        left = [r for r in gone if self._exists(r)]
        self.check(
            "what must be retained was retained", not lost, _listed(lost) or f"{len(retained)} kept"
        )
        self.check("everything else is gone", not left, _listed(left) or f"{len(gone)} gone")

    def _exists(self, resource: _Resource) -> bool:
        read, client = resource.read, self.client(resource.stack.region)
        return exists(client, read.resource_type, read.physical_id, read.properties)


@dataclass(frozen=True)
class _Resource:
    stack: AssembledStack
    read: ResourceReadBack


def _listed(resources: list[_Resource]) -> str:
    return ", ".join(f"{r.read.resource_type} {r.read.physical_id}" for r in resources)


@contextmanager
def started(
    app_directory: Path, directory: Path, scenario: Scenario, step: Step, port: int = 0
) -> Iterator[Rehearsal]:
    """Start the embedded AWS for one rehearsal, and stop it whatever happens."""
    log = directory / "cdk.log"
    cdk_cli.find(app_directory, {}, log)  # what is missing is said before anything starts
    with ExitStack() as stack:
        with step("start the embedded AWS"):
            aws = stack.enter_context(EmbeddedAws(port, account_id=scenario.account))
        cli = cdk_cli.find(app_directory, aws.environment(DEFAULT_REGION), log)
        yield Rehearsal(aws=aws, cli=cli, directory=directory, scenario=scenario, step=step)


def rehearse(
    app_directory: Path,
    directory: Path,
    scenario: Scenario | None = None,
    *,
    step: Step = lambda _: nullcontext(),
    port: int = 0,
    keep: Callable[[Rehearsal, RehearsalReport], None] | None = None,
) -> RehearsalReport:
    """Rehearse the CDK app in `app_directory`; files and logs go to `directory`.

    `keep` is called before anything is destroyed, and then nothing is. Raises `RehearsalError`
    where a step cannot be done; what differs or is skipped stands in the report.
    """
    begun = time.monotonic()
    with started(app_directory, directory, scenario or Scenario(), step, port) as run:
        output = run.synth("first", run.scenario.synth_arguments)
        run.bootstrap()
        run.first_deployment(output)
        if not _report(run, begun).passed:
            return _report(run, begun)
        run.second_deployment(output)
        if keep is not None:
            report = _report(run, begun)
            keep(run, report)
            return report
        run.destroy(output)
        return _report(run, begun)


def _report(run: Rehearsal, begun: float) -> RehearsalReport:
    return RehearsalReport(tuple(run.read), tuple(run.checks), time.monotonic() - begun)
