"""Model servers over HTTP."""

from __future__ import annotations

import httpx


async def test_servers_are_listed_and_drained(operator: httpx.AsyncClient) -> None:
    """Each with what it serves and how it is; draining shows there and in the status."""
    items = (await operator.get("backends")).json()["items"]
    assert items[1] == {
        "name": "gpu-1",
        "models": ["tiny"],
        "drained": False,
        "healthy": None,
        "ejected": False,
        "outstanding": 0,
    }
    assert (await operator.post("backends/gpu-1/drain")).json()["drained"]
    shown = (await operator.get("status")).json()["backends"]
    assert [backend["drained"] for backend in shown] == [False, True]
    assert not (await operator.post("backends/gpu-1/undrain")).json()["drained"]


async def test_unknown_servers_are_not_found(operator: httpx.AsyncClient) -> None:
    """Only what is configured can be drained."""
    assert (await operator.post("backends/gpu-9/drain")).status_code == 404
