"""`python -m cdk_vllm`."""

from cdk_vllm.cli import main

main()
