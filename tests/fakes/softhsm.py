"""SoftHSM, a security module in software, with tokens of its own for a run of tests.

It is looked for where Debian's package ``libsofthsm2`` puts it and in ``SOFTHSM2_MODULE``.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pkcs11
import pytest
from pkcs11 import Attribute, KeyType
from pkcs11.exceptions import UserAlreadyLoggedIn

from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.pkcs11_key_wrap import Pkcs11KeyWrap, Pkcs11Place

PIN = "765432"
_TOKENS = ("one", "two")
_CANDIDATES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


def find_module() -> Path | None:
    """Return SoftHSM's library, or None."""
    named = os.environ.get("SOFTHSM2_MODULE", "")  # noqa: TID251  # of this machine, no setting
    places = (named, *_CANDIDATES)
    return next((Path(place) for place in places if place and Path(place).is_file()), None)


class SoftHsm:
    """Two tokens in *directory*."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        module, tool = find_module(), shutil.which("softhsm2-util")
        if module is None or tool is None:
            pytest.skip("softhsm2 is not installed on this machine (Debian: apt install softhsm2)")
        self.directory = directory
        self._tokens = cycle(_TOKENS)
        self.module = module
        tokens = directory / "tokens"
        tokens.mkdir()
        config = directory / "softhsm2.conf"
        config.write_text(
            f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        patch.setenv("SOFTHSM2_CONF", str(config))
        for token in _TOKENS:
            words = ["--init-token", "--free", "--label", token, "--so-pin", PIN, "--pin", PIN]
            subprocess.run(
                [tool, "--module", module, *words], check=True, stdout=subprocess.DEVNULL
            )
        # On a thread of its own: SoftHSM leaves errors of OpenSSL behind, which TLS would find.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._library = self._thread.submit(pkcs11.lib, str(module)).result()
        self.pin_file = directory / "pin"
        self.pin_file.write_text(PIN)

    def aes_key(self, token: str = _TOKENS[0], **template: bool) -> str:
        """Make an AES key, by default one that cannot be extracted; return its label."""
        label = f"key-{secrets.token_hex(6)}"
        attributes = {Attribute[name.upper()]: value for name, value in template.items()}

        def generate() -> None:
            with self._session(token) as session:
                session.generate_key(KeyType.AES, 256, label=label, store=True, template=attributes)

        self._thread.submit(generate).result()
        return label

    def place(self, label: str, token: str = _TOKENS[0]) -> Pkcs11Place:
        """Return where the key *label* is."""
        return Pkcs11Place(self.module, token, label, self.pin_file)

    def key_wrap(self, label: str | None = None) -> Pkcs11KeyWrap:
        """Return a key wrap over the key *label*, by default a new one in the other token."""
        token = _TOKENS[0] if label else next(self._tokens)
        place = self.place(label or self.aes_key(token), token)
        return Pkcs11KeyWrap(place, meter=KeyServiceMeter())

    def _session(self, label: str) -> pkcs11.Session:
        token = self._library.get_token(token_label=label)
        try:
            return token.open(rw=True, user_pin=PIN)
        except UserAlreadyLoggedIn:  # by a key wrap under test
            return token.open(rw=True)
