"""Sealing, verifying, opening and rekeying bundles."""

from __future__ import annotations

import json
import shutil
import stat

import pytest

from serving.bundle import (
    BundleLabel,
    inspect_bundle,
    open_bundle,
    rekey_bundle,
    seal_bundle,
    verify_bundle,
)
from serving.errors import BundleRefused, KeyRefused, ModelRefused
from serving.manifest import Manifest, sign_manifest
from tests.unit.serving.conftest import CREATED_AT, WEIGHTS


def _tree(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def _assert_refused(bundle, target, keys):
    """Neither verifies (if it can tell without the wrapping key) nor opens, and nothing is left."""
    before = set(target.parent.iterdir())
    with pytest.raises((BundleRefused, ModelRefused)):
        open_bundle(bundle, target, keys=keys)
    assert set(target.parent.iterdir()) == before


def test_opening_gives_the_model_back(tmp_path, model_dir, bundle, keys):
    """Every file comes back byte for byte, private to this user."""
    manifest = open_bundle(bundle, tmp_path / "open", keys=keys)
    assert _tree(tmp_path / "open") == _tree(model_dir)
    assert manifest == verify_bundle(bundle, keys.verification_key()) == inspect_bundle(bundle)
    modes = {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "open").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o700


def test_nothing_of_the_model_is_readable_in_the_bundle(bundle):
    """Neither weights nor settings appear in any file of the bundle."""
    everything = b"".join(_tree(bundle).values())
    assert WEIGHTS[10:40] not in everything
    assert b"model_type" not in everything


def test_subfolders_come_back(tmp_path, model_dir, keys):
    """A model may have files in folders."""
    (model_dir / "parts").mkdir()
    (model_dir / "parts" / "two.safetensors").write_bytes(WEIGHTS)
    label = BundleLabel("tiny", CREATED_AT)
    seal_bundle(model_dir, tmp_path / "sealed", keys=keys, label=label)
    open_bundle(tmp_path / "sealed", tmp_path / "open", keys=keys)
    assert (tmp_path / "open" / "parts" / "two.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "manifest.sig", "bom.cdx.json", "files/model.safetensors.sealed"],
)
def test_one_flipped_bit_is_refused(tmp_path, bundle, keys, name):
    """A changed bit in any file of a bundle is noticed by verifying and by opening."""
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 4
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleRefused):
        verify_bundle(bundle, keys.verification_key())
    _assert_refused(bundle, tmp_path / "open", keys)


@pytest.mark.parametrize(
    "name", ["manifest.json", "manifest.sig", "bom.cdx.json", "files/config.json.sealed"]
)
def test_a_missing_file_is_refused(tmp_path, bundle, keys, name):
    """A bundle without one of its files does not verify."""
    (bundle / name).unlink()
    with pytest.raises(BundleRefused):
        verify_bundle(bundle, keys.verification_key())
    _assert_refused(bundle, tmp_path / "open", keys)


@pytest.mark.parametrize("name", ["extra.json", "files/evil.py.sealed", "files/.hidden"])
def test_an_added_file_is_refused(tmp_path, bundle, keys, name):
    """A bundle holds what its manifest lists and nothing else."""
    (bundle / name).write_bytes(b"x")
    with pytest.raises(BundleRefused):
        verify_bundle(bundle, keys.verification_key())
    _assert_refused(bundle, tmp_path / "open", keys)


def test_a_link_in_a_bundle_is_refused(tmp_path, bundle, keys):
    """A sealed file may not be a link, even to an identical file."""
    path = bundle / "files" / "config.json.sealed"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    _assert_refused(bundle, tmp_path / "open", keys)


def test_swapped_files_are_refused(tmp_path, bundle, keys):
    """Two files of one bundle cannot trade places."""
    one, other = bundle / "files/config.json.sealed", bundle / "files/tokenizer.json.sealed"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    _assert_refused(bundle, tmp_path / "open", keys)


def test_a_file_of_another_bundle_is_refused(tmp_path, model_dir, bundle, keys):
    """A file sealed under the same keys and path, but for another bundle, is refused."""
    (model_dir / "config.json").write_text('{"model_type": "other"}')
    other = tmp_path / "other"
    seal_bundle(model_dir, other, keys=keys, label=BundleLabel("tiny", CREATED_AT))
    name = "files/config.json.sealed"
    shutil.copy(other / name, bundle / name)
    _assert_refused(bundle, tmp_path / "open", keys)


def test_a_foreign_bundle_is_refused(tmp_path, bundle, foreign_keys):
    """With other keys, a bundle neither verifies nor opens."""
    with pytest.raises(BundleRefused):
        verify_bundle(bundle, foreign_keys.verification_key())
    _assert_refused(bundle, tmp_path / "open", foreign_keys)


