"""The ``serving`` command: keygen · seal · verify · rekey · run · inspect.

Exit codes: 0 done, 1 refused or failed, 2 wrong use. With ``--json`` the answer is one JSON
object on a line of its own (``run`` prints one for each event); errors are then ``{"error": …}``
on standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from serving.bundle import BundleLabel, inspect_bundle, rekey_bundle, seal_bundle, verify_bundle
from serving.errors import ServingError
from serving.key_source import FileKeySource, generate_keys
from serving.launcher import Launch, launch
from serving.lora import parse_lora_option
from serving.manifest import BaseModel, Manifest
from serving.settings import inherited_environment, read_settings

app = typer.Typer(
    help="Seal a fine-tuned model into a signed, encrypted bundle, and run vLLM on it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
KeysOption = Annotated[Path, typer.Option("--keys", help="Folder with the key files.")]
BundleArgument = Annotated[Path, typer.Argument(help="A sealed bundle.")]


def main() -> None:
    """Run the command line and exit."""
    app(prog_name="serving")


@app.command()
def keygen(
    directory: Annotated[Path, typer.Argument(help="Folder to write the keys into.")],
    as_json: JsonOption = False,
) -> None:
    """Make a wrapping key and a signing key pair; existing keys are never overwritten."""
    with _refusals(as_json=as_json):
        paths = generate_keys(directory)
    _print({"written": [str(path) for path in paths]}, as_json=as_json)


@app.command()
def seal(
    model_dir: Annotated[Path, typer.Argument(help="Model folder: safetensors, JSON and text.")],
    bundle: Annotated[Path, typer.Argument(help="New folder for the bundle.")],
    name: Annotated[str, typer.Option("--name", help="The name that requests use.")],
    keys: KeysOption = Path("keys"),
    base: Annotated[
        Path | None, typer.Option("--base", help="For a LoRA adapter: the bundle of its model.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Seal a model, or with --base a LoRA adapter, into a new bundle."""
    with _refusals(as_json=as_json):
        source = FileKeySource(keys)
        base_model = None
        if base is not None:
            parent = verify_bundle(base, source.signing_key().public_key())
            base_model = BaseModel(parent.model_name, parent.content_sha256)
        label = BundleLabel(name, datetime.now(UTC).replace(microsecond=0), base_model)
        manifest = seal_bundle(model_dir, bundle, keys=source, label=label)
    _print({"sealed": str(bundle)} | _summary(manifest), as_json=as_json)


@app.command()
def verify(
    bundle: BundleArgument, keys: KeysOption = Path("keys"), as_json: JsonOption = False
) -> None:
    """Check signature and digests of a bundle; needs only the verification key."""
    with _refusals(as_json=as_json):
        manifest = verify_bundle(bundle, FileKeySource(keys).verification_key())
    _print({"verified": str(bundle)} | _summary(manifest), as_json=as_json)


@app.command()
def rekey(
    bundle: BundleArgument,
    new_bundle: Annotated[Path, typer.Argument(help="New folder for the rekeyed bundle.")],
    new_keys: Annotated[Path, typer.Option("--new-keys", help="Folder with the new keys.")],
    keys: KeysOption = Path("keys"),
    as_json: JsonOption = False,
) -> None:
    """Write a bundle anew under other keys, with the same content."""
    with _refusals(as_json=as_json):
        manifest = rekey_bundle(
            bundle, new_bundle, old_keys=FileKeySource(keys), new_keys=FileKeySource(new_keys)
        )
    _print({"sealed": str(new_bundle)} | _summary(manifest), as_json=as_json)


