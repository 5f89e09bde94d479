"""LoRA adapters: names, fit and rank."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from serving.bundle import inspect_bundle
from serving.errors import BundleRefused, LaunchFailed
from serving.lora import parse_lora_option, read_rank, served_rank, verify_adapter


def test_an_option_gives_name_and_bundle():
    """`NAME=BUNDLE` is cut at the first equals sign."""
    assert parse_lora_option("clinic=a/b=c") == ("clinic", Path("a/b=c"))


@pytest.mark.parametrize("text", ["clinic", "clinic=", "=bundle", "a/b=bundle", "--x=bundle"])
def test_a_malformed_option_is_refused(text):
    """A missing half and a name that could be something else are refused."""
    with pytest.raises(LaunchFailed):
        parse_lora_option(text)


def test_an_adapter_fits_the_model_it_was_sealed_for(bundle, adapter_bundle):
    """The adapter is accepted under its own name on its own model."""
    adapter, base = inspect_bundle(adapter_bundle), inspect_bundle(bundle)
    assert verify_adapter(adapter, name="clinic", base=base) == adapter


def test_an_adapter_keeps_its_name(bundle, adapter_bundle):
    """Permissions go by name, so an adapter cannot be served under another one."""
    with pytest.raises(BundleRefused, match="sealed as clinic"):
        verify_adapter(inspect_bundle(adapter_bundle), name="other", base=inspect_bundle(bundle))


def test_an_adapter_for_another_model_is_refused(bundle, adapter_bundle):
    """A model with other contents is another model, whatever its name."""
    base = inspect_bundle(bundle)
    other = replace(base, files=base.files[1:])
    with pytest.raises(BundleRefused, match="another model"):
        verify_adapter(inspect_bundle(adapter_bundle), name="clinic", base=other)


def test_a_model_is_no_adapter(bundle):
    """A bundle without a base model cannot be loaded as an adapter."""
    base = inspect_bundle(bundle)
    with pytest.raises(BundleRefused, match="not a LoRA adapter"):
        verify_adapter(base, name="tiny", base=base)


def test_the_rank_is_read(adapter_dir):
    """The rank comes from the adapter's own settings."""
    assert read_rank(adapter_dir) == 12


@pytest.mark.parametrize("rank", [0, 513, True, "8", None])
def test_an_impossible_rank_is_refused(adapter_dir, rank):
    """A rank that vLLM has no kernel for is refused before vLLM is started."""
    (adapter_dir / "adapter_config.json").write_text(json.dumps({"r": rank}))
    with pytest.raises(BundleRefused):
        read_rank(adapter_dir)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_missing_settings_are_refused(adapter_dir, content):
    """Without readable settings there is no rank."""
    path = adapter_dir / "adapter_config.json"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(BundleRefused, match="no rank"):
        read_rank(adapter_dir)


@pytest.mark.parametrize(("ranks", "expected"), [([1], 1), ([12, 4], 16), ([64], 64), ([512], 512)])
def test_the_served_rank_fits_all_adapters(ranks, expected):
    """The rank told to vLLM is the smallest that it supports and that is large enough."""
    assert served_rank(ranks) == expected
