"""Traces through the public API: trees of spans, content by setting, replay, export to a collector, prices and usage."""
import http.server
import json
import os
import sqlite3
import threading
import time

import pytest

from conftest import Server, cli_json, run_cli, upload_handbook


def flat(tree):
    for span in tree:
        yield span
        yield from flat(span["children"])


def trace_of(http, response):
    """The trace of a response; its root ends after the last byte was sent, so it may take a moment."""
    deadline = time.monotonic() + 20
    while True:
        found = http.get(f"/strata/v1/traces/{response.headers['x-trace-id']}")
        if found.status_code == 200 and found.json()["name"] != "(running)":
            return found.json()
        assert time.monotonic() < deadline, found.text
        time.sleep(0.05)


def chat(http, text, **more):
    response = http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": text}], "max_tokens": 12, "seed": 7, **more})
    assert response.status_code == 200, response.text
    return response


@pytest.fixture(scope="module")
def open_server(new_folder):
    """One that keeps content."""
    running = Server(new_folder() / "data")
    assert running.http.patch("/strata/v1/traces/settings", json={"content": True}).json()["content"] is True
    yield running
    running.stop()


def test_a_chat_is_a_tree_with_tokens_and_times(http):
    trace = trace_of(http, chat(http, "Say hello."))
    assert trace["name"] == "POST /v1/chat/completions" and trace["route"] == "/v1/chat/completions"
    assert trace["status"] == "ok" and trace["http_status"] == 200 and trace["model_calls"] == 1
    (root,) = trace["tree"]
    assert root["kind"] == "server" and root["parent_id"] is None
    (call,) = [span for span in flat(trace["tree"]) if span["name"].startswith("chat ")]
    attributes = call["attributes"]
    assert call["parent_id"] == root["id"]
    assert attributes["gen_ai.operation.name"] == "chat" and attributes["gen_ai.provider.name"] == "strata"
    assert attributes["gen_ai.usage.output_tokens"] == trace["output_tokens"] > 0
    assert attributes["gen_ai.usage.input_tokens"] == trace["input_tokens"] > 0
    assert attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert attributes["gen_ai.request.seed"] == 7
    assert 0 <= call["start_ms"] and call["start_ms"] + call["duration_ms"] <= root["duration_ms"] + 1


def test_without_the_setting_no_word_of_prompt_or_answer_is_stored(http, server):
    trace = trace_of(http, chat(http, "The secret word is rhubarbarian."))
    assert all(not span["content"] and not span["replayable"] for span in flat(trace["tree"]))
    for path in server.data.glob("telemetry.db*"):
        assert b"rhubarbarian" not in path.read_bytes()
    refused = http.post(f"/strata/v1/traces/{trace['id']}/replay", json={})
    assert refused.status_code == 409 and "content" in refused.json()["error"]["message"]


def test_a_grounded_answer_shows_its_stages_and_links_both_ways(http, handbook):
    response = http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "How many days of annual leave?"}],
                                                       "tools": [{"type": "file_search", "vector_store_ids": [handbook]}]})
    answer_id = response.json()["choices"][0]["message"]["strata"]["answer_id"]
    trace = trace_of(http, response)
    assert trace["answer_id"] == answer_id
    assert http.get(f"/strata/v1/answers/{answer_id}").json()["trace_id"] == trace["id"]
    names = [span["name"] for span in flat(trace["tree"])]
    for name in ["answer", "retrieval", "retrieval embed", "retrieval keyword", "retrieval vector", "retrieval fusion", "ground select"]:
        assert name in names, names
    ids = {span["id"]: span for span in flat(trace["tree"])}
    (stage,) = [span for span in ids.values() if span["name"] == "retrieval keyword"]
    assert ids[stage["parent_id"]]["name"] == "retrieval"


def test_ingestion_is_a_trace_of_its_steps(http, handbook):
    jobs = http.get("/strata/v1/traces", params={"job_kind": "ingest", "limit": 50}).json()["data"]
    assert jobs
    told = [[span["name"] for span in flat(http.get(f"/strata/v1/traces/{row['id']}").json()["tree"])] for row in jobs]
    whole = [names for names in told if any(name.startswith("embeddings ") for name in names)]  # a file known already needs no embedding
    assert whole and all(any(name.startswith("step ") for name in names) for names in whole), told


