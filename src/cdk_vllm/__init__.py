"""Serve open-weight language models with vLLM in your own AWS account."""

__version__ = "0.1.0"
