"""The signed list of what is in a bundle: canonical JSON under an Ed25519 signature.

A manifest is accepted only as the exact bytes that its own values would be written as, so there
is no second reading of it: no duplicate key, no other order, no unknown field. The signature (RFC
8032) covers a fixed label and those bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from serving.errors import BundleRefused, ModelRefused
from serving.model_files import parse_model_path, verify_distinct

FORMAT_VERSION: Final = 1
MAX_MANIFEST_BYTES: Final = 4 * 2**20

_SIGNATURE_LABEL: Final = b"sealgate bundle manifest 1\x00"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MODEL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_FIELDS: Final = frozenset(
    {
        "base_model",
        "bill_of_materials_sha256",
        "created_at",
        "files",
        "format_version",
        "model_name",
    }
)
_FILE_FIELDS: Final = frozenset({"ciphertext_sha256", "path", "plaintext_sha256", "size"})


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One file: its path, and its size and digests open and sealed (SHA-256, hexadecimal)."""

    path: str
    size: int
    plaintext_sha256: str
    ciphertext_sha256: str


@dataclass(frozen=True, slots=True)
class BaseModel:
    """The model that a LoRA adapter belongs to, named by the digest of its content."""

    model_name: str
    content_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds. *base_model* is there exactly when the bundle is a LoRA adapter."""

    model_name: str
    created_at: datetime
    files: tuple[SealedEntry, ...]
    bill_of_materials_sha256: str
    base_model: BaseModel | None = None

    @property
    def content_sha256(self) -> str:
        """The digest of all paths and open contents; rekeying does not change it."""
        lines = (f"{entry.plaintext_sha256}  {entry.path}\n" for entry in self.files)
        return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the canonical JSON: sorted keys, no spaces, ASCII."""
        value = {
            "base_model": asdict(self.base_model) if self.base_model else None,
            "bill_of_materials_sha256": self.bill_of_materials_sha256,
            "created_at": self.created_at.astimezone(UTC).strftime(_TIME_FORMAT),
            "files": [asdict(entry) for entry in self.files],
            "format_version": FORMAT_VERSION,
            "model_name": self.model_name,
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def sign_manifest(manifest: Manifest, signing_key: Ed25519PrivateKey) -> bytes:
    """Return the 64-byte signature over *manifest*."""
    return signing_key.sign(_SIGNATURE_LABEL + manifest.to_bytes())


def verify_manifest(
    unverified: bytes, signature: bytes, *, verification_key: Ed25519PublicKey
) -> Manifest:
    """Return the manifest when *verification_key* vouches for exactly these bytes.

    The signature is checked before anything is parsed. Raises :class:`BundleRefused`.
    """
    try:
        verification_key.verify(signature, _SIGNATURE_LABEL + unverified)
    except InvalidSignature:
        raise BundleRefused("the manifest is not signed by the expected key") from None
    return parse_manifest(unverified)


def parse_manifest(unverified: bytes) -> Manifest:
    """Return what *unverified* says; nobody vouches for it. Raises :class:`BundleRefused`."""
    if len(unverified) > MAX_MANIFEST_BYTES:
        raise BundleRefused("the manifest is too long")
    try:
        value = json.loads(unverified)
    except (ValueError, RecursionError):
        raise BundleRefused("the manifest is not JSON") from None
    try:
        manifest = _parse_fields(value)
    except (TypeError, ValueError, AttributeError, ModelRefused) as error:
        raise BundleRefused(f"the manifest is malformed: {error}") from None
    if manifest.to_bytes() != unverified:
        raise BundleRefused("the manifest is not in canonical form")
    return manifest


def parse_model_name(text: Any) -> str:
    """Return *text* when it can name a model in requests and in flags; else ``ValueError``."""
    if not isinstance(text, str) or not _MODEL_NAME.fullmatch(text):
        raise ValueError("a model name has 1 to 64 letters, digits, dots, dashes and underscores")
    return text


def _parse_fields(value: Any) -> Manifest:
    if value.keys() != _FIELDS:
        raise ValueError("fields are missing or unknown")
    if value["format_version"] != FORMAT_VERSION:
        raise ValueError("the format version is unknown")
    files = tuple(_parse_entry(entry) for entry in value["files"])
    paths = [entry.path for entry in files]
    verify_distinct(paths)
    if not paths or paths != sorted(paths):
        raise ValueError("the list of files is empty or not sorted")
    base = value["base_model"]
    created_at = datetime.strptime(value["created_at"], _TIME_FORMAT).replace(tzinfo=UTC)
    return Manifest(
        model_name=parse_model_name(value["model_name"]),
        created_at=created_at,
        files=files,
        bill_of_materials_sha256=_parse_sha256(value["bill_of_materials_sha256"]),
        base_model=None if base is None else _parse_base(base),
    )


def _parse_entry(value: Any) -> SealedEntry:
    if value.keys() != _FILE_FIELDS:
        raise ValueError("fields of a file are missing or unknown")
    if type(value["size"]) is not int or value["size"] < 0:
        raise ValueError("a size is not a whole number")
    return SealedEntry(
        path=parse_model_path(value["path"]),
        size=value["size"],
        plaintext_sha256=_parse_sha256(value["plaintext_sha256"]),
        ciphertext_sha256=_parse_sha256(value["ciphertext_sha256"]),
    )


def _parse_base(value: Any) -> BaseModel:
    if value.keys() != {"model_name", "content_sha256"}:
        raise ValueError("fields of the base model are missing or unknown")
    return BaseModel(parse_model_name(value["model_name"]), _parse_sha256(value["content_sha256"]))


def _parse_sha256(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError("a digest is not a SHA-256 in hexadecimal")
    return value
