"""A door into a simulation for programs that know AWS by its address only, such as csd: HTTP in, the simulation's answers out.

Rules: one request at a time, however many threads ask; whoever opens the door keeps off the simulation until it is shut.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from localorg.protocol.http import WireRequest
from localorg.server.simulation.organization import Simulation


@contextmanager
def door(simulation: Simulation, passing_s: float = 0.0) -> Iterator[str]:
    """Open the door and give its address; before each request some virtual time passes."""
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = WireRequest(self.command, parts.path or "/", parts.query, headers, body)
            with one_at_a_time:
                if passing_s:
                    simulation.run_for(passing_s)
                told = simulation.ask(request)
            self.send_response(told.status)
            for name, value in told.headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            length = told.headers.get("content-length", str(len(told.body))) if self.command == "HEAD" else str(len(told.body))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(told.body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
