"""A stand-in for the `vllm` command: answers /health on the Unix socket it is told.

Files beside it steer it: `crash` makes it end while starting, `sick` makes /health answer 503.
Each start adds a line to `starts.jsonl`: its arguments, environment, cores and what it finds in
the model folder.
"""

import http.server
import json
import os
import socketserver
import sys
from pathlib import Path

HERE = Path(sys.argv[0]).parent
ARGUMENTS = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every GET."""

    def do_GET(self):
        """Say whether it is well; /crash ends the process."""
        if self.path == "/crash":
            os._exit(3)
        self.send_response(503 if (HERE / "sick").exists() else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Stay silent."""

    def address_string(self):
        """Return nothing: a Unix socket has no address."""
        return ""


folder = Path(ARGUMENTS[1])
start = {
    "pid": os.getpid(),
    "arguments": ARGUMENTS,
    "environment": dict(os.environ),  # noqa: TID251  # what the test wants to see
    "cores": sorted(os.sched_getaffinity(0)),
    "model_files": sorted(path.name for path in folder.iterdir()),
    "folder_mode": folder.stat().st_mode & 0o777,
}
with (HERE / "starts.jsonl").open("a") as log:
    log.write(json.dumps(start) + "\n")
print("starting up", flush=True)
if (HERE / "crash").exists():
    sys.exit("no such device")
uds = ARGUMENTS[ARGUMENTS.index("--uds") + 1]
with socketserver.ThreadingUnixStreamServer(uds, Handler) as server:
    server.serve_forever()
