"""The folder with the socket and the API key."""

from __future__ import annotations

import socket
import stat

import pytest

from serving.errors import LaunchFailed
from serving.runtime_folder import (
    api_key_file,
    own_socket,
    remove_stale_socket,
    write_new_api_key,
)


@pytest.fixture
def uds(tmp_path):
    """Return a socket path in a private folder."""
    (tmp_path / "run").mkdir(mode=0o700)
    return tmp_path / "run" / "vllm.sock"


def _stale_socket(path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))


def test_the_key_lies_beside_the_socket_and_is_private(uds):
    """The gateway finds `vllm.key` beside `vllm.sock`, readable by its owner only."""
    key = write_new_api_key(uds)
    path = uds.parent / "vllm.key"
    assert api_key_file(uds) == path
    assert path.read_text().strip() == key.reveal()
    assert len(key.reveal()) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_key_is_new(uds):
    """A second start of vLLM gets another key, even over a half-written one."""
    (uds.parent / "vllm.key.new").write_text("half")
    assert write_new_api_key(uds).reveal() != write_new_api_key(uds).reveal()


def test_the_folder_is_made_private(tmp_path):
    """A folder that is missing is made with mode 0700."""
    with own_socket(tmp_path / "new" / "vllm.sock"):
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_may_enter_is_refused(uds, mode):
    """The folder must be closed, because the key check of vLLM has gaps."""
    uds.parent.chmod(mode)
    with pytest.raises(LaunchFailed, match="0700"), own_socket(uds):
        pytest.fail("entered")


def test_a_stale_socket_is_removed(uds):
    """What a crashed vLLM left does not stop the next start."""
    _stale_socket(uds)
    with own_socket(uds):
        assert not uds.exists()


def test_a_socket_with_a_listener_is_left_alone(uds):
    """Another service's socket is neither removed nor taken over."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(uds))
        server.listen()
        with pytest.raises(LaunchFailed, match="listens"), own_socket(uds):
            pytest.fail("entered")
        assert uds.exists()


def test_a_full_backlog_counts_as_a_listener(uds):
    """A server too busy to answer is still there."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as waiting:
        server.bind(str(uds))
        server.listen(0)
        waiting.connect(str(uds))
        with pytest.raises(LaunchFailed, match="listens"):
            remove_stale_socket(uds)


def test_a_file_that_is_no_socket_is_left_alone(uds):
    """A mistyped path does not delete a file."""
    uds.write_text("precious")
    with pytest.raises(LaunchFailed, match="not a socket"), own_socket(uds):
        pytest.fail("entered")
    assert uds.read_text() == "precious"


def test_two_launchers_cannot_share_a_socket(uds):
    """The second one is refused even before the first one's vLLM listens."""
    with own_socket(uds), pytest.raises(LaunchFailed, match="another launcher"), own_socket(uds):
        pytest.fail("entered")
    with own_socket(uds):
        pass


def test_key_and_socket_are_gone_at_the_end(uds):
    """Neither the key nor a socket file outlives the launcher."""
    with own_socket(uds):
        write_new_api_key(uds)
        _stale_socket(uds)
    assert sorted(path.name for path in uds.parent.iterdir()) == ["vllm.lock"]


def test_an_overlong_path_is_refused(tmp_path):
    """A path that the kernel would cut is refused with its reason."""
    with pytest.raises(LaunchFailed, match="107"), own_socket(tmp_path / ("a" * 120)):
        pytest.fail("entered")
