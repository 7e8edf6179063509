"""What the hub's library raises, said in one sentence; what a hub answers is in `test_hub.py`."""

from __future__ import annotations

import errno

import httpx
import pytest
from huggingface_hub import errors

from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.model_store.hub_errors import explained


def answer(status: int) -> errors.HfHubHTTPError:
    request = httpx.Request("GET", "http://hub/org/name")
    return errors.HfHubHTTPError("several\nlines", response=httpx.Response(status, request=request))


@pytest.mark.parametrize(
    ("raised", "kind", "sentence"),
    [
        (answer(401), InputError, "refused the token for org/name; log in with `hf auth login`"),
        (answer(403), InputError, "forbids access to org/name; accept its licence"),
        (answer(429), CdkVllmError, r"no more requests from here for now \(429\)"),
        (answer(503), CdkVllmError, "answered 503 for org/name; push again later"),
        (httpx.ReadTimeout("slow"), CdkVllmError, r"broke while fetching org/name \(slow\)"),
        (errors.OfflineModeIsEnabled("x"), InputError, "HF_HUB_OFFLINE is set"),
        (errors.HFValidationError("bad"), InputError, "org/name is not a model's name: bad"),
        (OSError(errno.ENOSPC, "full"), CdkVllmError, "the disk is full while fetching org/name"),
        (OSError("size\ndiffers"), CdkVllmError, "cannot be fetched: size differs; push again"),
    ],
    ids=str,
)
def test_each_is_one_sentence_with_its_fix(
    raised: Exception, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as caught, explained("org/name", "main"):
        raise raised
    assert "\n" not in str(caught.value)


def test_the_cause_counts_where_the_library_hides_it() -> None:
    hidden = errors.LocalEntryNotFoundError("check your connection")
    hidden.__cause__ = answer(429)
    with pytest.raises(CdkVllmError, match="429"), explained("org/name", "main"):
        raise hidden


def test_the_job_says_its_own_way_to_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_VLLM_TOKEN_HINT", "name a secret")
    with pytest.raises(InputError, match="; name a secret"), explained("org/name", "main"):
        raise answer(401)
