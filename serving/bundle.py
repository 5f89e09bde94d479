"""A fine-tuned model, sealed: a signed manifest and one encrypted file per model file.

    manifest.json   what is in it (manifest.py)
    manifest.sig    Ed25519 signature over it
    bom.cdx.json    bill of materials, readable without a key
    files/…         each model file sealed (sealed_file.py)

Opening checks, in this order: (1) the signature, (2) that the folder holds exactly the files of
the manifest, (3) the bill of materials, (4) per file: authentic, and the sizes and digests of the
manifest, (5) that no file could run code. The first mismatch removes everything opened so far and
raises.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from serving.bill_of_materials import write_bill_of_materials
from serving.errors import BundleRefused, ModelRefused
from serving.key_source import KeySource
from serving.manifest import (
    MAX_MANIFEST_BYTES,
    BaseModel,
    Manifest,
    SealedEntry,
    parse_manifest,
    parse_model_name,
    sign_manifest,
    verify_manifest,
)
from serving.model_files import find_files, verify_model_folder
from serving.sealed_file import FileDigests, open_stream, rewrap_stream, seal_stream

MANIFEST_FILE: Final = "manifest.json"
SIGNATURE_FILE: Final = "manifest.sig"
BILL_FILE: Final = "bom.cdx.json"
FILES_FOLDER: Final = "files"

_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class BundleLabel:
    """What the manifest says besides the files; *base_model* makes the bundle a LoRA adapter."""

    model_name: str
    created_at: datetime
    base_model: BaseModel | None = None


def seal_bundle(model_dir: Path, out_dir: Path, *, keys: KeySource, label: BundleLabel) -> Manifest:
    """Seal every file of *model_dir* into the new folder *out_dir* and return the manifest.

    *out_dir* appears only when it is complete. Raises :class:`ModelRefused` for a file that is
    not allowed, :class:`BundleRefused` when *out_dir* exists, :class:`KeyRefused` without usable
    keys.
    """
    try:
        parse_model_name(label.model_name)
    except ValueError as error:
        raise ModelRefused(str(error)) from None
    wrapping_key = keys.wrapping_key()
    paths = verify_model_folder(model_dir)
    with _new_folder(out_dir) as partial:
        entries = []
        for path in paths:
            target_path = _sealed_path(partial, path)
            target_path.parent.mkdir(parents=True, exist_ok=True)
            with (model_dir / path).open("rb") as source, target_path.open("xb") as target:
                digests = seal_stream(source, target, path=path, wrapping_key=wrapping_key)
            entries.append(_entry(path, digests))
        bill = write_bill_of_materials(label.model_name, entries, base_model=label.base_model)
        manifest = Manifest(
            model_name=label.model_name,
            created_at=label.created_at,
            files=tuple(entries),
            bill_of_materials_sha256=hashlib.sha256(bill).hexdigest(),
            base_model=label.base_model,
        )
        _write_envelope(partial, manifest, bill=bill, keys=keys)
    return manifest


def verify_bundle(bundle_dir: Path, verification_key: Ed25519PublicKey) -> Manifest:
    """Return the manifest after steps 1 to 3 and a check of every sealed file's digest.

    Needs no wrapping key, so it can run where models may not be opened. Raises
    :class:`BundleRefused`.
    """
    manifest = _verify_envelope(bundle_dir, verification_key)
    for entry in manifest.files:
        with _sealed_path(bundle_dir, entry.path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != entry.ciphertext_sha256:
            raise BundleRefused(f"{entry.path}: differs from the manifest")
    return manifest


def open_bundle(bundle_dir: Path, target_dir: Path, *, keys: KeySource) -> Manifest:
    """Open the bundle into the new folder *target_dir* (0700, files 0600); return its manifest.

    Raises :class:`BundleRefused`, :class:`ModelRefused` or :class:`KeyRefused`; then nothing
    opened is left.
    """
    manifest = _verify_envelope(bundle_dir, keys.verification_key())
    wrapping_key = keys.wrapping_key()
    with _new_folder(target_dir) as partial:
        for entry in manifest.files:
            target_path = partial / entry.path
            target_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (
                _sealed_path(bundle_dir, entry.path).open("rb") as source,
                os.fdopen(
                    os.open(target_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
                ) as target,
            ):
                digests = open_stream(source, target, path=entry.path, wrapping_key=wrapping_key)
            if _entry(entry.path, digests) != entry:
                raise BundleRefused(f"{entry.path}: differs from the manifest")
        verify_model_folder(partial)
    return manifest


def rekey_bundle(
    bundle_dir: Path, out_dir: Path, *, old_keys: KeySource, new_keys: KeySource
) -> Manifest:
    """Write the bundle to the new folder *out_dir* under *new_keys*; return its new manifest.

    The content and its digest stay the same, so LoRA adapters sealed for it still fit. Raises
    :class:`BundleRefused` or :class:`KeyRefused`.
    """
    old = verify_bundle(bundle_dir, old_keys.verification_key())
    with _new_folder(out_dir) as partial:
        entries = []
        for entry in old.files:
            target_path = _sealed_path(partial, entry.path)
            target_path.parent.mkdir(parents=True, exist_ok=True)
            with (
                _sealed_path(bundle_dir, entry.path).open("rb") as source,
                target_path.open("xb") as target,
            ):
                digest = rewrap_stream(
                    source,
                    target,
                    path=entry.path,
                    old_wrapping_key=old_keys.wrapping_key(),
                    new_wrapping_key=new_keys.wrapping_key(),
                )
            entries.append(replace(entry, ciphertext_sha256=digest))
        manifest = replace(old, files=tuple(entries))
        bill = (bundle_dir / BILL_FILE).read_bytes()
        _write_envelope(partial, manifest, bill=bill, keys=new_keys)
    return manifest


def inspect_bundle(bundle_dir: Path) -> Manifest:
    """Return what the manifest says without any check of who signed it. For people's eyes only."""
    return parse_manifest(_read_file(bundle_dir / MANIFEST_FILE, limit_bytes=MAX_MANIFEST_BYTES))


