#!/usr/bin/env bash
# Builds one image in CodeBuild and pushes it under a tag derived from the request.
# Leaves the answer's data in result.json, or the reason of a failure in reason.txt.
#
# The project sets  MIRROR_NAME MIRROR_URI REPOSITORY_NAME REPOSITORY_URI DOCKER_HUB_SECRET_ARN
#                   AWS_ACCOUNT PULL_BACKOFF_SECONDS
# a request sets    BASE_IMAGE TARGET SOURCE_BUCKET SOURCE_KEY IMAGE_TAG
set -euo pipefail

fail() {
  echo "$1" | tee reason.txt >&2
  exit 1
}

# Prints the digest of a tag, and nothing where there is no such tag.
digest_of() { # REPOSITORY_NAME TAG
  local found
  if found=$(aws ecr describe-images --repository-name "$1" --image-ids "imageTag=$2" \
    --query 'imageDetails[0].imageDigest' --output text 2>&1); then
    echo "$found"
  elif [[ $found != *ImageNotFoundException* ]]; then
    fail "Cannot look up $1:$2: $found"
  fi
}

log_in() { # REPOSITORY_URI
  aws ecr get-login-password | docker login --username AWS --password-stdin "${1%%/*}" \
    || fail "Cannot log in to ${1%%/*}"
}

# Docker Hub counts anonymous pulls by address, and CodeBuild's addresses are shared.
log_in_to_docker_hub() {
  if [[ -z $DOCKER_HUB_SECRET_ARN ]]; then return; fi
  local secret
  secret=$(aws secretsmanager get-secret-value --secret-id "$DOCKER_HUB_SECRET_ARN" \
    --query SecretString --output text) || fail "Cannot read the Docker Hub secret"
  jq --exit-status --join-output .password <<<"$secret" \
    | docker login --username "$(jq --raw-output .username <<<"$secret")" --password-stdin \
    || fail 'Docker Hub refused the secret; it must be {"username": "...", "password": "..."}'
}

pull_public_base() {
  local attempt said
  log_in_to_docker_hub
  for attempt in 1 2 3 4 5; do
    if said=$(docker pull --quiet "$BASE_IMAGE" 2>&1); then return; fi
    echo "Pull $attempt of $BASE_IMAGE failed: $said"
    if ((attempt < 5)); then sleep $((PULL_BACKOFF_SECONDS << (attempt - 1))); fi
  done
  if [[ $said == *toomanyrequests* ]]; then
    said+="; give ImageBuilder a docker_hub_secret, or push the image to $MIRROR_URI:$mirror_tag"
  fi
  fail "Cannot pull $BASE_IMAGE after 5 attempts: $said"
}

fill_mirror() {
  pull_public_base
  docker tag "$BASE_IMAGE" "$MIRROR_URI:$mirror_tag"
  # Tags are immutable: where another build was quicker, this push fails and its image is as good.
  docker push --quiet "$MIRROR_URI:$mirror_tag" || echo "The push to the mirror failed."
  base_digest=$(digest_of "$MIRROR_NAME" "$mirror_tag")
  if [[ -z $base_digest ]]; then fail "Cannot push $BASE_IMAGE to $MIRROR_URI:$mirror_tag"; fi
}

fetch_context() {
  # The owner is checked because the name of an asset bucket can be guessed, and taken, by anyone.
  aws s3api get-object --bucket "$SOURCE_BUCKET" --key "$SOURCE_KEY" \
    --expected-bucket-owner "$AWS_ACCOUNT" context.zip >/dev/null \
    || fail "Cannot read s3://$SOURCE_BUCKET/$SOURCE_KEY"
  unzip -q context.zip -d context || fail "s3://$SOURCE_BUCKET/$SOURCE_KEY is not a zip file"
}

build_and_push() {
  # SageMaker accepts a plain image manifest only, not an index with attestations.
  export DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1
  docker build --build-arg "BASE_IMAGE=$MIRROR_URI@$base_digest" --target "$TARGET" \
    --label "org.opencontainers.image.base.name=$BASE_IMAGE" \
    --label "org.opencontainers.image.base.digest=$base_digest" \
    --tag "$REPOSITORY_URI:$IMAGE_TAG" context 2>&1 | tee build.log \
    || fail "docker build --target $TARGET failed: $(tail -n 3 build.log)"
  docker push --quiet "$REPOSITORY_URI:$IMAGE_TAG" || echo "The push failed."
  digest=$(digest_of "$REPOSITORY_NAME" "$IMAGE_TAG")
  if [[ -z $digest ]]; then fail "Cannot push $REPOSITORY_URI:$IMAGE_TAG"; fi
}

readable=${BASE_IMAGE//[^A-Za-z0-9._-]/-}
unique=$(sha256sum <<<"$BASE_IMAGE")
mirror_tag=${readable:0:100}-${unique:0:12}

base_digest=$(digest_of "$MIRROR_NAME" "$mirror_tag")
digest=$(digest_of "$REPOSITORY_NAME" "$IMAGE_TAG")
if [[ -n $digest ]]; then
  echo "$REPOSITORY_URI:$IMAGE_TAG exists: nothing to build."
else
  fetch_context
  log_in "$REPOSITORY_URI"
  if [[ -z $base_digest ]]; then fill_mirror; fi
  build_and_push
fi

jq --null-input --arg uri "$REPOSITORY_URI@$digest" --arg digest "$digest" \
  --arg base "${base_digest:-unknown}" \
  '{ImageUri: $uri, ImageDigest: $digest, BaseImageDigest: $base}' >result.json
