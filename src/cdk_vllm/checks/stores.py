"""How stores are kept: what expires, which key is whose, and what is written down about access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import Finding, Template, as_list, dig, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "AWS::S3::Bucket"
SHORTEST_KEY = 32


def buckets_forget_what_is_over(template: Template) -> Iterator[Finding]:
    """Half an upload, and a version that was replaced, are paid for until somebody looks."""
    for bucket in template.of(BUCKET):
        rules = [r for r in as_list(bucket.get("LifecycleConfiguration.Rules")) if _is_on(r)]
        uploads = [dig(r, "AbortIncompleteMultipartUpload.DaysAfterInitiation") for r in rules]
        versions = [dig(r, "NoncurrentVersionExpiration.NoncurrentDays") for r in rules]
        ends = [r["ExpirationInDays"] for r in rules if "ExpirationInDays" in r]
        wrong = {
            "unfinished uploads stay": not any(1 <= number(days) <= 30 for days in uploads),
            "replaced versions stay": not any(1 <= number(days) <= 365 for days in versions),
            "objects expire at once": any(number(days) < 1 for days in ends),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(buckets_forget_what_is_over, bucket, message)


def _is_on(rule: dict[str, Any]) -> bool:
    return rule.get("Status") == "Enabled"


def logs_of_access_end(template: Template) -> Iterator[Finding]:
    """A bucket that others log to grows for ever."""
    targets = {
        str(bucket.get("LoggingConfiguration.DestinationBucketName"))
        for bucket in template.of(BUCKET)
        if bucket.get("LoggingConfiguration")
    }
    for bucket in template.of(BUCKET):
        rules = as_list(bucket.get("LifecycleConfiguration.Rules"))
        if str({"Ref": bucket.logical_id}) in targets and not any(
            number(rule.get("ExpirationInDays")) >= 1 for rule in rules
        ):
            yield report(logs_of_access_end, bucket, "nothing expires")
        logging = bucket.get("LoggingConfiguration")
        if logging and not logging.get("DestinationBucketName"):
            yield report(logs_of_access_end, bucket, "it logs to itself, and logs that as well")
        if logging and not str(bucket.get("LoggingConfiguration.LogFilePrefix", "")).endswith("/"):
            yield report(logs_of_access_end, bucket, "its log has no prefix of its own")


def owners_own_what_is_stored(template: Template) -> Iterator[Finding]:
    """With access lists, whoever uploads an object decides who reads it."""
    for bucket in template.of(BUCKET):
        rules = as_list(bucket.get("OwnershipControls.Rules"))
        owners = [rule.get("ObjectOwnership") for rule in rules]
        if rules and owners != ["BucketOwnerEnforced"]:
            yield report(owners_own_what_is_stored, bucket, f"ownership is {owners[0]}")


def weights_have_a_key(template: Template) -> Iterator[Finding]:
    """With AWS's own key everybody who may read the bucket may read the weights."""
    for bucket in template.of(BUCKET):
        for rule in as_list(bucket.get("BucketEncryption.ServerSideEncryptionConfiguration")):
            default = rule.get("ServerSideEncryptionByDefault", {})
            if default.get("SSEAlgorithm") != "aws:kms":
                continue
            if not default.get("KMSMasterKeyID"):
                yield report(weights_have_a_key, bucket, "the key is AWS's own")
            if rule.get("BucketKeyEnabled") is not True:
                yield report(weights_have_a_key, bucket, "every object is a call to KMS")
    for repository in template.of("AWS::ECR::Repository"):
        if not repository.get("EncryptionConfiguration.KmsKey"):
            yield report(weights_have_a_key, repository, "the key is AWS's own")


def keys_of_clients_are_long_and_safe(template: Template) -> Iterator[Finding]:
    """A short key is guessed; one with a quote or a colon in it breaks a header."""
    for secret in template.of("AWS::SecretsManager::Secret"):
        generated = secret.get("GenerateSecretString")
        if not generated:
            continue
        wrong = {
            "the key is AWS's own": not secret.get("KmsKeyId"),
            f"it is shorter than {SHORTEST_KEY}": number(generated.get("PasswordLength"))
            < SHORTEST_KEY,
            "it has punctuation": generated.get("ExcludePunctuation") is not True,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(keys_of_clients_are_long_and_safe, secret, message)


def flow_logs_hold_everything(template: Template) -> Iterator[Finding]:
    """Refused connections show who tried; accepted ones, who succeeded."""
    for log in template.of("AWS::EC2::FlowLog"):
        wrong = {
            "not all traffic": log.get("TrafficType") != "ALL",
            "no destination": not log.get("LogDestination") and not log.get("LogGroupName"),
            "no kind of destination": not log.get("LogDestinationType"),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(flow_logs_hold_everything, log, message)


def free_ways_have_their_routes(template: Template) -> Iterator[Finding]:
    """A gateway endpoint that is in no route table carries nothing."""
    tables = sum(1 for _ in template.of("AWS::EC2::RouteTable"))
    for endpoint in template.of("AWS::EC2::VPCEndpoint"):
        if endpoint.get("VpcEndpointType") != "Gateway":
            continue
        if len(as_list(endpoint.get("RouteTableIds"))) < tables:
            yield report(free_ways_have_their_routes, endpoint, "a route table lacks it")


RULES = (
    buckets_forget_what_is_over,
    logs_of_access_end,
    owners_own_what_is_stored,
    weights_have_a_key,
    keys_of_clients_are_long_and_safe,
    flow_logs_hold_everything,
    free_ways_have_their_routes,
)
