"""Facts in, sentences out: each names what was compared, and each shortfall what to ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.preflight import (
    Facts,
    ModelFact,
    PlannedService,
    QuotaFact,
    Result,
    Unknown,
    findings,
)

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

IMAGE = "vllm/vllm-openai:v0.33.0"
G = "Running On-Demand G and VT instances"
MODEL = ModelFact(uri="s3://models/models/Qwen/Qwen3-8B/main/", files=9, size_bytes=16_400_000_000)
FACTS = Facts(
    quotas={G: QuotaFact(value=64, code="L-DB2E81BA", in_use=0.0)},
    planned_zones=("us-east-1a", "us-east-1b"),
    zones={"g6e.2xlarge": ("us-east-1a", "us-east-1b", "us-east-1d")},
    models={"chat": MODEL},
    images={IMAGE: True},
)


def result(plan: ServingPlan, about: str, **changed: object) -> Result:
    facts = replace(FACTS, **changed)  # type: ignore[arg-type]
    found = findings([PlannedService(plan=plan, image=IMAGE)], facts)
    return next(r for r in found if r.about.startswith(about))


def test_an_account_that_has_everything_is_ok(ecs_plan: ServingPlan) -> None:
    results = findings([PlannedService(plan=ecs_plan, image=IMAGE)], FACTS)
    assert [r.status for r in results] == ["ok"] * 4
    assert [r.about for r in results] == [
        "quota",
        "zones of chat",
        "model of chat",
        "image of chat",
    ]
    assert "is complete (9 files, 16.4 GB)" in results[2].sentence


def test_a_short_quota_has_its_name_its_code_and_what_to_ask_for(ecs_plan: ServingPlan) -> None:
    found = result(ecs_plan, "quota", quotas={G: QuotaFact(value=63, code="L-1", in_use=0.0)})
    assert found.status == "short"
    assert f'"{G}" (L-1) is 63 vCPUs' in found.sentence
    assert "needs 64 (chat: 8 x g6e.2xlarge of 8 vCPUs)" in found.sentence
    assert found.sentence.endswith("ask Service Quotas for 64 or more")


def test_what_others_use_is_not_there_for_us(ecs_plan: ServingPlan) -> None:
    found = result(ecs_plan, "quota", quotas={G: QuotaFact(value=100, code="L-1", in_use=48.0)})
    assert found.status == "short"
    assert "of which others use 48" in found.sentence
    assert found.sentence.endswith("ask Service Quotas for 112 or more")


def test_use_nobody_could_read_is_said_beside_an_ok(ecs_plan: ServingPlan) -> None:
    fact = QuotaFact(value=64, code="L-1", in_use=Unknown("use was not read"))
    found = result(ecs_plan, "quota", quotas={G: fact})
    assert (found.status, found.sentence.endswith("; use was not read")) == ("ok", True)


@pytest.mark.parametrize(
    ("offered", "status", "words"),
    [
        (("us-east-1a", "us-east-1b"), "ok", "is offered in us-east-1a, us-east-1b"),
        (("us-east-1b",), "ok", "and not in us-east-1a, which cannot take over"),
        (("us-east-1c",), "short", "not offered in us-east-1a, us-east-1b; offered in us-east-1c"),
        ((), "short", "the region has none"),
    ],
)
def test_a_type_must_be_offered_where_the_network_is(
    ecs_plan: ServingPlan, offered: tuple[str, ...], status: str, words: str
) -> None:
    found = result(ecs_plan, "zones", zones={"g6e.2xlarge": offered})
    assert found.status == status
    assert words in found.sentence


@pytest.mark.parametrize(
    ("zones", "status", "sentence"),
    [
        ({"a": ("us-east-1a",), "b": ("us-east-1a",)}, "ok", "offered: a, b"),
        ({"a": (), "b": ("us-east-1b",)}, "ok", "offered: b; not offered: a"),
        ({"a": ("us-east-1z",), "b": ()}, "ok", "offered: none; not offered: a, b"),
        ({"a": Unknown("denied"), "b": ()}, "not checked", "a: denied"),
        ({"b": ()}, "not checked", "a: it was not asked for"),
    ],
)
def test_stand_ins_are_looked_for_and_missed_by_nobody(
    ecs_plan: ServingPlan,
    zones: dict[str, tuple[str, ...] | Unknown],
    status: str,
    sentence: str,
) -> None:
    service = PlannedService(plan=ecs_plan, image=IMAGE, fallback_types=("a", "b"))
    results = findings([service], replace(FACTS, zones={**FACTS.zones, **zones}))
    found = next(r for r in results if r.about == "stand-ins of chat")
    assert (found.status, found.sentence) == (status, sentence)


def test_an_incomplete_model_is_to_be_pushed(ecs_plan: ServingPlan) -> None:
    broken = replace(MODEL, faults=("a.safetensors is missing", "b.safetensors is missing"))
    found = result(ecs_plan, "model", models={"chat": broken})
    assert found.status == "short"
    assert "a.safetensors is missing, and 1 more; run: cdk-vllm push" in found.sentence


def test_an_image_that_is_gone_is_short(ecs_plan: ServingPlan) -> None:
    found = result(ecs_plan, "image", images={IMAGE: False})
    assert (found.status, found.sentence.startswith(IMAGE)) == ("short", True)


@pytest.mark.parametrize("about", ["quota", "zones", "model", "image"])
def test_what_could_not_be_read_is_not_checked_and_says_why(
    ecs_plan: ServingPlan, about: str
) -> None:
    unread = Unknown("AWS answered with AccessDenied")
    found = result(
        ecs_plan,
        about,
        quotas={G: unread},
        planned_zones=unread,
        models={"chat": unread},
        images={IMAGE: unread},
    )
    assert found.status == "not checked"
    assert found.sentence.endswith(": AWS answered with AccessDenied")


def test_nothing_is_ok_that_was_not_asked_for(
    ecs_plan: ServingPlan, sagemaker_plan: ServingPlan
) -> None:
    services = [PlannedService(plan=plan, image=IMAGE) for plan in (ecs_plan, sagemaker_plan)]
    results = findings(services, Facts(planned_zones=("us-east-1a",)))
    assert {r.status for r in results} == {"not checked"}
    assert any("64 vCPUs" in r.sentence for r in results), "what is needed is said all the same"


def test_a_quota_without_a_published_code_is_not_checked(ecs_plan: ServingPlan) -> None:
    spot = replace(
        ecs_plan,
        instance_type="p6-b200.48xlarge",
        request=replace(ecs_plan.request, spot=True),
    )
    found = result(spot, "quota")
    assert (found.status, "ask AWS for 1536" in found.sentence) == ("not checked", True)
