"""The environment file is read strictly, and every mistake says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm import environment_file
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
region = "us-east-1"

[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
max_model_len = 16384
prompt_tokens = 2000
output_tokens = 500
concurrent_requests = 32
replicas = { min = 1, max = 4 }
insecure_http = true

[services.chat.engine]
enable_prefix_caching = true
"""


def written(directory: Path, text: str = GOOD, name: str = "dev.toml") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    environment = environment_file.load(written(tmp_path))
    chat = environment.services["chat"]
    assert environment.name == "dev"
    assert (chat.replicas.min, chat.replicas.max) == (1, 4)
    assert chat.engine == {"enable_prefix_caching": True}
    assert chat.longest_request_seconds == 300


def test_the_file_cannot_be_changed_once_read(tmp_path: Path) -> None:
    environment = environment_file.load(written(tmp_path))
    with pytest.raises(Exception, match="frozen"):
        environment.region = "eu-west-1"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("region =", "regoin =", ['unknown key "regoin"', "allowed: region", '"region"?']),
        ("us-east-1", "us-eest-1", ['region: "us-eest-1" is not an AWS region', "Did you mean"]),
        ('"ecs"', '"ec2"', ['services.chat.backend is "ec2"', '"ecs" or "sagemaker"', '"ecs"?']),
        (
            "concurrent_requests",
            "concurrent_request",
            ['"concurrent_request" in [services.chat]', 'mean "concurrent_requests"?'],
        ),
        ("{ min = 1,", "{ min = 9,", ["services.chat.replicas", "max is 4, below min 9"]),
        ("{ min = 1,", "{ min = 0,", ["replicas.min is 0", "scale_to_zero = true"]),
        ("{ min = 1,", "{ mni = 1,", ['"mni" in [services.chat.replicas]', '"min"?']),
        ("= 16384", '= "16k"', ["services.chat.max_model_len is '16k'", "valid integer"]),
        ("= 16384", "= 2000", ["prompt_tokens + output_tokens is 2500", "raise max_model_len"]),
        ("max_model_len = 16384", "", ["services.chat.max_model_len is missing"]),
        ("Qwen/Qwen3-8B", "Qwen3-8B", ['model is "Qwen3-8B"', "look like Qwen/Qwen3-8B"]),
        ("insecure_http = true", "", ["needs domain", "insecure_http = true"]),
        ("output_tokens = 500", "", ["both prompt_tokens and output_tokens"]),
        ("services.chat", "services.Chat", ['cannot be called "Chat"', "lower-case"]),
        ("services.chat", "services.foundation", ['"foundation"']),
        (
            "enable_prefix_caching = true",
            "enable_prefix_caching = [1]",
            ["services.chat.engine.enable_prefix_caching is [1]"],
        ),
    ],
)
def test_a_mistake_names_file_key_value_and_fix(
    tmp_path: Path, old: str, new: str, parts: list[str]
) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(InputError) as caught:
        environment_file.load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("addition", "part"),
    [
        ('[network]\nvpc_id = "vpc-0abc"', "network.vpc_id needs account"),
        ('[network]\nvpc_id = "abc"', "look like vpc-0123456789abcdef0"),
        (
            '[network]\nvpc_id = "vpc-0abc"\nprivate_subnet_ids = ["subnet-1", "subnet-2"]\n'
            'availability_zones = ["us-east-1a"]',
            "one zone per subnet",
        ),
        ('[alarms]\nemail = "nobody"', "look like ml-oncall@example.com"),
        ('[services.chat.image]\nbase_image = "x:latest"', "does not say which vLLM"),
        ('[services.chat.image]\nuri = "x:v0.33.0"', "look like REPOSITORY@sha256:"),
        ('[services.other]\nbackend = "sagemaker"\ndomain = "a.example.com"', "is missing"),
        ("[services.chat]\n", 'two services are called "chat"'),
        ("[broken", "is not valid TOML"),
        (
            '[[services.chat.schedules]]\ncron = "cron(0 8 * * ? *)"\nmin = 1\nmax = 9',
            "a schedule's replicas are 1 to 9; they have to lie within replicas, 1 to 4",
        ),
        (
            '[services.chat.capacity]\ncapacity_block = true\nsubnet_id = "subnet-9"\n'
            'capacity_reservation_id = "cr-0a1b2c3d4e"\n'
            '[network]\nvpc_id = "vpc-0abc"\n'
            'private_subnet_ids = ["subnet-1", "subnet-2"]\n'
            'availability_zones = ["us-east-1a", "us-east-1b"]',
            "capacity.subnet_id subnet-9 is not in private_subnet_ids, subnet-1, subnet-2",
        ),
        (
            "[services.chat.sagemaker]\ncapture_percent = 1",
            "sagemaker belongs to backend sagemaker",
        ),
        (
            '[services.chat.token_issuer]\nissuer = "https://a.b"\njwks_url = "https://a.b/k"',
            "token_issuer contradicts insecure_http = true",
        ),
    ],
)
def test_an_addition_that_is_wrong_is_refused(tmp_path: Path, addition: str, part: str) -> None:
    with pytest.raises(InputError, match=r"dev\.toml") as caught:
        environment_file.load(written(tmp_path, f"{GOOD}\n{addition}\n"))
    assert part in str(caught.value)


def test_sagemaker_has_no_front_door_of_ours(tmp_path: Path) -> None:
    text = GOOD.replace('"ecs"', '"sagemaker"')
    with pytest.raises(InputError, match="insecure_http belongs to backend ecs"):
        environment_file.load(written(tmp_path, text))


@pytest.mark.parametrize("text", ['region = "us-east-1"', 'region = "us-east-1"\n[services]'])
def test_an_environment_without_services_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"add a table such as \[services.chat\]"):
        environment_file.load(written(tmp_path, text))


def test_a_missing_file_is_refused_with_its_nearest_sibling(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(InputError, match=r"does not exist.*Did you mean .*dev\.toml"):
        environment_file.load(tmp_path / "dve.toml")


def test_a_file_name_that_cannot_be_a_stage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='cannot be called "My Env"'):
        environment_file.load(written(tmp_path, name="My Env.toml"))


def test_find_takes_a_path_a_glob_or_everything(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    dev = written(tmp_path / "environments")
    prod = written(tmp_path / "environments", name="prod.toml")
    assert environment_file.find(None, tmp_path) == [dev, prod]
    assert environment_file.find("environments/d*.toml", tmp_path) == [dev]
    assert environment_file.find(str(prod), tmp_path) == [prod]
    with pytest.raises(InputError, match="no environment file matches"):
        environment_file.find("nothing/*.toml", tmp_path)


def test_the_image_tells_its_vllm_version(tmp_path: Path) -> None:
    image = '\n[services.chat.image]\nbase_image = "vllm/vllm-openai:v0.33.1-cu129"\n'
    environment = environment_file.load(written(tmp_path, GOOD + image))
    assert environment.services["chat"].image.tagged_vllm_version == "0.33.1"


def test_an_environment_is_named_by_its_file_or_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "environments").mkdir()
    path = written(tmp_path / "environments")
    monkeypatch.chdir(tmp_path)
    for given in ("dev", "environments/dev.toml", str(path)):
        assert environment_file.load(given).name == "dev"
    with pytest.raises(InputError, match=r"environments/dve\.toml does not exist.*Did you mean"):
        environment_file.load("dve")
