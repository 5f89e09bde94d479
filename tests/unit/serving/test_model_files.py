"""Which files may be sealed and served."""

from __future__ import annotations

import json
import os

import pytest

from serving.errors import ModelRefused
from serving.model_files import find_files, parse_model_path, verify_distinct, verify_model_folder


@pytest.mark.parametrize(
    "path",
    [
        "model.safetensors",
        "config.json",
        "sub/model-00001-of-00002.safetensors",
        "LICENSE",
        "chat_template.jinja",
        "tokenizer.model",
    ],
)
def test_ordinary_model_files_are_allowed(path):
    """What a model is published with passes."""
    assert parse_model_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd.json",
        "../config.json",
        "a/../../config.json",
        "./config.json",
        "a//config.json",
        "a\\config.json",
        ".hidden.json",
        "config.json\n",
        "conf\x00ig.json",
        "ｃonfig.json",
        "a/" * 9 + "config.json",
        "a" * 300 + ".json",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(path):
    """Traversal, absolute and hidden paths, odd characters and over-long ones are refused."""
    with pytest.raises(ModelRefused):
        parse_model_path(path)


@pytest.mark.parametrize(
    "name",
    [
        "modeling.py",
        "a.bin",
        "a.pt",
        "a.pth",
        "a.pkl",
        "a.ckpt",
        "a.h5",
        "a.so",
        "a.sh",
        "a",
        "a.gguf",
    ],
)
def test_files_that_can_carry_code_are_refused(model_dir, name):
    """Python, pickles, libraries and anything unknown stop the sealing."""
    (model_dir / name).write_bytes(b"x")
    with pytest.raises(ModelRefused):
        verify_model_folder(model_dir)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "sub/config.json"])
def test_settings_that_name_code_are_refused(model_dir, name):
    """`auto_map` is found at any depth of any settings file."""
    path = model_dir / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"a": [{"auto_map": {"AutoModel": "modeling.Evil"}}]}))
    with pytest.raises(ModelRefused, match="auto_map"):
        verify_model_folder(model_dir)


def test_a_vocabulary_may_hold_any_word(model_dir):
    """Only settings files are searched for `auto_map`; a token of that name is harmless."""
    assert verify_model_folder(model_dir) == ("config.json", "model.safetensors", "tokenizer.json")


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b"\xff", b"{}" + b" " * (16 * 2**20)])
def test_settings_that_are_not_readable_are_refused(model_dir, content):
    """Broken, bottomless and giant settings files are refused."""
    (model_dir / "config.json").write_bytes(content)
    with pytest.raises(ModelRefused):
        verify_model_folder(model_dir)


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95pickle", b"\xff" * 8 + b"{"])
def test_weights_that_only_claim_to_be_safetensors_are_refused(model_dir, content):
    """A pickle does not pass under the name of a safetensors file."""
    (model_dir / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelRefused, match="safetensors"):
        verify_model_folder(model_dir)


def test_a_folder_without_weights_is_refused(model_dir):
    """There is nothing to serve without a safetensors file."""
    (model_dir / "model.safetensors").unlink()
    with pytest.raises(ModelRefused, match="no safetensors"):
        verify_model_folder(model_dir)


@pytest.mark.parametrize("target", ["config.json", "."])
def test_links_are_refused(model_dir, target):
    """Neither a link to a file nor one to a folder is followed."""
    (model_dir / "link.json").symlink_to(target)
    with pytest.raises(ModelRefused, match="link"):
        list(find_files(model_dir))


def test_devices_and_pipes_are_refused(model_dir):
    """A pipe among the files is refused without being opened."""
    os.mkfifo(model_dir / "pipe.json")
    with pytest.raises(ModelRefused):
        verify_model_folder(model_dir)


def test_names_that_differ_in_capitals_only_are_refused():
    """Two such files would be one on some file systems."""
    with pytest.raises(ModelRefused, match="twice"):
        verify_distinct(["config.json", "Config.json"])
