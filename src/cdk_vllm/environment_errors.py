"""Turns pydantic's findings on an environment file into one sentence a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from cdk_vllm.errors import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


# Pattern -> an example of what has the form; a regular expression explains nothing to anybody.
EXAMPLES = {
    (VPC_ID := r"^vpc-[0-9a-f]+$"): "vpc-0123456789abcdef0",
    (SUBNET_ID := r"^subnet-[0-9a-f]+$"): "subnet-0123456789abcdef0",
    (ACCOUNT := r"^\d{12}$"): "123456789012",
    (EMAIL := r"^[^@\s]+@[^@\s]+\.[^@\s]+$"): "ml-oncall@example.com",
    (IMAGE_DIGEST := r"@sha256:[0-9a-f]{64}$"): "REPOSITORY@sha256:<64 hexadecimal digits>",
    (VLLM_VERSION := r"^\d+\.\d+\.\d+$"): "0.33.0",
    (MODEL := r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$"): "Qwen/Qwen3-8B",
    (REVISION := r"^[\w][\w.-]*$"): "main, or better a commit",
    (DOMAIN := r"^([a-z0-9-]+\.)+[a-z]{2,}$"): "chat.example.com",
    (HOSTED_ZONE_ID := r"^Z[A-Z0-9]+$"): "Z0123456789ABCDEFGHIJ",
    (SECRET := r"^(arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:)?[\w/+=.@-]+$"): (
        "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME"
    ),
    (HTTPS_URL := r"^https://[^\s/]+(/\S*)?$"): "https://id.example.com/keys",
    (PREFIX_LIST := r"^pl-[0-9a-f]{8,17}$"): "pl-63a5400a",
    (RESERVATION := r"^cr-[0-9a-f]{8,17}$"): "cr-0123456789abcdef0",
    (SAGEMAKER_RESERVATION := r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:\d{12}:[a-z0-9-]{1,14}/.+$"): (
        "arn:aws:sagemaker:REGION:ACCOUNT:training-plan/NAME"
    ),
    (AMI := r"^ami-[0-9a-f]{8,17}$"): "ami-0123456789abcdef0",
    (CRON := r"^cron\(\S+ \S+ \S+ \S+ \S+ \S+\)$"): "cron(0 8 ? * MON-FRI *)",
    (PRINCIPAL := r"^arn:aws[a-z-]*:iam::\d{12}:(root|role/.+|user/.+)$"): (
        "arn:aws:iam::123456789012:root"
    ),
    (SLACK_WORKSPACE := r"^T[A-Z0-9]{6,}$"): "T0123456789",
    (SLACK_CHANNEL := r"^[CG][A-Z0-9]{6,}$"): "C0123456789",
    (CERTIFICATE_ARN := r"^arn:aws[\w-]*:acm:"): "arn:aws:acm:REGION:ACCOUNT:certificate/ID",
}


def explain(error: ValidationError, path: Path, model: type[BaseModel]) -> str:
    """Return the first finding as one sentence: file, key, value, what is allowed, the fix."""
    findings = error.errors(include_url=False)
    # An unknown key is the likeliest cause of the rest: a misspelt one is also a missing one.
    first = min(findings, key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(_keys(first["loc"]))
    return f"{path}: {_sentence(first, key, model)}"


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    # Pydantic adds the member of a union it tried ("str", "bool", ...) behind the key.
    drop = {"str", "int", "float", "bool"}
    return [str(part) for i, part in enumerate(loc) if i == 0 or part not in drop]


def _sentence(found: ErrorDetails, key: str, model: type[BaseModel]) -> str:
    value, context = found["input"], found.get("ctx", {})
    if found["type"] == "extra_forbidden":
        return _unknown_key(key, allowed_keys(model, found["loc"][:-1]))
    if found["type"] == "missing":
        return f"{key} is missing; add it"
    if found["type"] == "value_error":
        prefix = f"{key}: " if key else ""
        return prefix + str(context["error"])
    if found["type"] == "literal_error":
        allowed = str(context["expected"]).replace("'", '"')
        return f'{key} is "{value}"; allowed: {allowed}.{nearest(str(value), _words(allowed))}'
    if found["type"] == "string_pattern_mismatch":
        return f'{key} is "{value}"; it has to look like {EXAMPLES[context["pattern"]]}'
    return f"{key} is {value!r}; {found['msg'].replace('Input', 'it', 1)}"


def _words(allowed: str) -> list[str]:
    return [part for part in allowed.split('"') if part.strip() not in ("", ",", "or")]


def _unknown_key(key: str, allowed: list[str]) -> str:
    table, _, name = key.rpartition(".")
    where = f" in [{table}]" if table else ""
    return f'unknown key "{name}"{where}; allowed: {", ".join(allowed)}.{nearest(name, allowed)}'


def allowed_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the table at `loc`, sorted as the schema declares them."""
    here: Any = model
    for part in loc:
        here = here.model_fields[part].annotation if _is_table(here) else get_args(here)[1]
    return [field.alias or name for name, field in here.model_fields.items()]


def _is_table(annotation: Any) -> bool:
    return get_origin(annotation) is None and issubclass(annotation, BaseModel)
