#!/usr/bin/env bash
# SageMaker's contract: `docker run IMAGE serve`, options in environment variables, port 8080.
# SM_VLLM_MAX_MODEL_LEN=4096 is --max-model-len=4096; `true` or nothing is a bare flag, `false` is --no-.
set -euo pipefail

options=()
for name in "${!SM_VLLM_@}"; do
  option=${name#SM_VLLM_}
  option=${option,,}
  option=${option//_/-}
  value=${!name}
  if [[ $option == model ]]; then continue; fi
  case ${value,,} in
    '' | true) options+=("--$option") ;;
    false) options+=("--no-$option") ;;
    # One word, so that JSON, spaces and a leading dash reach vLLM as they are.
    *) options+=("--$option=$value") ;;
  esac
done

# `serve`, SageMaker's only argument, is dropped. The last --host and --port win over SM_VLLM_HOST and
# SM_VLLM_PORT: SageMaker calls 8080 and nothing else. exec: vLLM must get SIGTERM to drain.
exec vllm serve "${SM_VLLM_MODEL:-/opt/ml/model}" ${options[@]+"${options[@]}"} --host=0.0.0.0 --port=8080
