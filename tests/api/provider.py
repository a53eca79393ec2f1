"""A scripted OpenAI-compatible server for tests: it keeps what it is sent, and answers with what it is told to."""
import contextlib
import http.server
import json
import threading


class Provider:
    """answer(body) → a list of stream chunks' choices (dicts), or a whole completion where it returns a dict. It may block."""

    def __init__(self, answer):
        self.requests, self.lock = [], threading.Lock()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with provider.lock:
                    provider.requests.append(body)
                choices = answer(body)
                usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
                text = "".join(f"data: {json.dumps(event)}\n\n" for event in [*({"choices": [choice]} for choice in choices), usage]) + "data: [DONE]\n\n"
                with contextlib.suppress(OSError):   # who asked may be gone
                    self.send_response(200)
                    self.send_header("content-type", "text/event-stream")
                    self.end_headers()
                    self.wfile.write(text.encode())

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def connect(self, client, name="scripted"):
        client.post("/strata/v1/providers", json={"id": name, "base_url": self.url, "model": "far", "key": "k"}).raise_for_status()
        return name

    def close(self):
        self.server.shutdown()


def says(text):
    return [{"index": 0, "delta": {"content": text}, "finish_reason": None}, {"index": 0, "delta": {}, "finish_reason": "stop"}]
