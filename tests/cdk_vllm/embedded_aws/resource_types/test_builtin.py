from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def test_a_type_of_motos_own_is_created_changed_and_deleted(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    def queue(seconds: int) -> dict[str, Any]:
        return {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}}

    sqs, ids = client("sqs"), deployed(Queue=queue(30))
    assert sqs.list_queues()["QueueUrls"] == [ids["Queue"]]
    deployed(Queue=queue(60))
    (url,) = sqs.list_queues()["QueueUrls"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert shown["Attributes"]["VisibilityTimeout"] == "60"
    destroyed()
    assert "QueueUrls" not in sqs.list_queues()


def test_an_attribute_that_motos_model_lacks_is_an_error_by_name(
    create: Callable[..., dict[str, Any]],
) -> None:
    output = {"Out": {"Value": {"Fn::GetAtt": ["Queue", "Colour"]}}}
    stack = create({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}, "Outputs": output})
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Colour" in stack["StackStatusReason"]


def test_a_nested_stack_is_deployed(client: Client, deployed: Deployed) -> None:
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    client("s3").create_bucket(Bucket="templates")
    client("s3").put_object(Bucket="templates", Key="t.json", Body=body)
    address = "https://s3.amazonaws.com/templates/t.json"
    properties = {"TemplateURL": address}
    deployed(Nested={"Type": "AWS::CloudFormation::Stack", "Properties": properties})
    assert len(client("sns").list_topics()["Topics"]) == 1
