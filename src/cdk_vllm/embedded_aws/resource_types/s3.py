"""S3: buckets and their policies."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .resource import Resource
from .s3_configuration import configuration_calls, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bucket(Resource):
    """`AWS::S3::Bucket`; `Ref` is its name.

    moto's model applies encryption and tags only: no versioning, public access block, ownership,
    lifecycle, logging or notifications.
    """

    type_name = "AWS::S3::Bucket"
    name_property = "BucketName"
    name_limit = 63
    name_lower = True
    fixed = frozenset({"ObjectLockEnabled"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the bucket and put each of its configurations."""
        name = str(properties["BucketName"])
        request: dict[str, Any] = {"Bucket": name}
        if self.place.region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": self.place.region}
        if str(properties.get("ObjectLockEnabled", "false")).lower() == "true":
            request["ObjectLockEnabledForBucket"] = True
        self.client("s3").create_bucket(**request)
        self.physical_id = name
        self._configure(properties, {})
        return name

    def update(self, properties: dict[str, Any]) -> None:
        """Put what changed and remove what is gone."""
        self._configure(properties, self.properties)

    def _configure(self, properties: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        refuse_unknown(properties, known={"AccessControl", "BucketName", "ObjectLockEnabled"})
        acl = properties.get("AccessControl")
        if acl and acl != before.get("AccessControl"):
            canned = re.sub(r"(?<!^)(?=[A-Z])", "-", acl).lower()
            self.client("s3").put_bucket_acl(Bucket=self.physical_id, ACL=canned)
        for operation, parameters in configuration_calls(properties, before):
            self.call(f"s3.{operation}", {"Bucket": self.physical_id, **parameters})

    def delete(self) -> None:
        """Delete the bucket, which S3 refuses while it holds objects."""
        self.client("s3").delete_bucket(Bucket=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return the ARN or one of the domain names."""
        bucket, region = self.physical_id, self.place.region
        return {
            "Arn": f"arn:aws:s3:::{bucket}",
            "DomainName": f"{bucket}.s3.amazonaws.com",
            "DualStackDomainName": f"{bucket}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{bucket}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{bucket}.s3-website-{region}.amazonaws.com",
        }.get(name)


class BucketPolicy(Resource):
    """`AWS::S3::BucketPolicy`; `Ref` is the bucket's name."""

    type_name = "AWS::S3::BucketPolicy"
    fixed = frozenset({"Bucket"})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the policy."""
        self.client("s3").put_bucket_policy(
            Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"])
        )
        return str(properties["Bucket"])

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self.create(properties)

    def delete(self) -> None:
        """Delete the policy."""
        try:
            self.client("s3").delete_bucket_policy(Bucket=self.physical_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise


TYPES = (Bucket, BucketPolicy)
