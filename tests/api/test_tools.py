"""The registry of tools and the tools that ship, against the running program."""
import json
import sqlite3
import subprocess
import sys
import time

import pytest

from conftest import ROOT, Server


@pytest.fixture(scope="module")
def shop(new_folder):
    folder = new_folder()
    database = folder / "shop.db"
    with sqlite3.connect(database) as writer:
        writer.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, cents INTEGER)")
        writer.executemany("INSERT INTO orders VALUES(?, ?, ?)", [(1, "Ada", 500), (2, "Ada", 700), (3, "Bo", 900)])
    writer.close()
    database.chmod(0o644)
    code = folder / "code"
    code.mkdir()
    (code / "main.py").write_text("def total(orders):\n    return sum(orders)\n")
    (folder / "data").mkdir(mode=0o755)
    service = subprocess.Popen([sys.executable, ROOT / "examples/orders-service/service.py", "0"], stdout=subprocess.PIPE, text=True)
    described = json.loads((ROOT / "examples/orders-service/openapi.json").read_text())
    described["servers"] = [{"url": service.stdout.readline().strip()}]
    openapi = folder / "openapi.json"
    openapi.write_text(json.dumps(described))
    (folder / "data/tools.json").write_text(json.dumps({"databases": [{"name": "shop", "path": str(database)}], "code_folder": str(code),
                                                         "openapi": [{"name": "orders", "path": str(openapi)}]}))
    running = Server(folder / "data")
    yield running
    running.stop()
    service.terminate()
    service.wait()


