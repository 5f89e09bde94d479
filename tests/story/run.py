"""``make run``: vLLM and the gateway until Ctrl-C, with what one needs to call them."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.story.gateway import Account, Gateway
from tests.story.model import ServedModel

PUBLIC_PORT, ADMIN_PORT = 8443, 9443


def instructions(gateway: Gateway, account: Account) -> str:
    """Return how to get a token and how to call the model, ready to paste."""
    operator = gateway.staff["operator"]
    return f"""
Sealgate serves {gateway.origin} (administration {gateway.admin_origin}).

Authority of its certificate: {gateway.ca_file}
Application: client_id {account.client_id}
             client_secret {account.client_secret}
Operator:    client_id {operator.client_id}
             client_secret {operator.client_secret}

A token, with curl:

  curl --cacert {gateway.ca_file} -u {account.client_id}:{account.client_secret} \\
       -d grant_type=client_credentials {gateway.origin}/oauth2/token

A sealed call, with Python (.venv/bin/python):

  from openai import OpenAI
  from gateway.client.httpx2_transport import sealed_client

  http = sealed_client("{gateway.origin}", client_id="{account.client_id}",
      client_secret="{account.client_secret}",
      ca_file="{gateway.ca_file}",
      pin="{gateway.pin}")
  openai = OpenAI(base_url="{gateway.origin}/v1", api_key="unused", http_client=http)
  for chunk in openai.chat.completions.create(model="tiny", stream=True, temperature=0,
          messages=[{{"role": "user", "content": "What is the phone number of Harriet Vexley?"}}]):
      print(chunk.choices[0].delta.content or "", end="", flush=True)

Ctrl-C stops everything and removes it.
"""


def main() -> int:
    """Start both, show how to use them, wait for Ctrl-C."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with tempfile.TemporaryDirectory(prefix="sealgate-") as folder:
        model = ServedModel(Path(folder))
        gateway = Gateway(
            Path(folder),
            socket=model.socket,
            api_key_file=model.api_key_file,
            port=PUBLIC_PORT,
            admin_port=ADMIN_PORT,
        )
        try:
            sys.stdout.write("Sealing, verifying and starting the model …\n")
            model.seal()
            model.verify()
            model.start()
            gateway.start()
            sys.stdout.write(instructions(gateway, gateway.create_client()))
            sys.stdout.flush()
            stopped.wait()
        finally:
            gateway.stop()
            model.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
