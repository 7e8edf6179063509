from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:5000/templates/t.json", "http://localhost:5000/templates/t.json"]
)
def test_a_template_is_read_from_loopback(client: Callable[[str], Any], address: str) -> None:
    properties = {"Type": "String", "Value": "x", "Name": "p"}
    body = {"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}}}
    client("s3").create_bucket(Bucket="templates")
    client("s3").put_object(Bucket="templates", Key="t.json", Body=json.dumps(body))
    client("cloudformation").create_stack(StackName="app", TemplateURL=address)
    assert client("ssm").get_parameter(Name="p")["Parameter"]["Value"] == "x"


def test_a_template_that_is_not_there_is_an_error(client: Callable[[str], Any]) -> None:
    client("s3").create_bucket(Bucket="templates")
    with pytest.raises(Exception, match=r"t\.json"):
        client("cloudformation").create_stack(
            StackName="app", TemplateURL="http://127.0.0.1:5000/templates/t.json"
        )
