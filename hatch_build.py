"""Compile the walk of the scrubber, and make its tables, while the package is built or installed.

``pip install`` calls the hook; ``python hatch_build.py`` does the same in the checkout. Without a C
compiler the package is complete all the same: the walk in Python takes its place.
"""

from __future__ import annotations

import runpy
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "gateway/core/pii"
TABLES = PACKAGE / "_tables.bin"
# A few thousand lines of C take seconds; a compiler that hangs must not hang the installation.
COMPILE_SECONDS = 300
# Warnings of a compiler that is not ours must not stop an installation.
OPTIONS = ("-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-fstack-protector-strong")


def library() -> Path:
    """Return where the compiled walk belongs."""
    return PACKAGE / f"_walk{sysconfig.get_config_var('EXT_SUFFIX')}"


def compile_walk(target: Path, *more: str) -> None:
    """Compile the walk into *target* with *more* options.

    Raises ``OSError`` without a compiler and ``subprocess.SubprocessError`` if it fails.
    """
    csrc = runpy.run_path(str(PACKAGE / "csrc/__init__.py"))
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    include = sysconfig.get_path("include")
    beside = target.with_name(f".{target.name}.new")
    command = [*compiler, *OPTIONS, *more, f'-DSOURCES="{csrc["digest"]()}"', f"-I{include}"]
    command += [*map(str, csrc["sources"]()), "-o", str(beside)]
    # The compiler of this Python, and files of this checkout.
    subprocess.run(command, check=True, timeout=COMPILE_SECONDS)  # noqa: S603
    beside.replace(target)  # at once: a process may have the old one mapped


def make_tables(target: Path) -> None:
    """Put the tables of all detectors into *target*; raises ``subprocess.SubprocessError``."""
    code = "from pathlib import Path; import sys; from gateway.core.pii import prebuilt"
    code += "; prebuilt.write_tables(Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(target)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=COMPILE_SECONDS)  # noqa: S603


class CompiledWalk(BuildHookInterface[Any]):
    """The hook of hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Put both results into the wheel, whatever its *version* (editable or not)."""
        try:
            compile_walk(library())
            make_tables(TABLES)
        except (OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"the scrubber stays uncompiled: {error}")
            return
        build_data["artifacts"] += [str(made.relative_to(ROOT)) for made in (library(), TABLES)]
        build_data["infer_tag"] = True
        build_data["pure_python"] = False


if __name__ == "__main__":
    compile_walk(library(), *sys.argv[1:])
    make_tables(TABLES)
