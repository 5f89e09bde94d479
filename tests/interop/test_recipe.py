"""What ``gateway/client/javascript.md`` tells application developers."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.interop.conftest import HERE
from tests.story.processes import ROOT

RECIPE = ROOT / "gateway/client/javascript.md"
BLOCKS = re.findall(r"```js\n(.*?)```", RECIPE.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("code", BLOCKS, ids=["openai", "fetch"])
def test_code_runs_as_printed(world, node_program, pin, code):
    """Each piece of code, run as it stands there, prints the scrubbed answer."""
    world.says("Mail anna@exam", "ple.com.")
    variables = {
        "NODE_EXTRA_CA_CERTS": world.gateway.ca_file,
        "SEALGATE_ORIGIN": world.gateway.origin,
        "SEALGATE_CLIENT_ID": world.application.client_id,
        "SEALGATE_CLIENT_SECRET": world.application.client_secret,
        "SEALGATE_PIN": pin,
    }
    done = subprocess.run(
        ["env", *(f"{name}={value}" for name, value in variables.items()),
         node_program, "--input-type=module", "--eval", code],
        cwd=HERE, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "Mail [EMAIL]."), done.stderr


def test_lock_names_no_registry():
    """The lock pins every package by digest and names no address to fetch it from."""
    lock = (HERE / "package-lock.json").read_text("utf-8")
    assert "://" not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')


def test_modules_are_those_the_recipe_names():
    """The recipe lists every module that the client is made of."""
    listed = set(re.findall(r"^\| `(\w+\.mjs)`", RECIPE.read_text("utf-8"), re.MULTILINE))
    found, queue = set(), ["sealgate_client.mjs"]
    while queue:
        name = queue.pop()
        found.add(name)
        imported = re.findall(r'from "\./(\w+\.mjs)"', (HERE / name).read_text("utf-8"))
        queue += [other for other in imported if other not in found]
    assert found == listed