def _resign(bundle, keys, **fields):
    """Write a manifest with other *fields*, signed with the right key."""
    old = inspect_bundle(bundle)
    values = {name: getattr(old, name) for name in Manifest.__dataclass_fields__} | fields
    manifest = Manifest(**values)
    (bundle / "manifest.json").write_bytes(manifest.to_bytes())
    (bundle / "manifest.sig").write_bytes(sign_manifest(manifest, keys.signing_key()))


def test_a_manifest_that_disagrees_with_the_files_is_refused(tmp_path, bundle, keys):
    """Even rightly signed, a wrong size or digest stops the opening."""
    files = list(inspect_bundle(bundle).files)
    entry = files[0]
    files[0] = type(entry)(
        entry.path, entry.size + 1, entry.plaintext_sha256, entry.ciphertext_sha256
    )
    _resign(bundle, keys, files=tuple(files))
    _assert_refused(bundle, tmp_path / "open", keys)


def test_code_is_refused_even_when_it_was_signed(tmp_path, model_dir, bundle, keys, monkeypatch):
    """What is opened is looked into again, so a careless sealer makes no GPU host run code."""
    monkeypatch.setattr(
        "serving.bundle.verify_model_folder", lambda folder: ("config.json", "model.safetensors")
    )
    (model_dir / "config.json").write_text(json.dumps({"auto_map": {}}))
    label = BundleLabel("tiny", CREATED_AT)
    seal_bundle(model_dir, tmp_path / "sealed", keys=keys, label=label)
    monkeypatch.undo()
    _assert_refused(tmp_path / "sealed", tmp_path / "open", keys)


def test_traversal_in_a_signed_manifest_is_refused(tmp_path, bundle, keys):
    """A signed manifest cannot write outside the target folder either."""
    entry = inspect_bundle(bundle).files[0]
    evil = type(entry)("../evil.json", 1, entry.plaintext_sha256, entry.ciphertext_sha256)
    _resign(bundle, keys, files=(evil,))
    _assert_refused(bundle, tmp_path / "open", keys)


def test_a_bundle_that_is_not_there_is_refused(tmp_path, keys):
    """A missing folder is refused like a wrong one."""
    with pytest.raises(BundleRefused):
        verify_bundle(tmp_path / "nowhere", keys.verification_key())


@pytest.mark.parametrize("name", ["", "../evil", "--flag"])
def test_a_bad_model_name_is_not_sealed(tmp_path, model_dir, keys, name):
    """A name that could not be served is refused before anything is written."""
    with pytest.raises(ModelRefused):
        seal_bundle(model_dir, tmp_path / "new", keys=keys, label=BundleLabel(name, CREATED_AT))
    assert not (tmp_path / "new").exists()


def test_an_existing_target_is_never_overwritten(tmp_path, model_dir, bundle, keys):
    """Neither sealing nor opening writes into a folder that is there."""
    with pytest.raises(BundleRefused, match="already"):
        seal_bundle(model_dir, bundle, keys=keys, label=BundleLabel("tiny", CREATED_AT))
    with pytest.raises(BundleRefused, match="already"):
        open_bundle(bundle, model_dir, keys=keys)


def test_a_failed_sealing_leaves_nothing(tmp_path, model_dir, keys):
    """Without the signing key no half-written bundle stays behind."""
    (tmp_path / "keys" / "signing.key").unlink()
    before = set(tmp_path.iterdir())
    with pytest.raises(KeyRefused):
        seal_bundle(model_dir, tmp_path / "new", keys=keys, label=BundleLabel("t", CREATED_AT))
    assert set(tmp_path.iterdir()) == before


def test_rekeying_moves_a_bundle_to_other_keys(tmp_path, model_dir, bundle, keys, foreign_keys):
    """The new bundle opens with the new keys only and has the same content digest."""
    rekeyed = tmp_path / "rekeyed"
    manifest = rekey_bundle(bundle, rekeyed, old_keys=keys, new_keys=foreign_keys)
    assert manifest.content_sha256 == inspect_bundle(bundle).content_sha256
    verify_bundle(rekeyed, foreign_keys.verification_key())
    open_bundle(rekeyed, tmp_path / "open", keys=foreign_keys)
    assert _tree(tmp_path / "open") == _tree(model_dir)
    _assert_refused(rekeyed, tmp_path / "again", keys)


def test_a_changed_bundle_is_not_rekeyed(tmp_path, bundle, keys, foreign_keys):
    """Rekeying vouches for a bundle anew, so it verifies it first."""
    (bundle / "bom.cdx.json").write_bytes(b"{}")
    with pytest.raises(BundleRefused):
        rekey_bundle(bundle, tmp_path / "new", old_keys=keys, new_keys=foreign_keys)
    assert not (tmp_path / "new").exists()


def test_an_overlong_signature_file_is_refused(tmp_path, bundle, keys):
    """A file is read no further than it may be long."""
    with (bundle / "manifest.sig").open("ab") as file:
        file.write(b"more")
    _assert_refused(bundle, tmp_path / "open", keys)