@app.command()
def inspect(bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Show what a bundle says of itself, without any key and without any check of its origin."""
    with _refusals(as_json=as_json):
        manifest = inspect_bundle(bundle)
    files = [{"path": entry.path, "size_bytes": entry.size} for entry in manifest.files]
    _print({"verified": False} | _summary(manifest) | {"files": files}, as_json=as_json)


@app.command()
def run(
    bundle: BundleArgument,
    uds: Annotated[Path | None, typer.Option("--uds", help="Unix socket for vLLM.")] = None,
    keys: Annotated[Path | None, typer.Option("--keys", help="Folder with the key files.")] = None,
    lora: Annotated[
        list[str] | None, typer.Option("--lora", help="NAME=BUNDLE of a LoRA adapter; repeatable.")
    ] = None,
    vllm_executable: Annotated[
        str | None, typer.Option("--vllm-executable", help="Default: vllm on the PATH.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or gpu.")] = None,
    max_model_len: Annotated[int | None, typer.Option("--max-model-len")] = None,
    max_num_seqs: Annotated[int | None, typer.Option("--max-num-seqs")] = None,
    tool_call_parser: Annotated[str | None, typer.Option("--tool-call-parser")] = None,
    reasoning_parser: Annotated[str | None, typer.Option("--reasoning-parser")] = None,
    vllm_arg: Annotated[
        list[str] | None,
        typer.Option("--vllm-arg", help="--flag=value of vLLM's tuning flags; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify and open a bundle, and serve it with vLLM on a Unix socket until stopped.

    The API key for the gateway lies beside the socket, with the suffix .key. Every option can
    also be set as SEALGATE_SERVING_<NAME>; timeouts only so.
    """
    with _refusals(as_json=as_json):
        settings = read_settings(
            {
                "uds": uds,
                "keys": keys,
                "vllm_executable": vllm_executable,
                "device": device,
                "max_model_len": max_model_len,
                "max_num_seqs": max_num_seqs,
                "tool_call_parser": tool_call_parser,
                "reasoning_parser": reasoning_parser,
                "vllm_arguments": tuple(vllm_arg) if vllm_arg else None,
            }
        )
        plan = Launch(
            bundle=bundle,
            uds=settings.uds,
            keys=FileKeySource(settings.keys),
            inherited=inherited_environment(),
            adapters=[parse_lora_option(text) for text in lora or ()],
            executable=settings.vllm_executable,
            device=settings.device,
            plaintext_parent=settings.plaintext_parent,
            health_timeout_seconds=settings.health_timeout_seconds,
            options=settings.serve_options(),
            patience=settings.patience(),
        )
        launch(plan, report=_reporter(as_json=as_json))


@contextmanager
def _refusals(*, as_json: bool) -> Iterator[None]:
    """Turn a refusal, or a file that cannot be read or written, into one line and exit code 1."""
    try:
        yield
    except ServingError as error:
        _fail(str(error), as_json=as_json)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror}", as_json=as_json)


def _fail(reason: str, *, as_json: bool) -> None:
    text = json.dumps({"error": reason}) if as_json else f"serving: {reason}"
    typer.echo(text, err=True)
    raise typer.Exit(1)


def _reporter(*, as_json: bool) -> Callable[[str, Mapping[str, object]], None]:
    """Return what prints the launcher's events, each at once."""

    def report(event: str, facts: Mapping[str, object]) -> None:
        if as_json:
            typer.echo(json.dumps({"event": event, **facts}, ensure_ascii=False))
        else:
            details = "  ".join(f"{name}={value}" for name, value in facts.items())
            typer.echo(f"{event}  {details}".rstrip())
        sys.stdout.flush()

    return report


def _summary(manifest: Manifest) -> dict[str, Any]:
    base = manifest.base_model
    return {
        "model_name": manifest.model_name,
        "kind": "model" if base is None else "lora",
        "base_model": None if base is None else base.model_name,
        "created_at": manifest.created_at.isoformat(),
        "content_sha256": manifest.content_sha256,
        "size_bytes": sum(entry.size for entry in manifest.files),
    }


def _print(value: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False))
        return
    for name, item in value.items():
        if isinstance(item, list):
            typer.echo(f"{name}:")
            for row in item:
                line = "  ".join(map(str, row.values())) if isinstance(row, dict) else str(row)
                typer.echo(f"  {line}")
        else:
            typer.echo(f"{name}: {'-' if item is None else item}")
