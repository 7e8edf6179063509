#!/usr/bin/env bash
# Runs the push's own code in CodeBuild.
#
# The project sets  AWS_ACCOUNT BUCKET SOURCE_BUCKET SOURCE_KEY, HF_TOKEN where there is one
# a push sets       MODEL REVISION
set -euo pipefail

work=$(mktemp -d)
# The owner is checked because the name of an asset bucket can be guessed, and taken, by anyone.
aws s3api get-object --bucket "$SOURCE_BUCKET" --key "$SOURCE_KEY" \
  --expected-bucket-owner "$AWS_ACCOUNT" "$work/source.zip" >/dev/null \
  || { echo "cdk-vllm: the push's code, s3://$SOURCE_BUCKET/$SOURCE_KEY, cannot be read" >&2; exit 1; }
unzip -q "$work/source.zip" -d "$work/cdk_vllm"
python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
  --requirement "$work/cdk_vllm/model_store/requirements.txt" \
  || { echo "cdk-vllm: the push's Python packages cannot be installed" >&2; exit 1; }
PYTHONPATH=$work exec python -m cdk_vllm.model_store.job
