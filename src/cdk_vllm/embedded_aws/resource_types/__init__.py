"""The CloudFormation types that moto lacks or loses properties of, one module for each service."""

from .registry import empty_shell, make, serves, unregister

__all__ = ["empty_shell", "make", "serves", "unregister"]
