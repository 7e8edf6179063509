#!/usr/bin/env bash
# SageMaker's contract: `docker run IMAGE serve`, options in environment variables, port 8080.
# SM_VLLM_MAX_MODEL_LEN=4096 is --max-model-len=4096; `true` or nothing is a bare flag, `false` is --no-.
# SM_VLLM_LORA_MODULES=[{"name": "a", "path": "/a"}, ...] is --lora-modules and one word an element.
set -euo pipefail
here=${BASH_SOURCE[0]%/*}

# Without the site packages, whose start-up files take longer than the scripts; nothing is written.
quick_python() {
  python3 -BES "$@"
}

# Half a model would fail minutes later, in vLLM, with other words. A model elsewhere is its owner's.
model=${SM_VLLM_MODEL:-}
if [[ -z $model ]]; then
  model=/opt/ml/model
  quick_python "$here/check_directory.py" "$model"
fi

options=()
for name in "${!SM_VLLM_@}"; do
  option=${name#SM_VLLM_}
  option=${option,,}
  option=${option//_/-}
  value=${!name}
  if [[ $option == model ]]; then continue; fi
  case $option:${value,,} in
    *: | *:true) options+=("--$option") ;;
    *:false) options+=("--no-$option") ;;
    # The only options that read an array themselves, as one word.
    allowed-headers:* | allowed-methods:* | allowed-origins:*) options+=("--$option=$value") ;;
    *:\[*)
      mapfile -d '' -t words < <(quick_python "$here/array_words.py" "$name" "$value")
      wait $!
      case $option in
        # Takes one word, and may be given again.
        middleware) for word in "${words[@]}"; do options+=("--$option=$word"); done ;;
        *) if ((${#words[@]})); then options+=("--$option" "${words[@]}"); fi ;;
      esac
      ;;
    # One word, so that JSON, spaces and a leading dash reach vLLM as they are.
    *) options+=("--$option=$value") ;;
  esac
done

# `serve`, SageMaker's only argument, is dropped. The last --host and --port win over SM_VLLM_HOST and
# SM_VLLM_PORT: SageMaker calls 8080 and nothing else. exec: vLLM must get SIGTERM to drain.
exec vllm serve "$model" ${options[@]+"${options[@]}"} --host=0.0.0.0 --port=8080
