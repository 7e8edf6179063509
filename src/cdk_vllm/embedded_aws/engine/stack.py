"""A stack: its template, parameters, resources, outputs, exports, status and events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.cloudformation import models as moto_models
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import Export, Output

from . import exports
from .conditions import holds
from .deployment import Deployment, DeploymentError, remove_all
from .intrinsics import resolve
from .lookups import Lookups
from .parameters import given_or_default, seen_by_template
from .scope import Scope, TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.resource_types.resource import Resource

_EMPTY: dict[str, Any] = {"Resources": {}}


class EngineStack(moto_models.Stack):
    """A stack whose resources are created, changed and removed as CloudFormation does.

    moto's creates resources as they are first mentioned, skips unknown types, answers 500 on a
    failure without rolling back, and keeps no resource events.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.resources: dict[str, Resource] = {}
        self.imported: set[str] = set()
        self.stack_status_reason: str | None = None
        self._outputs: dict[str, Output] = {}
        self._export_names: dict[str, str] = {}
        super().__init__(*args, **kwargs)
        self.template_dict = self.template_dict or _EMPTY

    def is_created(self) -> bool:
        """A nested stack is complete when its creation has returned."""
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        """A nested stack has no name property."""
        return ""

    # moto builds its own maps of resources and outputs in its constructor; ours are above.
    def _create_resource_map(self) -> Any:
        return None

    def _create_output_map(self) -> Any:
        return None

    @property
    def stack_resources(self) -> Any:
        """The resources that exist."""
        return list(self.resources.values())

    @property
    def stack_parameters(self) -> dict[str, Any]:
        """Every parameter as given or by default; what UsePreviousValue means."""
        return given_or_default(self.template_dict, self.parameters)

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        """The parameters as DescribeStacks lists them, NoEcho ones masked."""
        declared = self.template_dict.get("Parameters") or {}
        seen = seen_by_template(self.template_dict, self.stack_parameters, self._lookups().stored)
        listed = []
        for name, value in self.stack_parameters.items():
            hidden = declared[name].get("NoEcho")
            item = {"ParameterKey": name, "ParameterValue": "****" if hidden else str(value)}
            if str(declared[name].get("Type")).startswith("AWS::SSM::Parameter::Value<"):
                item["ResolvedValue"] = str(seen[name])
            listed.append(item)
        return listed

    @property
    def outputs(self) -> list[dict[str, Any]] | None:
        """The outputs of the last deployment that succeeded."""
        listed = [
            {
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": self._export_names.get(output.key),
            }
            for output in self._outputs.values()
        ]
        return listed or None

    @property
    def exports(self) -> list[Export]:
        """What other stacks may import."""
        return [
            Export(self.stack_id, name, self._outputs[key].value)
            for key, name in self._export_names.items()
        ]

    def _lookups(self) -> Lookups:
        return Lookups(self.account_id, self.region_name)

    def scope(self, template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Scope:
        """Return what the names in `template` stand for, with no resources yet.

        Raises:
            TemplateError: when a parameter has no value.
        """
        lookups = self._lookups()
        values = given_or_default(template, parameters)
        return Scope(
            names={
                "AWS::AccountId": self.account_id,
                "AWS::Region": self.region_name,
                "AWS::StackId": self.stack_id,
                "AWS::StackName": self.name,
                "AWS::URLSuffix": "amazonaws.com",
                "AWS::Partition": "aws",
                "AWS::NotificationARNs": self.notification_arns,
            },
            parameters=seen_by_template(template, values, lookups.stored),
            template=template,
            resources={},
            import_value=lambda name: exports.imported_value(self, name),
            dynamic_value=lookups.dynamic_value,
            zones=lookups.zones,
        )

    def checked(self, template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Deployment:
        """Return the deployment of `template`, refused before anything is touched if it is wrong.

        Raises:
            ValidationError: as CloudFormation refuses the call itself.
        """
        if not template.get("Resources"):
            raise ValidationError(
                message="Template format error: At least one Resources member must be defined."
            )
        try:
            deployment = Deployment(self, self.scope(template, parameters))
            deployment.refuse_unserved()
        except TemplateError as error:
            raise ValidationError(message=str(error)) from None
        return deployment

    def deploy(
        self,
        template: str,
        parameters: Mapping[str, Any],
        *,
        action: str,
        roll_back: bool = True,
    ) -> None:
        """Bring the stack to `template`; `action` is CREATE or UPDATE.

        A failure ends in the status and the events CloudFormation would show, not in an error.
        """
        parsed = self.parse_template(template)
        deployment = self.checked(parsed, parameters)
        self.imported = set()
        self._enter(f"{action}_IN_PROGRESS", "User Initiated")
        try:
            deployment.apply()
            self._set_outputs(deployment.scope)
        except (DeploymentError, TemplateError) as error:
            self._fail(deployment, action, str(error), roll_back=roll_back)
            return
        self.template, self.template_dict = template, parsed
        self.parameters = dict(parameters)
        self.description = parsed.get("Description")
        if action == "UPDATE":
            self._enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        deployment.clean_up()
        self._enter(f"{action}_COMPLETE")

    def _fail(self, deployment: Deployment, action: str, reason: str, *, roll_back: bool) -> None:
        if not roll_back:
            self.resources = {
                name: item for name, item in deployment.scope.resources.items() if item.physical_id
            }
            self._enter(f"{action}_FAILED", reason)
            return
        prefix = "UPDATE_ROLLBACK" if action == "UPDATE" else "ROLLBACK"
        self._enter(f"{prefix}_IN_PROGRESS", reason)
        try:
            deployment.roll_back()
        except DeploymentError as error:
            self._enter(f"{prefix}_FAILED", str(error))
            return
        self._enter(f"{prefix}_COMPLETE")
        self.stack_status_reason = reason

    def delete(self) -> None:
        """Remove every resource; on failure the stack stays, DELETE_FAILED."""
        self._enter("DELETE_IN_PROGRESS", "User Initiated")
        refusal = exports.refusal_to_delete(self)
        if refusal:
            self._enter("DELETE_FAILED", refusal)
            return
        failures = remove_all(self, self.resources.values())
        if failures:
            self._enter("DELETE_FAILED", "; ".join(failures))
            return
        exports.withdraw(self)
        self.resources = {}
        self._enter("DELETE_COMPLETE")

    def _set_outputs(self, scope: Scope) -> None:
        """Moto keeps the outputs from before the change set, which for a new stack are none."""
        outputs: dict[str, Output] = {}
        names: dict[str, str] = {}
        for key, definition in (scope.template.get("Outputs") or {}).items():
            if "Condition" in definition and not holds(definition["Condition"], scope, resolve):
                continue
            try:
                value = resolve(definition["Value"], scope)
                exported = resolve(definition.get("Export", {}), scope).get("Name")
            except TemplateError as error:
                raise TemplateError(f"Output {key}: {error}") from None
            text = ",".join(value) if isinstance(value, list) else str(value)
            outputs[key] = Output(key, text, definition.get("Description"))
            if exported:
                names[key] = exported
        exports.replace(self, {name: outputs[key].value for key, name in names.items()})
        self._outputs, self._export_names = outputs, names

    def _enter(self, status: str, reason: str | None = None) -> None:
        self.status = status
        self.stack_status_reason = reason if reason != "User Initiated" else None
        self._add_stack_event(status, resource_status_reason=reason)

    def record(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """Add a resource's event; moto has events of the stack only."""
        self._event(
            resource.logical_resource_id,
            resource.physical_id,
            resource.cf_resource_type,
            status,
            reason,
        )

    def record_failure(self, name: str, type_name: str, status: str, reason: str) -> None:
        """Add the event of a resource that failed before it had a physical id."""
        self._event(name, "", type_name, status, reason)

    def _add_stack_event(
        self,
        resource_status: str,
        resource_status_reason: str | None = None,
        resource_properties: str | None = None,
    ) -> None:
        super()._add_stack_event(resource_status, resource_status_reason, resource_properties)
        self._order_last_event()

    def _order_last_event(self) -> None:
        """Put a millisecond between events, by whose times the CDK CLI orders them."""
        before, last = self.events[-2:-1], self.events[-1]
        if before:
            after = before[0].timestamp + timedelta(milliseconds=1)
            last.timestamp = max(last.timestamp, after)

    def _event(
        self, name: str, physical_id: str, type_name: str, status: str, reason: str | None
    ) -> None:
        self.events.append(
            moto_models.Event(
                stack_id=self.stack_id,
                stack_name=self.name,
                logical_resource_id=name,
                physical_resource_id=physical_id,
                resource_type=type_name,
                resource_status=status,
                resource_status_reason=reason,
                resource_properties=None,
            )
        )
        self._order_last_event()
