"""TLS, judged by an outside scanner."""

from __future__ import annotations

import socket
import ssl
import subprocess

import pytest

from tests.story.processes import ROOT

SSLYZE = ROOT / ".venv-tools/bin/sslyze"


@pytest.mark.skipif(not SSLYZE.exists(), reason="sslyze is not installed (make .venv-tools/.ready)")
def test_mozilla_intermediate_profile(world):
    """sslyze finds nothing against Mozilla's intermediate profile but the own authority."""
    target = f"127.0.0.1:{world.gateway.port}"
    command = [SSLYZE, "--mozilla_config=intermediate", target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    _, _, verdict = done.stdout.partition("COMPLIANCE AGAINST")
    complaints = [line.strip() for line in verdict.splitlines() if line.strip().startswith("*")]
    # An own authority is not one of those that browsers trust; that is the one thing meant so.
    assert [line.split(":")[0] for line in complaints] == ["* certificate_path_validation"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_are_refused(world, version):
    """TLS 1.0 and 1.1 are not spoken."""
    context = world.gateway.tls()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", world.gateway.port), timeout=5) as sock,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(sock, server_hostname="127.0.0.1")
