#!/usr/bin/env bash
# Tells CloudFormation how the build ended; runs after every build, also a failed one.
#
# CodeBuild sets  CODEBUILD_BUILD_SUCCEEDING CODEBUILD_BUILD_URL
# a request sets  RESPONSE_URL PHYSICAL_RESOURCE_ID STACK_ID REQUEST_ID LOGICAL_RESOURCE_ID
set -euo pipefail

if [[ -z ${RESPONSE_URL:-} ]]; then
  echo "Nobody asked for an answer: this build was started by hand."
  exit 0
fi

status=FAILED
reason="The image build ended early; it may have run out of time."
if [[ -s reason.txt ]]; then reason=$(<reason.txt); fi
data='{}'
if [[ $CODEBUILD_BUILD_SUCCEEDING == 1 && -s result.json ]]; then
  status=SUCCESS
  reason="Built."
  data=$(<result.json)
fi

# CloudFormation takes an answer of 4096 bytes at most, so a long reason is cut.
jq --null-input --arg status "$status" --arg reason "${reason:0:700}" \
  --arg log "$CODEBUILD_BUILD_URL" --arg physical "$PHYSICAL_RESOURCE_ID" \
  --arg stack "$STACK_ID" --arg request "$REQUEST_ID" --arg logical "$LOGICAL_RESOURCE_ID" \
  --argjson data "$data" \
  '{Status: $status, Reason: "\($reason) Log: \($log)", PhysicalResourceId: $physical,
    StackId: $stack, RequestId: $request, LogicalResourceId: $logical, Data: $data}' >answer.json

# The address is signed for an upload without a content type.
curl --fail --silent --show-error --retry 5 --retry-connrefused --header 'Content-Type:' \
  --upload-file answer.json "$RESPONSE_URL"
