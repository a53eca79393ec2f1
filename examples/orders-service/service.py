"""A small service of users, orders and invoices: python3 service.py [PORT]. openapi.json beside it describes it. State lives in memory."""
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USERS = {1: {"id": 1, "name": "Ada Berg", "email": "ada@example.com", "plan": "team"}, 2: {"id": 2, "name": "Bo Lind", "email": "bo@example.com", "plan": "free"}}
ORDERS = {1: [{"id": 12, "item": "Ten seats", "cents": 9900, "invoice_id": 102}, {"id": 11, "item": "Support", "cents": 4900, "invoice_id": 101}], 2: []}
INVOICES = {101: {"id": 101, "user_id": 1, "cents": 4900, "status": "paid"}, 102: {"id": 102, "user_id": 1, "cents": 9900, "status": "open"}}
# Two years that end with October 2026, in cents.
REVENUE = [{"month": f"{2024 + (10 + i) // 12}-{(10 + i) % 12 + 1:02d}", "cents": 812_300 + 31_700 * i + (i * 7919 % 13) * 21_100} for i in range(24)]
NOTES, BY_KEY, LOCK = [], {}, threading.Lock()


class Service(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        if found := re.fullmatch(r"/users/(\d+)", path):
            return self.found(USERS.get(int(found[1])), f"no user {found[1]}")
        if found := re.fullmatch(r"/users/(\d+)/orders", path):
            orders = ORDERS.get(int(found[1]))
            return self.found(None if orders is None else {"orders": orders}, f"no user {found[1]}")
        if path == "/revenue":
            asked = re.search(r"[?&]months=(\d+)", self.path)
            return self.answer(200, {"currency": "USD", "months": REVENUE[-min(24, int(asked[1])):] if asked and int(asked[1]) else REVENUE[-12:]})
        if found := re.fullmatch(r"/invoices/(\d+)", path):
            return self.found(INVOICES.get(int(found[1])), f"no invoice {found[1]}")
        self.answer(404, {"error": "no such page"})

    def found(self, value, otherwise):
        self.answer(200, value) if value is not None else self.answer(404, {"error": otherwise})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        found = re.fullmatch(r"/invoices/(\d+)/credit-notes", self.path)
        invoice = INVOICES.get(int(found[1])) if found else None
        if invoice is None:
            return self.answer(404, {"error": "no such invoice"})
        key = self.headers.get("Idempotency-Key")
        with LOCK:
            note = BY_KEY.get(key) if key else None
            if note is None:
                note = {"id": len(NOTES) + 1, "invoice_id": invoice["id"], "cents": asked["cents"]}
                NOTES.append(note)
                invoice["status"] = "credited"
                if key:
                    BY_KEY[key] = note
        self.answer(201, note)

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8090), Service)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
