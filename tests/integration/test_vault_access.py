"""Ways into a real OpenBao: as a service account of Kubernetes, and into a namespace."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.vault.connection import VaultConnection
from gateway.backends.vault.logins import KubernetesLogin, TokenFile
from gateway.backends.vault.session import VaultSession
from gateway.backends.vault.transit import VaultKeyWrap
from gateway.core.errors import KeyServiceUnavailable
from gateway.core.secret import Secret
from tests.fakes.kubernetes import ACCOUNT, NAMESPACE, account_token, kubernetes_api
from tests.fakes.openbao import OpenBao

PRIVATE = Secret(b"k" * 32)


async def test_service_account(openbao: OpenBao, tmp_path: Path) -> None:
    """The token that Kubernetes vouches for opens the key; a renewed one counts; others do not."""
    key, file = openbao.transit_key(), tmp_path / "token"
    mount = f"kubernetes-{secrets.token_hex(4)}"
    with kubernetes_api(tmp_path / "api") as api:
        openbao.do("POST", f"sys/auth/{mount}", type="kubernetes")
        openbao.do(
            "POST",
            f"auth/{mount}/config",
            kubernetes_host=api.url,
            kubernetes_ca_cert=api.ca_file.read_text(),
            token_reviewer_jwt=account_token("reviewer"),
        )
        openbao.do(
            "POST",
            f"auth/{mount}/role/gateway",
            bound_service_account_names=[ACCOUNT],
            bound_service_account_namespaces=[NAMESPACE],
            token_policies=[openbao.policy(key)],
        )
        login = KubernetesLogin(mount, "gateway", file)
        for good in (account_token(), account_token()):
            api.good = {good: ACCOUNT}
            file.write_text(good)
            wrap = VaultKeyWrap(openbao.session(login), mount="transit", key=key)
            wrapped = await wrap.wrap(PRIVATE, kid="k")
            assert (await wrap.unwrap(wrapped, kid="k")).reveal() == PRIVATE.reveal()
            await wrap.close()
        api.good = {(other := account_token("other")): "other"}
        for refused in (good, other, "no token"):
            file.write_text(refused)
            with pytest.raises(KeyServiceUnavailable, match="refuses"):
                await login(connection := VaultConnection(openbao.address))
            await connection.close()


async def test_namespace(openbao: OpenBao, tmp_path: Path) -> None:
    """Keys and tokens of a namespace are found in it and nowhere else."""
    name, file = f"team-{secrets.token_hex(4)}", tmp_path / "token"
    openbao.do("POST", f"sys/namespaces/{name}")
    openbao.do("POST", f"{name}/sys/mounts/transit", type="transit")
    openbao.do("POST", f"{name}/transit/keys/sealgate")
    rules = 'path "transit/*" { capabilities = ["read", "update"] }'
    openbao.do("PUT", f"{name}/sys/policies/acl/gateway", policy=rules)
    made = openbao.do("POST", f"{name}/auth/token/create", policies=["gateway"])
    file.write_text(made["auth"]["client_token"])

    def wrap_in(namespace: str | None) -> VaultKeyWrap:
        connection = VaultConnection(replace(openbao.address, namespace=namespace))
        session = VaultSession(connection, TokenFile(file), meter=KeyServiceMeter())
        return VaultKeyWrap(session, mount="transit", key="sealgate")

    inside = wrap_in(name)
    wrapped = await inside.wrap(PRIVATE, kid="k")
    assert (await inside.unwrap(wrapped, kid="k")).reveal() == PRIVATE.reveal()
    await inside.close()
    for elsewhere in (None, "nowhere"):
        wrap = wrap_in(elsewhere)
        with pytest.raises(KeyServiceUnavailable):
            await wrap.unwrap(wrapped, kid="k")
        await wrap.close()
