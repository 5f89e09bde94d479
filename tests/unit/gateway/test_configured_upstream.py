"""The model servers as they are configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.backends.upstream import ApiKeyFile
from gateway.configured_upstream import build_balancer, open_upstream
from gateway.core.errors import UpstreamUnavailable
from gateway.core.upstream_port import UpstreamRequest
from gateway.settings import Configuration, SettingsError, load_configuration
from loadtests.fake_vllm import Options, start_fake_vllm

BACKENDS = """
[upstream]
[[upstream.backends]]
name = "own"
uds = "own.sock"
api_key_file = "own.key"
models = ["tiny"]
[[upstream.backends]]
name = "shared"
uds = "shared.sock"
models = ["draft"]
[models.tiny]
[models.draft]
"""


def configured(directory: Path, text: str) -> Configuration:
    """Return the configuration *text*."""
    (directory / "sealgate.toml").write_text(text)
    return load_configuration(directory / "sealgate.toml")


def call(model: str) -> UpstreamRequest:
    """Return a call."""
    return UpstreamRequest("POST", "/v1/embeddings", b'{"input":"x"}', model=model)


async def test_each_backend_has_its_models_and_its_key(tmp_path: Path) -> None:
    """A call goes to the server of its model, with the key of that server or the common one."""
    configuration = configured(tmp_path, BACKENDS)
    (tmp_path / "own.key").write_text("own-key")
    (tmp_path / "common.key").write_text("common-key")
    balancer = build_balancer(configuration.settings.upstream)
    upstream = open_upstream(
        configuration, balancer, ApiKeyFile(tmp_path / "common.key"), drained=frozenset
    )
    async with (
        start_fake_vllm(tmp_path / "own.sock", options=Options(api_key="own-key")) as own,
        start_fake_vllm(tmp_path / "shared.sock", options=Options(api_key="common-key")) as shared,
    ):
        for model in ("tiny", "draft", "draft"):
            answer = await upstream.send(call(model))
            assert answer.status == 200
            await answer.close()
        assert await upstream.is_healthy()
        assert (len(own.requests), len(shared.requests)) == (1, 2)
        await upstream.close()


async def test_a_drained_backend_is_left_out(tmp_path: Path) -> None:
    """What is named as drained gets nothing."""
    configuration = configured(tmp_path, "[models.tiny]")
    balancer = build_balancer(configuration.settings.upstream)
    upstream = open_upstream(
        configuration, balancer, ApiKeyFile(tmp_path / "k"), drained=lambda: {"vllm"}
    )
    with pytest.raises(UpstreamUnavailable):
        await upstream.send(call("tiny"))
    assert [load.failures for load in balancer.loads()] == [0]


def test_authorities_that_cannot_be_read_are_a_fault(tmp_path: Path) -> None:
    """A gateway that could verify nobody does not start."""
    text = '[[upstream.backends]]\nname = "a"\nurl = "https://h.example"\nca_file = "ca.crt"\n'
    configuration = configured(tmp_path, text)
    (tmp_path / "ca.crt").write_text("rubbish")
    balancer = build_balancer(configuration.settings.upstream)
    with pytest.raises(SettingsError, match=r"upstream\.backends\.a\.ca_file"):
        open_upstream(configuration, balancer, ApiKeyFile(tmp_path / "k"), drained=frozenset)
