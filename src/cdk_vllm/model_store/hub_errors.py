"""What can go wrong with a hub, each in one sentence with the likely fix."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cdk_vllm.errors import CdkVllmError, InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN_HINT = "log in with `hf auth login`, or set HF_TOKEN"  # noqa: S105 - no token, a hint
"""How a person gives a token; the job in AWS says its own way in `CDK_VLLM_TOKEN_HINT`."""


class UnknownModelError(InputError):
    """The hub has no such model; the caller may know a name that is near."""


@contextmanager
def explained(model: str, revision: str) -> Iterator[None]:
    """Turn what huggingface_hub raises for a model into `InputError` or `CdkVllmError`."""
    import httpx  # noqa: PLC0415 - the command starts fast
    from huggingface_hub import errors  # noqa: PLC0415 - as above

    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise InputError(
            f"HF_HUB_OFFLINE is set and {model} is not in the cache; unset it, or push a directory"
        ) from None
    except errors.HFValidationError as error:
        raise InputError(f"{model} is not a model's name: {error}") from None
    except errors.LocalEntryNotFoundError as error:
        raise _of_response(error.__cause__ or error, model, revision) from None
    except (errors.HfHubHTTPError, httpx.HTTPError) as error:
        raise _of_response(error, model, revision) from None
    except OSError as error:
        raise _of_disk(error, model) from None


def _of_response(error: BaseException, model: str, revision: str) -> CdkVllmError:
    from huggingface_hub import constants, errors, get_token  # noqa: PLC0415 - as above

    hub = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    response = getattr(error, "response", None)
    status = response.status_code if response is not None else 0
    match error:
        case errors.GatedRepoError():
            return _gated(model, hub, has_token=bool(get_token()))
        case errors.RevisionNotFoundError():
            return InputError(
                f'{model} has no revision "{revision}"; give a branch, a tag or a whole commit of '
                f"40 digits.{nearest(revision, ['main'])}"
            )
        case errors.RepositoryNotFoundError():
            return UnknownModelError(
                f"{hub} has no model {model}, or a private one that needs a token: check its name, "
                f"or {_token_hint()}."
            )
        case errors.EntryNotFoundError():
            return CdkVllmError(f"{model} lost a file while it was pushed; push again")
    return _of_status(status, error, model, hub)


def _gated(model: str, hub: str, *, has_token: bool) -> CdkVllmError:
    if has_token:
        return InputError(
            f"the Hugging Face account in use has no access to {model}; ask for it, or accept its "
            f"licence, at {hub}/{model}"
        )
    return InputError(
        f"access to {model} needs a token: accept its licence at {hub}/{model}, "
        f"then {_token_hint()}"
    )


def _of_status(status: int, error: BaseException, model: str, hub: str) -> CdkVllmError:
    if status == 401:
        return InputError(f"{hub} refused the token for {model}; {_token_hint()}")
    if status == 403:
        return InputError(
            f"{hub} forbids access to {model}; accept its licence at {hub}/{model}, or use a token "
            "that may read it"
        )
    if status == 429:
        return CdkVllmError(
            f"{hub} takes no more requests from here for now (429); push again later, where it "
            f"goes on, or {_token_hint()}: accounts have higher limits"
        )
    if status:
        return CdkVllmError(
            f"{hub} answered {status} for {model}; push again later, where it goes on"
        )
    return CdkVllmError(
        f"the connection to {hub} broke while fetching {model} ({error or type(error).__name__}); "
        "push again, where it goes on"
    )


def _of_disk(error: OSError, model: str) -> CdkVllmError:
    if error.errno == errno.ENOSPC:
        return CdkVllmError(
            f"the disk is full while fetching {model}; free some space, set HF_HOME to a larger "
            "disk, or add --remote, and push again, where it goes on"
        )
    return CdkVllmError(f"{model} cannot be fetched: {' '.join(str(error).split())}; push again")


def _token_hint() -> str:
    return os.environ.get("CDK_VLLM_TOKEN_HINT") or TOKEN_HINT