def test_traceparent_is_continued_and_nonsense_is_not(http):
    mine = "0af7651916cd43dd8448eb211c80319c"
    response = http.post("/v1/chat/completions", headers={"traceparent": f"00-{mine}-b7ad6b7169203331-01"},
                         json={"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2})
    assert response.headers["x-trace-id"] == mine
    trace = trace_of(http, response)
    assert trace["tree"][0]["parent_id"] == "b7ad6b7169203331"
    for wrong in ["", "00-" + "0" * 32 + "-b7ad6b7169203331-01", mine, "00-" + mine.upper() + "-b7ad6b7169203331-01"]:
        other = http.post("/v1/chat/completions", headers={"traceparent": wrong}, json={"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2})
        assert other.status_code == 200 and other.headers["x-trace-id"] != mine


def test_a_tool_that_is_called_without_a_flow_has_a_span(http):
    called = http.post("/strata/v1/tools/calculator/call", json={"arguments": {"expression": "6*7"}})
    (span,) = [span for span in flat(trace_of(http, called)["tree"]) if span["name"] == "execute_tool calculator"]
    attributes = span["attributes"]
    assert attributes["gen_ai.operation.name"] == "execute_tool" and attributes["gen_ai.tool.name"] == "calculator"
    assert attributes["strata.tool.outcome"] == "done" and attributes["strata.tool.arguments_bytes"] == len('{"expression":"6*7"}')
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "calculator", "arguments": {"expression": "1/0"}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"}, "io.modelcontextprotocol/clientCapabilities": {}}}}
    asked = http.post("/mcp", json=request, headers={"accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "calculator"})
    assert asked.status_code == 200, asked.text
    (span,) = [span for span in flat(trace_of(http, asked)["tree"]) if span["name"] == "execute_tool calculator"]
    assert span["attributes"]["strata.tool.outcome"] == "failed" and span["attributes"]["strata.tool.untrusted"] is True


def test_search_and_pages(http):
    for _ in range(3):
        trace_of(http, chat(http, "Count."))
    trace_of(http, http.post("/v1/chat/completions", json={"messages": "no list"}))
    first = http.get("/strata/v1/traces", params={"route": "/v1/chat/completions", "limit": 2}).json()
    assert first["has_more"] and len(first["data"]) == 2
    second = http.get("/strata/v1/traces", params={"route": "/v1/chat/completions", "limit": 2, "after": first["last_id"]}).json()
    assert not {row["id"] for row in first["data"]} & {row["id"] for row in second["data"]}
    assert first["data"][-1]["started_at"] >= second["data"][0]["started_at"]
    assert http.get("/strata/v1/traces", params={"min_ms": 1e9}).json()["data"] == []
    assert http.get("/strata/v1/traces", params={"to": 1}).json()["data"] == []
    model = first["data"][0]["models"] or second["data"][0]["models"]
    assert all(model[0] in row["models"] for row in http.get("/strata/v1/traces", params={"model": model[0]}).json()["data"])
    assert http.get("/strata/v1/traces", params={"text": "no such words here"}).json()["data"] == []
    wrong = http.get("/strata/v1/traces", params={"rout": "x"}).json()["error"]
    assert wrong["param"] == "rout" and "route" in wrong["message"]
    assert http.get("/strata/v1/traces", params={"status": "bad"}).status_code == 400
    assert http.get("/strata/v1/traces/none").status_code == 404


def test_reads_that_go_well_leave_no_trace(http):
    before = http.get("/strata/v1/traces", params={"route": "/v1/models"}).json()["data"]
    http.get("/v1/models")
    assert http.get("/strata/v1/traces", params={"route": "/v1/models"}).json()["data"] == before


def test_a_call_replays_to_the_same_tokens_and_two_traces_differ(open_server):
    http = open_server.http
    one = trace_of(http, chat(http, "Name a colour.", temperature=0.9))
    (call,) = [span for span in flat(one["tree"]) if span["name"].startswith("chat ")]
    assert call["replayable"]
    assert call["content"]["gen_ai.input.messages"] == [{"role": "user", "parts": [{"type": "text", "content": "Name a colour."}]}]
    assert call["content"]["gen_ai.output.messages"][0]["parts"][0]["content"]
    replay = http.post(f"/strata/v1/traces/{one['id']}/replay", json={}).json()
    assert replay["same"] is True and replay["calls"][0]["tokens"] > 0
    shown = run_cli("trace", "replay", one["id"], "--server", open_server.url)
    assert "the same" in shown.stdout
    # Nobody asked for a receipt: the answer has none.
    assert "strata" not in chat(http, "Name a colour.").json()["choices"][0]["message"]
    two = trace_of(http, chat(http, "Name a river.", temperature=0.9))
    diff = http.get("/strata/v1/traces/diff", params={"a": one["id"], "b": two["id"]}).json()
    (row,) = [row for row in diff["spans"] if "chat " in row["place"]]
    assert row["in"] == "both" and "gen_ai.input.messages" in {change["key"] for change in row["changes"]}
    found = http.get("/strata/v1/traces", params={"text": "river"}).json()["data"]
    assert [r["id"] for r in found] == [two["id"]]


def test_a_changed_receipt_is_said_to_differ(open_server):
    http = open_server.http
    trace = trace_of(http, chat(http, "Name a fruit."))
    database = sqlite3.connect(open_server.data / "telemetry.db")
    (text,) = database.execute("SELECT receipt FROM spans WHERE trace_id = ? AND receipt IS NOT NULL", (trace["id"],)).fetchone()
    receipt = json.loads(text)
    receipt["output"][0] += 1
    database.execute("UPDATE spans SET receipt = ? WHERE trace_id = ? AND receipt IS NOT NULL", (json.dumps(receipt), trace["id"]))
    database.commit()
    database.close()
    replay = http.post(f"/strata/v1/traces/{trace['id']}/replay", json={}).json()
    assert replay["same"] is False and replay["calls"][0]["first_difference"] == 0
    assert run_cli("trace", "replay", trace["id"], "--server", open_server.url, check=False).returncode == 1


def test_a_receipt_of_another_cache_format_is_said_to_be_of_it(open_server):
    http = open_server.http
    trace = trace_of(http, chat(http, "Name a tree."))
    database = sqlite3.connect(open_server.data / "telemetry.db")
    (text,) = database.execute("SELECT receipt FROM spans WHERE trace_id = ? AND receipt IS NOT NULL", (trace["id"],)).fetchone()
    receipt = json.loads(text)
    receipt["output"][0] += 1
    receipt["kv_cache"] = "q8"
    database.execute("UPDATE spans SET receipt = ? WHERE trace_id = ? AND receipt IS NOT NULL", (json.dumps(receipt), trace["id"]))
    database.commit()
    database.close()
    replay = http.post(f"/strata/v1/traces/{trace['id']}/replay", json={}).json()
    (call,) = replay["calls"]
    assert call["same"] is None and "q8" in call["difference"] and "f16" in call["difference"] and "engine.kv_cache" in call["difference"]


def test_a_prompt_of_token_ids_leaves_no_receipt_behind(open_server):
    http = open_server.http
    reply = http.post("/v1/completions", json={"prompt": [5, 6, 7, 8], "max_tokens": 4, "receipt": True, "stop": ["anna.kowalski@example.org"]})
    assert reply.status_code == 200 and reply.json()["strata"]["receipt"]["prompt"] == [5, 6, 7, 8]
    trace = trace_of(http, reply)
    calls = [span for span in flat(trace["tree"]) if span["name"].startswith("text_completion ")]
    assert len(calls) == 1 and not calls[0]["replayable"] and "anna.kowalski" not in json.dumps(trace)


def test_personal_data_is_masked_before_it_is_stored(open_server):
    http = open_server.http
    trace = trace_of(http, chat(http, "Write to\nanna.kowalski@example.org today."))
    (call,) = [span for span in flat(trace["tree"]) if span["name"].startswith("chat ")]
    assert call["content"]["gen_ai.input.messages"][0]["parts"][0]["content"] == "Write to\n[email] today."
    assert not call["replayable"] and "withheld" in call["attributes"]["strata.receipt"]
    for path in open_server.data.glob("telemetry.db*"):
        assert b"kowalski@" not in path.read_bytes()


def test_prices_make_costs(fresh_server):
    http = fresh_server.http
    model = http.get("/v1/models").json()["data"][0]["id"]
    trace = trace_of(http, chat(http, "Hello"))
    assert trace["cost"] is None
    wrong = http.put("/strata/v1/prices", json={"text": f'[models."{model}"]\ninptu = 2\n'})
    assert wrong.status_code == 400 and "input" in wrong.json()["error"]["message"]
    table = http.put("/strata/v1/prices", json={"text": f'currency = "EUR"\n[models."{model}"]\ninput = 2\noutput = 10\n'}).json()
    assert table["models"][model] == {"input": 2.0, "cached": 2.0, "output": 10.0}
    trace = trace_of(http, chat(http, "Hello"))
    assert trace["cost"] == pytest.approx((2 * trace["input_tokens"] + 10 * trace["output_tokens"]) / 1e6)
    http.put("/strata/v1/prices", json={"text": "[local]\ncpu_hour = 3600\n"})   # a core's second costs 1
    trace = trace_of(http, chat(http, "Hello again"))
    usage = http.get("/strata/v1/usage", params={"by": "model"}).json()
    (row,) = [row for row in usage["data"] if row["key"] == model]
    assert row["calls"] == 3 and row["unpriced_calls"] == 1 and row["cost"] > trace["cost"] > 0
    assert usage["total"]["calls"] == 3
    days = http.get("/strata/v1/usage").json()["data"]
    assert len(days) == 1 and days[0]["calls"] == 3
    # The spend outlives the process and the traces.
    http.delete("/strata/v1/traces")
    assert http.get("/strata/v1/traces").json()["data"] == []
    fresh_server.stop()
    fresh_server.start()
    again = fresh_server.http.get("/strata/v1/usage", params={"by": "model"}).json()
    assert again["data"][0]["calls"] == 3 and fresh_server.http.get("/strata/v1/prices").json()["local"]["cpu_hour"] == 3600
    assert cli_json("usage", "--by", "model", "--server", fresh_server.url)["total"]["calls"] == 3


def test_spend_is_by_product(fresh_server):
    http = fresh_server.http
    http.post("/strata/v1/products", json={"id": "desk", "name": "Desk"})
    conversation = http.post("/strata/v1/products/desk/conversations", json={}).json()["id"]
    response = http.post(f"/strata/v1/conversations/{conversation}/messages", json={"content": "Hello there"})
    trace = trace_of(http, response)
    assert trace["product"] == "desk"
    rows = {row["key"]: row for row in http.get("/strata/v1/usage", params={"by": "product"}).json()["data"]}
    assert rows["desk"]["calls"] == 1
    assert [row["id"] for row in http.get("/strata/v1/traces", params={"product": "desk", "text": "messages"}).json()["data"]] == [trace["id"]]


def test_a_damaged_trace_database_is_set_aside(fresh_server):
    chat(fresh_server.http, "Hello")
    fresh_server.stop()
    for path in fresh_server.data.glob("telemetry.db-*"):
        path.unlink()
    (fresh_server.data / "telemetry.db").write_bytes(b"no database at all" * 1000)
    fresh_server.start()
    trace = trace_of(fresh_server.http, chat(fresh_server.http, "Hello"))
    assert trace["status"] == "ok"
    assert (fresh_server.data / "telemetry.db.damaged").read_bytes().startswith(b"no database")
    assert b"store.set_aside" in (fresh_server.data.parent / "server.log").read_bytes()


def test_old_traces_go_by_size(fresh_server):
    http = fresh_server.http
    http.patch("/strata/v1/traces/settings", json={"content": True})
    for _ in range(6):
        trace_of(http, http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "word " * 1500}], "max_tokens": 1}))
    kept = http.get("/strata/v1/traces").json()["data"]
    assert len(kept) >= 6
    assert http.patch("/strata/v1/traces/settings", json={"keep_mb": 0}).status_code == 400
    newest = kept[0]["id"]
    http.delete("/strata/v1/traces", params={"before": kept[0]["started_at"]})
    assert [row["id"] for row in http.get("/strata/v1/traces").json()["data"]][-1:] == [newest]


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def collector():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    made.got, made.statuses = [], []
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()


def exported(collector, trace_id, parse):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        spans = [span for _, headers, body in list(collector.got) for span in parse(headers, body) if span.trace_id.hex() == trace_id]
        if any(span.name.startswith("POST ") for span in spans):
            return spans
        time.sleep(0.1)
    raise AssertionError([path for path, _, _ in collector.got])


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_spans_reach_an_opentelemetry_collector(fresh_server, collector, form):
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    from google.protobuf import json_format
    http = fresh_server.http
    collector.statuses = [503]   # busy once: tried again
    settings = http.patch("/strata/v1/traces/settings", json={"export_url": f"http://127.0.0.1:{collector.server_port}", "export_format": form,
                                                              "export_header": "Authorization: Bearer not-for-logs"}).json()
    assert settings["has_export_header"] and "not-for-logs" not in json.dumps(settings)
    trace = trace_of(http, chat(http, "Hello collector"))

    def parse(headers, body):
        request = service.ExportTraceServiceRequest()
        assert headers["authorization" if "authorization" in headers else "Authorization"] == "Bearer not-for-logs"
        if form == "protobuf":
            assert headers.get("content-type", headers.get("Content-Type")) == "application/x-protobuf"
            request.ParseFromString(body)
        else:
            document = json.loads(body)   # OTLP's JSON writes ids as hex where protobuf's own mapping has base64
            for resource in document["resourceSpans"]:
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        for key in ["traceId", "spanId", "parentSpanId"]:
                            if key in span:
                                import base64
                                span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
            json_format.ParseDict(document, request)
        (resource,) = request.resource_spans
        names = {a.key: a.value.string_value for a in resource.resource.attributes}
        assert names["service.name"] == "strata"
        return list(resource.scope_spans[0].spans)

    spans = exported(collector, trace["id"], parse)
    assert collector.got[0][0] == "/v1/traces"
    by_name = {span.name: span for span in spans}
    root = next(span for name, span in by_name.items() if name.startswith("POST "))
    call = next(span for name, span in by_name.items() if name.startswith("chat "))
    assert root.kind == 2 and call.kind == 1 and call.parent_span_id == root.span_id
    assert root.start_time_unix_nano <= call.start_time_unix_nano < call.end_time_unix_nano <= root.end_time_unix_nano + 1_000_000
    attributes = {a.key: a.value for a in call.attributes}
    assert attributes["gen_ai.usage.output_tokens"].int_value == trace["output_tokens"]
    assert attributes["gen_ai.response.finish_reasons"].array_value.values[0].string_value in ("stop", "length")
    assert attributes["gen_ai.request.temperature"].double_value == 1.0
    assert len({span.span_id for span in spans}) == len(spans)


def test_a_collector_that_is_away_costs_no_request(fresh_server):
    http = fresh_server.http
    http.patch("/strata/v1/traces/settings", json={"export_url": "http://127.0.0.1:9"})
    for _ in range(3):
        chat(http, "Hello")
    assert "strata:spans_dropped_total" in http.get("/metrics").text


def test_the_command_line_lists_and_shows(open_server):
    trace = trace_of(open_server.http, chat(open_server.http, "Show me"))
    rows = cli_json("trace", "list", "--server", open_server.url)["data"]
    assert trace["id"] in {row["id"] for row in rows}
    shown = run_cli("trace", "show", trace["id"], "--server", open_server.url).stdout
    assert "POST /v1/chat/completions" in shown and "tokens" in shown