def call(server, name, arguments, **more):
    answer = server.http.post(f"/strata/v1/tools/{name}/call", json={"arguments": arguments, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_registry_lists_its_tools_with_schemas_and_policy(shop):
    tools = {tool["name"]: tool for tool in shop.http.get("/strata/v1/tools").json()["data"]}
    assert {"calculator", "search_documents", "run_python", "search_code", "query_shop", "query_shop_schema"} <= set(tools)
    assert tools["run_python"]["risk"] == "medium" and tools["calculator"]["policy"]["permission"] == "allow"
    for tool in tools.values():
        assert tool["parameters"]["type"] == "object" and (tool["result"].get("type") == "object" or "$ref" in tool["result"]) and tool["limits"]["time_ms"] > 0


def test_calls_are_checked_and_say_how_to_mend_them(shop):
    assert call(shop, "calculator", {"expression": "(3 + 4) * sqrt(2) ^ 2"})["result"]["value"] == pytest.approx(14)
    wrong = call(shop, "calculator", {"expresion": "1"})
    assert wrong["state"] == "refused" and wrong["error"]["problems"][0]["nearest"] == "expresion"
    assert call(shop, "calculator", {"expression": "sqr(2)"})["error"]["problems"][0]["nearest"] == "sqrt"
    assert shop.http.post("/strata/v1/tools/calculatr/call", json={}).json()["error"]["message"].endswith("did you mean 'calculator'?")
    assert call(shop, "search_code", {"query": "SUM("})["result"]["matches"][0] == {"file": "main.py", "line": 2, "text": "return sum(orders)"}


def test_arguments_are_checked_without_a_call(shop):
    check = lambda name, arguments: shop.http.post(f"/strata/v1/tools/{name}/check", json={"arguments": arguments})
    assert check("calculator", {"expression": "1/0"}).json() == {"valid": True, "problems": []}, "nothing is computed"
    wrong = check("calculator", {"expresion": "1"}).json()
    assert not wrong["valid"] and wrong["problems"][0]["nearest"] == "expresion" and wrong["problems"][0]["message"]
    assert check("calculatr", {}).status_code == 404


def test_a_database_is_asked_read_only(shop):
    assert call(shop, "query_shop_schema", {})["result"]["tables"][0]["name"] == "orders"
    total = call(shop, "query_shop", {"sql": "SELECT customer, sum(cents) FROM orders GROUP BY 1 ORDER BY 1"})
    assert total["result"]["rows"] == [["Ada", 1200], ["Bo", 900]] and total["untrusted"]
    wrong = call(shop, "query_shop", {"sql": "SELECT custmer FROM orders"})
    assert wrong["error"]["code"] == "no_such_column" and wrong["error"]["problems"][0]["nearest"] == "customer"
    for attack in ("DELETE FROM orders", "SELECT 1; DROP TABLE orders", "ATTACH '/tmp/x' AS x", "PRAGMA query_only = 0", "SELECT load_extension('x')"):
        assert call(shop, "query_shop", {"sql": attack})["state"] == "failed", attack


def test_an_openapi_service_is_tools_and_money_waits_for_a_person(shop):
    assert call(shop, "get_user_profile", {"id": 1})["result"]["name"] == "Ada Berg"
    assert call(shop, "fetch_orders", {"userId": 1})["result"]["orders"][0]["invoice_id"] == 102
    assert call(shop, "get_user_invoice", {"id": 101})["result"]["status"] == "paid"
    assert call(shop, "get_user_profile", {"id": 9})["error"]["code"] == "http_404"
    assert call(shop, "get_user_profile", {"id": "../admin"})["state"] == "refused"
    note = {"id": 102, "body": {"cents": 500, "reason": "late"}}
    held = call(shop, "create_credit_note", note, idempotency_key="n1", untrusted=True)
    assert held["state"] == "needs_approval"
    assert call(shop, "get_user_invoice", {"id": 102})["result"]["status"] == "open", "nothing happened"
    first = call(shop, "create_credit_note", note, idempotency_key="n1")
    again = call(shop, "create_credit_note", note, idempotency_key="n1")
    assert first["result"] == again["result"] and again["repeated"]
    assert call(shop, "get_user_invoice", {"id": 102})["result"]["status"] == "credited"


def test_permissions_hold_and_keys_repeat(shop):
    note = {"id": 101, "body": {"cents": 100, "reason": "broken"}}
    first = call(shop, "create_credit_note", note, idempotency_key="k1")
    again = call(shop, "create_credit_note", note, idempotency_key="k1")
    assert again["repeated"] and again["result"] == first["result"]
    assert call(shop, "create_credit_note", {**note, "id": 102}, idempotency_key="k1")["error"]["code"] == "idempotency_key_reused"
    set_to = lambda permission: shop.http.put("/strata/v1/tools/calculator/permission", json={"permission": permission, "why": "a test"})
    assert set_to("deny").json()["permission"] == "deny"
    assert call(shop, "calculator", {"expression": "1"})["error"]["code"] == "permission_denied"
    assert set_to("ask").status_code == 200
    held = call(shop, "calculator", {"expression": "1"})
    assert held["state"] == "needs_approval" and len(held["digest"]) == 64
    assert call(shop, "calculator", {"expression": "1"}, approval_id="made-up")["error"]["code"] == "approval_invalid"
    assert set_to("allow").status_code == 200
    assert set_to("maybe").status_code == 400
    assert shop.http.get("/strata/v1/tool-calls/open").json()["data"] == []


def test_python_runs_behind_walls_or_says_why_not(shop):
    outcome = call(shop, "run_python", {"code": "print(6 * 7)"})
    if outcome["state"] != "done":
        assert outcome["error"]["code"] == "sandbox_unavailable"
        pytest.skip(outcome["error"]["message"])
    assert outcome["result"]["output"] == "42\n"
    assert call(shop, "run_python", {"code": "open('/etc/passwd')"})["error"]["code"] == "script_error"


def store_of(server, name, text, filename, **attributes):
    """A vector store with one file, ready to be asked."""
    file = server.http.post("/v1/files", files={"file": (filename, text)}, data={"purpose": "user_data"}).json()["id"]
    store = server.http.post("/v1/vector_stores", json={"name": name}).json()["id"]
    server.http.post(f"/v1/vector_stores/{store}/files", json={"file_id": file, "attributes": attributes})
    while (state := server.http.get(f"/v1/vector_stores/{store}/files/{file}").json()["status"]) == "in_progress":
        time.sleep(0.02)
    assert state == "completed"
    return store


def test_web_search_finds_the_pages_that_were_taken_in(shop):
    assert call(shop, "web_search", {"query": "lighthouse"})["error"]["code"] == "no_pages"
    store_of(shop, "web", "# Lighthouses\n\nThe lighthouse of Lindesnes was lit in 1656 and is the oldest of Norway.\n", "lighthouse.md", url="https://light.example/lindesnes")
    found = call(shop, "web_search", {"query": "When was the lighthouse of Lindesnes lit?"})
    assert found["untrusted"] and found["result"]["source"] == "pages"
    page = found["result"]["pages"][0]
    assert page["url"] == "https://light.example/lindesnes" and "1656" in page["snippet"]


def test_a_flow_asks_the_documents_and_the_database_together(shop):
    store = store_of(shop, "rules", "# Refunds\n\nAn order below ten euros is refunded without questions.\n", "refunds.md")
    text = """
flow: both
input: {store: string}
steps:
  - {id: rule, kind: retrieve, query: Which orders are refunded without questions?, bases: ["{{ input.store }}"], results: 1}
  - {id: orders, kind: tool, tool: query_shop, args: {sql: "SELECT customer, cents FROM orders WHERE cents < 1000 ORDER BY id"}}
  - {id: done, kind: respond, result: {rule: "{{ steps.rule[0].text }}", orders: "{{ steps.orders.rows }}"}}
"""
    assert shop.http.put("/strata/v1/flows/both", json={"text": text, "base_version": 0, "why": "test"}).status_code == 200
    run = shop.http.post("/strata/v1/flows/both/runs", json={"input": {"store": store}}).json()["id"]
    while (view := shop.http.get(f"/strata/v1/runs/{run}").json())["state"] in ("queued", "running"):
        time.sleep(0.02)
    assert view["state"] == "succeeded", view["error"]
    assert "below ten euros" in view["result"]["rule"] and view["result"]["orders"] == [["Ada", 500], ["Ada", 700], ["Bo", 900]]
