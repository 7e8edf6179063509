from __future__ import annotations

from cdk_vllm.embedded_aws.resource_types.attributes import supplied_attribute
from cdk_vllm.embedded_aws.resource_types.resource import Place, Resource


def test_an_attribute_may_be_what_ref_gives() -> None:
    place = Place("1", "r", "s", "n", "Files", "AWS::EFS::FileSystem")
    resource = Resource(place)
    resource.physical_id = "fs-1"
    assert supplied_attribute(resource, "FileSystemId") == "fs-1"
    assert supplied_attribute(resource, "Colour") is None
