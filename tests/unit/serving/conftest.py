"""What most tests of serving start from: keys, a model folder, a sealed bundle, a fake vLLM."""

from __future__ import annotations

import json
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.bundle import BundleLabel, inspect_bundle, seal_bundle
from serving.key_source import FileKeySource, generate_keys
from serving.manifest import BaseModel

CREATED_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WEIGHTS = (2).to_bytes(8, "little") + b"{}" + b"planted weights" * 100


@pytest.fixture(autouse=True)
def _same_umask():
    """Keep tests from changing how the next ones create files."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeySource:
    """Fresh key files."""
    generate_keys(tmp_path / "keys")
    return FileKeySource(tmp_path / "keys")


@pytest.fixture
def foreign_keys(tmp_path: Path) -> FileKeySource:
    """Somebody else's key files."""
    generate_keys(tmp_path / "foreign")
    return FileKeySource(tmp_path / "foreign")


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """Return a folder that looks like a model."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"auto_map": 1}}}))
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def bundle(tmp_path: Path, model_dir: Path, keys: FileKeySource) -> Path:
    """Return the model folder, sealed as `tiny`."""
    seal_bundle(model_dir, tmp_path / "bundle", keys=keys, label=BundleLabel("tiny", CREATED_AT))
    return tmp_path / "bundle"


@pytest.fixture
def adapter_dir(tmp_path: Path) -> Path:
    """Return a folder that looks like a LoRA adapter of rank 12."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"r": 12}))
    (folder / "adapter_model.safetensors").write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def adapter_bundle(tmp_path: Path, adapter_dir: Path, bundle: Path, keys: FileKeySource) -> Path:
    """Return the adapter, sealed as `clinic` for the sealed model."""
    base = inspect_bundle(bundle)
    label = BundleLabel("clinic", CREATED_AT, BaseModel(base.model_name, base.content_sha256))
    seal_bundle(adapter_dir, tmp_path / "adapter-bundle", keys=keys, label=label)
    return tmp_path / "adapter-bundle"


@pytest.fixture
def fake_vllm(tmp_path: Path) -> Path:
    """Return an executable with vLLM's command line; `starts.jsonl` beside it tells each start."""
    path = tmp_path / "bin" / "vllm"
    path.parent.mkdir()
    source = Path(__file__).with_name("fake_vllm.py").read_text("utf-8")
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
