"""The ways in which serving refuses or fails; the command line turns each into exit code 1.

    ServingError
    ├── BundleRefused   a bundle, a manifest or a file in it is not what the signing key vouched for
    ├── ModelRefused    a model folder holds something that must not be sealed or served
    ├── KeyRefused      a key file is missing, readable by others or malformed
    └── LaunchFailed    vLLM could not be started, or did not stay up

A message may name files of the operator. It never holds key material or file contents.
"""

from __future__ import annotations


class ServingError(Exception):
    """Base of everything that serving refuses; the text is one sentence for the operator."""


class BundleRefused(ServingError):
    """The bundle differs from what was sealed, or was sealed by somebody else."""


class ModelRefused(ServingError):
    """The model folder holds a file that could run code, or that is not meant to be served."""


class KeyRefused(ServingError):
    """A key file cannot be used: missing, readable by others, or malformed."""


class LaunchFailed(ServingError):
    """vLLM could not be started, or did not stay up."""
