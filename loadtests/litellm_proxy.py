"""LiteLLM's proxy as a peer of `make bench`: its configuration and how it is started.

It has a master key and no database. With its content filter it looks for eight kinds of personal
data in answers, which is what comes nearest to what this gateway does.
"""

from collections.abc import Mapping
from pathlib import Path

MASTER_KEY = "sk-bench-0123456789abcdef"
"""What its clients authenticate with."""

ENVIRONMENT: Mapping[str, str] = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else its start waits for a file from the network
    "LITELLM_LOG": "ERROR",
    "LITELLM_TELEMETRY": "False",
    "DISABLE_ADMIN_UI": "True",
    "NO_DOCS": "True",
}
_PATTERNS = (
    "email",
    "us_phone",
    "us_ssn",
    "visa",
    "mastercard",
    "amex",
    "ipv4",
    "iban",
)
_HEAD = """\
general_settings:
  master_key: {master_key}
litellm_settings:
  telemetry: false
  num_retries: 0
model_list:
"""
_MODEL = """\
  - model_name: {model}
    litellm_params:
      model: hosted_vllm/{model}
      api_base: http://127.0.0.1:{port}/v1
      api_key: {key}
"""
_FILTER = """\
guardrails:
  - guardrail_name: personal-data
    litellm_params:
      guardrail: litellm_content_filter
      mode: post_call
      default_on: true
      patterns:
"""
_PATTERN = """\
        - pattern_type: prebuilt
          pattern_name: {name}
          action: MASK
"""


def configuration(
    models: tuple[str, ...], *, upstream_port: int, upstream_key: str, filters: bool
) -> str:
    """Return the configuration of a proxy before the model server at *upstream_port*."""
    text = _HEAD.format(master_key=MASTER_KEY)
    for model in models:
        text += _MODEL.format(model=model, port=upstream_port, key=upstream_key)
    if filters:
        text += _FILTER + "".join(_PATTERN.format(name=name) for name in _PATTERNS)
    return text


def command(program: Path, configuration_file: Path, *, port: int) -> list[str]:
    """Return what starts the proxy with one worker on *port* of the loopback interface."""
    return [
        str(program),
        *("--config", str(configuration_file)),
        *("--host", "127.0.0.1"),
        *("--port", str(port)),
        *("--num_workers", "1"),
    ]
