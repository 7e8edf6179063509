"""What the image knows of the store: manifests, objects in S3, files on the disk.

Its contract with `cdk-vllm push` is the form of `manifest.json`; it imports nothing of the package.
"""
