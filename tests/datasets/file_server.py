"""A server of files on this machine, which can be told to fail."""

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves ``files``, a dict name -> bytes, and notes the requests in ``requests``: (name, Range header or None).

    ``cuts`` is a list: the next answers end after so many bytes, though they promise all. ``codes``: the next
    answers are these errors. Without ``ranges`` the server sends the whole file whatever is asked for.
    """

    def __init__(self):
        self.files, self.requests, self.cuts, self.codes = {}, [], [], []
        self.ranges = self.tags = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name, wanted = self.path.lstrip("/"), self.headers.get("Range")
                owner.requests.append((name, wanted))
                if owner.codes or name not in owner.files:
                    self.send_error(owner.codes.pop(0) if owner.codes else 404)
                    return
                content = owner.files[name]
                tag = f'"{hashlib.md5(content).hexdigest()}"'
                start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and owner.ranges else 0
                if self.headers.get("If-Range") not in (None, tag):
                    start = 0
                if start and start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                if owner.tags:
                    self.send_header("ETag", tag)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                end = start + owner.cuts.pop(0) if owner.cuts else len(content)
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content[start:end])

            def log_message(self, *args):
                pass

        return Handler
