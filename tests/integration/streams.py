"""A streamed answer that is read in the background."""

from __future__ import annotations

import threading
import time

from openai import APIConnectionError, APIError, OpenAI


class Stream:
    """A stream that is read in the background, and how and when it ended."""

    def __init__(self, world, account) -> None:
        self.text = ""
        self.error: Exception | None = None
        self.ended_at = 0.0
        self._world, self._account = world, account
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 30
        while "river" not in self.text:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def _read(self) -> None:
        try:
            with self._world.gateway.sealed(self._account) as http:
                openai = OpenAI(
                    base_url=self._world.gateway.origin + "/v1",
                    api_key="x",
                    http_client=http,
                    max_retries=0,
                )
                said = [{"role": "user", "content": "hi"}]
                for chunk in openai.chat.completions.create(
                    model="tiny", messages=said, stream=True
                ):
                    self.text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        except (APIError, APIConnectionError) as error:
            self.error = error
        finally:
            self.ended_at = time.monotonic()

    def wait(self) -> None:
        """Wait until the stream has ended."""
        self._thread.join(30)
        assert not self._thread.is_alive()