def _verify_envelope(bundle_dir: Path, verification_key: Ed25519PublicKey) -> Manifest:
    """Return the manifest after steps 1 to 3: signature, layout, bill of materials."""
    manifest = verify_manifest(
        _read_file(bundle_dir / MANIFEST_FILE, limit_bytes=MAX_MANIFEST_BYTES),
        _read_file(bundle_dir / SIGNATURE_FILE, limit_bytes=_SIGNATURE_BYTES),
        verification_key=verification_key,
    )
    expected = {MANIFEST_FILE, SIGNATURE_FILE, BILL_FILE}
    expected |= {f"{FILES_FOLDER}/{entry.path}.sealed" for entry in manifest.files}
    try:
        present = set(find_files(bundle_dir))
    except (ModelRefused, OSError) as error:
        raise BundleRefused(f"{bundle_dir}: {error}") from None
    if present != expected:
        first = min(present ^ expected)
        raise BundleRefused(f"{first!a}: missing from the bundle or not in its manifest")
    bill = _read_file(bundle_dir / BILL_FILE, limit_bytes=MAX_MANIFEST_BYTES)
    if hashlib.sha256(bill).hexdigest() != manifest.bill_of_materials_sha256:
        raise BundleRefused(f"{BILL_FILE}: differs from the manifest")
    return manifest


def _write_envelope(folder: Path, manifest: Manifest, *, bill: bytes, keys: KeySource) -> None:
    (folder / BILL_FILE).write_bytes(bill)
    (folder / MANIFEST_FILE).write_bytes(manifest.to_bytes())
    (folder / SIGNATURE_FILE).write_bytes(sign_manifest(manifest, keys.signing_key()))


def _read_file(path: Path, *, limit_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit_bytes + 1)
    except OSError as error:
        raise BundleRefused(f"{path}: {error.strerror}") from None
    if len(content) > limit_bytes:
        raise BundleRefused(f"{path}: too long")
    return content


def _sealed_path(bundle_dir: Path, path: str) -> Path:
    return bundle_dir / FILES_FOLDER / f"{path}.sealed"


def _entry(path: str, digests: FileDigests) -> SealedEntry:
    return SealedEntry(path, digests.size, digests.plaintext_sha256, digests.ciphertext_sha256)


@contextmanager
def _new_folder(final: Path) -> Iterator[Path]:
    """Give a private folder that becomes *final* at the end, or vanishes with all its content."""
    if final.exists() or final.is_symlink():
        raise BundleRefused(f"{final}: is there already")
    final.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        yield partial
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
