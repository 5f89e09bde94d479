"""LoRA adapters: bundles that name the model they belong to, served beside it under their own name.

An adapter is served only under the name it was signed with, since permissions are granted by
name, and only on the very model (by digest of its content) that it was sealed for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serving.errors import BundleRefused, LaunchFailed
from serving.manifest import Manifest, parse_model_name

# The ranks for which vLLM has kernels; an adapter of another rank is served at the next higher one.
SUPPORTED_RANKS: Final = (1, 8, 16, 32, 64, 128, 256, 320, 512)
_CONFIG_FILE: Final = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class OpenedAdapter:
    """An adapter that was verified and opened into *folder*."""

    name: str
    folder: Path
    rank: int


def parse_lora_option(text: str) -> tuple[str, Path]:
    """Return name and bundle folder of ``NAME=BUNDLE``. Raises :class:`LaunchFailed`."""
    name, sign, folder = text.partition("=")
    try:
        parse_model_name(name)
    except ValueError as error:
        raise LaunchFailed(f"--lora: {error}") from None
    if not sign or not folder:
        raise LaunchFailed("--lora wants NAME=BUNDLE")
    return name, Path(folder)


def verify_adapter(manifest: Manifest, *, name: str, base: Manifest) -> Manifest:
    """Return *manifest* when it is the adapter *name* for exactly the model *base*.

    Raises :class:`BundleRefused`.
    """
    if manifest.base_model is None:
        raise BundleRefused(f"{name}: the bundle is a model, not a LoRA adapter")
    if manifest.model_name != name:
        raise BundleRefused(f"{name}: the adapter was sealed as {manifest.model_name}")
    if manifest.base_model.content_sha256 != base.content_sha256:
        raise BundleRefused(f"{name}: the adapter was sealed for another model")
    return manifest


def read_rank(folder: Path) -> int:
    """Return the rank of the adapter opened in *folder*. Raises :class:`BundleRefused`."""
    try:
        rank = json.loads((folder / _CONFIG_FILE).read_bytes())["r"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BundleRefused(f"{_CONFIG_FILE}: gives no rank") from None
    if type(rank) is not int or not 1 <= rank <= SUPPORTED_RANKS[-1]:
        raise BundleRefused(f"{_CONFIG_FILE}: a rank from 1 to {SUPPORTED_RANKS[-1]} is needed")
    return rank


def served_rank(ranks: list[int]) -> int:
    """Return the smallest rank that vLLM supports and that fits all of *ranks*."""
    return next(rank for rank in SUPPORTED_RANKS if rank >= max(ranks))
