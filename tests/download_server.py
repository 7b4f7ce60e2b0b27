"""A server on this machine that breaks off, changes what it serves, and notes what is asked of it."""

import http.server
import threading
from collections.abc import Iterator

import pytest

CONTENT = bytes(range(256)) * 4000


class Server(http.server.ThreadingHTTPServer):
    """Serves one file with ranges; breaks off after ``limit`` bytes while ``breaks`` lasts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.mark, self.kind = CONTENT, '"one"', "application/octet-stream"
        self.limit, self.breaks = 300_000, 0
        self.ranges: list[str | None] = []
        self.names: tuple[str, ...] = ("model.bin",)  # of the files it has

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Server = self.server
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        if not self.path.endswith(server.names):
            self.send_error(404, "no such model")
            return
        start = 0
        if asked and self.headers.get("If-Range") == server.mark:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start and start >= len(server.content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.send_header("Content-Type", server.kind)
        self.send_header("ETag", server.mark)
        self.end_headers()
        rest = server.content[start:]
        if server.breaks:
            server.breaks -= 1
            rest = rest[: server.limit]
        self.wfile.write(rest)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
