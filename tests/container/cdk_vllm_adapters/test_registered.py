"""Adapters looked up by name, against S3 over HTTP."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from cdk_vllm_adapters.registered import NAMES_SECONDS, RegisteredAdapters, max_lora_rank
from cdk_vllm_store.bucket import location
from cdk_vllm_store.failure import PrepareError, StoreError
from tests.container.pushed import Store, adapter_files, stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.container.between import Between

LISTINGS = r"^GET .*list-type=2"


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def adapters(store: Store, between: Between, tmp_path: Path, clock: Clock) -> RegisteredAdapters:
    """The adapters of the service "chat", in which "medical" is registered."""
    push(store, "medical")
    place = location(f"s3://{store.bucket}/adapters/chat/")
    return RegisteredAdapters(place, tmp_path, max_rank=16, clock=clock)


def push(store: Store, name: str, files: dict[str, bytes] | None = None) -> Store:
    pushed = store.adapter(name, files)
    store.register(name, pushed.revision)
    return pushed


def test_a_registered_name_is_a_folder_named_by_its_content(
    adapters: RegisteredAdapters, store: Store, tmp_path: Path
) -> None:
    folder = adapters.folder_of("medical")
    assert folder == tmp_path / "medical" / store.adapter("medical").revision
    assert stored(folder) == adapter_files()
    assert folder.stat().st_mode & 0o777 == 0o555


def test_a_name_without_a_registration_is_unknown(
    adapters: RegisteredAdapters, store: Store
) -> None:
    store.adapter("pushed-only")
    assert adapters.folder_of("pushed-only") is None
    assert adapters.folder_of("nobody") is None


def test_the_adapters_of_another_service_are_unknown(
    adapters: RegisteredAdapters, store: Store
) -> None:
    other = store.adapter("legal", service="summaries")
    store.register("legal", other.revision, service="summaries")
    assert adapters.folder_of("legal") is None


@pytest.mark.parametrize(
    "name",
    ["../chat/medical", "medical/", "/medical", "medical/..", "..", ".", "", "MEDICAL", "me dical",
     "medical\n", "medical\x00", "médical", "a" * 64, "s3://bucket/adapters/chat/medical"],
)  # fmt: skip
def test_a_name_is_no_path_and_costs_nothing(
    adapters: RegisteredAdapters, between: Between, name: str
) -> None:
    assert adapters.folder_of(name) is None
    assert between.requests == []


def test_unknown_names_cost_one_listing_in_ten_seconds(
    adapters: RegisteredAdapters, between: Between, clock: Clock
) -> None:
    for second in range(20):
        clock.seconds = float(second)
        for number in range(20):
            assert adapters.folder_of(f"nobody-{number}") is None
    assert between.count("^GET") == between.count(LISTINGS) == 2


def test_requests_at_once_share_a_listing(adapters: RegisteredAdapters, between: Between) -> None:
    ready = threading.Barrier(8)

    def ask(number: int) -> Path | None:
        ready.wait()
        return adapters.folder_of(f"nobody-{number}")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {None}
    assert between.count(LISTINGS) == 1


def test_a_new_name_is_found_after_ten_seconds(
    adapters: RegisteredAdapters, store: Store, clock: Clock
) -> None:
    assert adapters.folder_of("late") is None
    push(store, "late")
    clock.seconds = NAMES_SECONDS
    assert adapters.folder_of("late") is None
    clock.seconds += 0.001
    assert adapters.folder_of("late") is not None
    assert NAMES_SECONDS <= 15


def test_memory_holds_the_names_in_the_bucket_only(adapters: RegisteredAdapters) -> None:
    for number in range(100):
        adapters.folder_of(f"nobody-{number}")
    assert adapters._names == {"medical"}


def test_what_was_fetched_is_not_fetched_again(
    adapters: RegisteredAdapters, between: Between
) -> None:
    folder = adapters.folder_of("medical")
    between.requests.clear()
    assert adapters.folder_of("medical") == folder
    assert between.count("adapter_model") == 0


def test_what_was_fetched_stays_when_it_is_deleted_in_s3(
    adapters: RegisteredAdapters, store: Store, clock: Clock
) -> None:
    folder = adapters.folder_of("medical")
    assert folder is not None
    store.delete_all()
    clock.seconds = 60.0
    assert adapters.folder_of("medical") is None, "no longer registered"
    assert stored(folder) == adapter_files()


def test_two_requests_for_a_new_adapter_fetch_it_whole(
    adapters: RegisteredAdapters, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(4) as pool:
        (folder,) = set(pool.map(adapters.folder_of, ["medical"] * 4))
    assert folder is not None
    assert stored(folder) == adapter_files()
    assert [path.name for path in (tmp_path / "medical").iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (adapter_files(rank=32), "adapter odd has rank 32 and this server was planned for 16"),
        (adapter_files(rank_pattern={"q_proj": 32}), "adapter odd has rank 32 and this server was"),
        (adapter_files(rank=16, peft_type="IA3"), "no adapter_config.json of a LoRA adapter"),
        (adapter_files() | {"adapter_config.json": b"{"}, "no adapter_config.json of a LoRA"),
        (adapter_files() | {"adapter_config.json": b"[]"}, "no adapter_config.json of a LoRA"),
        (adapter_files() | {"adapter_model.bin": b"."}, "adapter_model.bin is a pickle, which"),
    ],
)
def test_what_is_no_adapter_of_this_server_is_refused(
    adapters: RegisteredAdapters, store: Store, files: dict[str, bytes], why: str
) -> None:
    push(store, "odd", files)
    with pytest.raises(PrepareError, match=why) as caught:
        adapters.folder_of("odd")
    assert not isinstance(caught.value, StoreError)
    assert "s3://" not in adapters.told(caught.value)


def test_other_content_than_the_manifest_says_is_refused(
    adapters: RegisteredAdapters, store: Store, tmp_path: Path
) -> None:
    push(store, "changed").put("adapter_model.safetensors", b"WEIGHTS")
    with pytest.raises(PrepareError, match="other content than the manifest says"):
        adapters.folder_of("changed")
    assert list((tmp_path / "changed").iterdir()) == []


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"version": "../x"}', b'{"version": null}'])
def test_a_registration_of_another_form_is_refused(
    adapters: RegisteredAdapters, store: Store, text: bytes
) -> None:
    key = "adapters/chat/medical/registered.json"
    store.s3.put_object(Bucket=store.bucket, Key=key, Body=text)
    with pytest.raises(PrepareError, match=r"registered\.json names no version"):
        adapters.folder_of("medical")


def test_a_store_that_refuses_is_asked_again_after_ten_seconds(
    adapters: RegisteredAdapters, between: Between, clock: Clock
) -> None:
    between.refuse(LISTINGS, 403, "AccessDenied")
    for _ in range(5):
        with pytest.raises(StoreError, match="access denied to ListObjectsV2"):
            adapters.folder_of("medical")
    assert between.count(LISTINGS) == 1
    between.allow()
    clock.seconds = 11.0
    assert adapters.folder_of("medical") is not None


@pytest.mark.parametrize(
    ("words", "rank"),
    [
        (["vllm", "serve", "m", "--max-lora-rank", "64"], 64),
        (["vllm", "serve", "m", "--max-lora-rank=8", "--port", "1"], 8),
        (["vllm", "serve", "m", "--max_lora_rank", "8"], 8),
        (["vllm", "serve", "m", "--max-lora-rank"], None),
        (["vllm", "serve", "m", "--max-loras", "4"], None),
    ],
)
def test_the_rank_is_read_from_vllms_words(words: list[str], rank: int | None) -> None:
    assert max_lora_rank(words) == rank
