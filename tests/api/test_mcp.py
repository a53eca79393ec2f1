"""The Model Context Protocol, both sides, checked with the `mcp` SDK: as a client of this platform, and as servers whose tools it uses."""
import asyncio
import json
import os
import pathlib
import subprocess
import sys
import sysconfig
import threading
import time

import httpx
import pytest
from mcp import Client, StdioServerParameters

from conftest import MODELS, ROOT, STRATA, run_cli

FIXTURE = ROOT / "tests/fixtures/mcp_server.py"
MODES = ["2026-07-28", "legacy"]


def run(client, work):
    async def main():
        async with client as connected:
            return await work(connected)

    return asyncio.run(asyncio.wait_for(main(), 60))


def raw(server, message, **headers):
    return server.http.post("/mcp", json=message, headers={"accept": "application/json, text/event-stream", **headers})


# ---- This platform as a server -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_lists_and_calls_our_tools(server, mode):
    async def work(client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"calculator", "search_documents", "run_python"} <= set(tools)
        assert tools["calculator"].annotations.read_only_hint and tools["calculator"].output_schema["type"] == "object"
        answer = await client.call_tool("calculator", {"expression": "6*7"})
        assert answer.structured_content["value"] == 42 and not answer.is_error
        wrong = await client.call_tool("calculator", {"expression": "sqr(2)"})
        assert wrong.is_error and "sqrt" in wrong.content[0].text
        with pytest.raises(Exception, match="no tool 'calculatr'"):
            await client.call_tool("calculatr", {})

    run(Client(server.url + "/mcp", mode=mode), work)


def test_documents_are_resources(server, handbook):
    async def work(client):
        resources = (await client.list_resources()).resources
        leave = next(one for one in resources if one.name == "leave.md")
        text = (await client.read_resource(str(leave.uri))).contents[0].text
        assert "27 days of paid annual leave" in text
        with pytest.raises(Exception):
            await client.read_resource("strata://documents/doc_none")

    run(Client(server.url + "/mcp"), work)


def test_a_legacy_session_ends_with_delete_and_foreign_pages_are_refused(server):
    begun = raw(server, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
    session = {"mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert raw(server, ping, **session).json() == {"jsonrpc": "2.0", "id": 2, "result": {}}
    assert server.http.delete("/mcp", headers=session).status_code == 204
    assert raw(server, ping, **session).status_code == 404
    assert raw(server, ping, origin="http://evil.example").status_code == 403
    assert raw(server, ping, host="evil.example").status_code == 403
    assert server.http.post("/mcp", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert server.http.get("/mcp").status_code == 405
    batch = raw(server, [ping])
    assert batch.status_code == 400 and batch.json()["error"]["code"] == -32600


@pytest.mark.parametrize("mode", MODES)
def test_the_sdk_reaches_us_over_standard_input(server, mode):
    program = StdioServerParameters(command=str(STRATA), args=["mcp", "serve", "--data", str(server.data), "--models", MODELS])

    async def work(client):
        assert "calculator" in {tool.name for tool in (await client.list_tools()).tools}
        assert (await client.call_tool("calculator", {"expression": "2^10"})).structured_content["value"] == 1024

    run(Client(program, mode=mode), work)


def test_standard_output_carries_messages_alone_and_bad_lines_are_answered(server):
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    lines = ["{", json.dumps({"jsonrpc": "2.0", "id": "a", "method": "server/discover", "params": {"_meta": meta}}), "",
             json.dumps({"jsonrpc": "2.0", "id": 7, "method": "no/such", "params": {"_meta": meta}})]
    process = subprocess.Popen([STRATA, "mcp", "serve", "--server", server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write("\n".join(lines) + "\n")
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(3)]
    process.stdin.close()
    assert process.wait(timeout=30) == 0 and process.stdout.read() == ""
    codes = {answer.get("id"): answer.get("error", {}).get("code") for answer in answers}
    assert codes == {None: -32700, "a": None, 7: -32601}


# ---- Other programs' tools ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def flag(new_folder):
    folder = new_folder()
    folder.chmod(0o777)
    return folder / "changed"


@pytest.fixture
def fixture_server(flag):
    started = []

    def start(kind):
        process = subprocess.Popen([sys.executable, FIXTURE, kind, str(flag)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.terminate()
        process.wait()


def add(server, name, url, **more):
    answer = server.http.post("/strata/v1/mcp/servers", json={"name": name, "url": url, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def approve(server, name, **more):
    shown = server.http.get(f"/strata/v1/mcp/servers/{name}").json()
    answer = server.http.post(f"/strata/v1/mcp/servers/{name}/approve", json={"hash": shown["hash"], **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def call(server, name, arguments, **more):
    answer = server.http.post(f"/strata/v1/tools/{name}/call", json={"arguments": arguments, **more})
    return answer.json()


@pytest.mark.parametrize("kind,protocol", [("http", "2026-07-28"), ("http-legacy", "2025-11-25")])
def test_an_sdk_servers_tools_are_ours_once_a_person_approved_them(fresh_server, fixture_server, kind, protocol):
    added = add(fresh_server, "fix", fixture_server(kind))
    assert added["state"] == "pending" and added["protocol"] == protocol and "add" in added["difference"]["added"]
    assert approve(fresh_server, "fix", reading=["add", "inject"], who="Ada")["state"] == "approved"
    done = call(fresh_server, "fix_add", {"a": 40, "b": 2}, untrusted=True)
    assert done["state"] == "done" and done["result"]["structuredContent"] == {"result": 42} and done["untrusted"]
    assert call(fresh_server, "fix_add", {"a": "x", "b": 2})["error"]["code"] == "invalid_arguments"
    assert call(fresh_server, "fix_test_error_handling", {})["error"]["code"] == "tool_error"
    assert call(fresh_server, "fix_slow", {"seconds": 0}, untrusted=True)["state"] == "needs_approval"
    assert call(fresh_server, "fix_inject", {})["untrusted"]


def test_a_risky_tool_over_mcp_runs_only_the_way_that_its_refusal_names(fresh_server, fixture_server):
    add(fresh_server, "fix", fixture_server("http"))
    approve(fresh_server, "fix")   # nobody said that any of its tools only reads
    http, sum_of = fresh_server.http, {"a": 40, "b": 2}

    def refused(**meta):
        async def work(client):
            return await client.call_tool("fix_add", sum_of, meta=meta or None)

        answer = run(Client(fresh_server.url + "/mcp"), work)
        assert answer.is_error
        return json.loads(answer.content[0].text)

    told = refused()
    assert told["state"] == "needs_approval" and "kind: approval" in told["error"]["message"] and "/strata/v1/approvals" in told["error"]["message"]
    assert "/strata/v1/approvals" in call(fresh_server, "fix_add", sum_of, untrusted=True)["error"]["message"]
    flow = "flow: ask\nsteps:\n  - {id: ask, kind: approval, message: Add?, tool: fix_add, args: {a: 40, b: 2}}\n  - {id: r, kind: respond, result: '{{ steps.ask.result }}'}\n"
    assert http.put("/strata/v1/flows/ask", json={"text": flow}).status_code == 200
    started = http.post("/strata/v1/flows/ask/runs", json={}).json()["id"]
    asked = []
    while not asked:
        asked = http.get("/strata/v1/approvals", params={"run": started, "state": "pending"}).json()["data"]
    assert refused(**{"strata/approvalId": asked[0]["id"]})["error"]["code"] == "approval_invalid"   # not granted yet, and not to this caller
    assert http.post(f"/strata/v1/approvals/{asked[0]['id']}/decide", json={"decision": "accept"}).status_code == 200
    view = {"state": ""}
    while view["state"] not in ("succeeded", "failed"):
        view = http.get(f"/strata/v1/runs/{started}").json()
    assert view["result"]["structuredContent"] == {"result": 42}, view
    assert refused(**{"strata/approvalId": asked[0]["id"]})["error"]["code"] == "approval_invalid"   # it was the run's, and is used up


def test_a_changed_list_is_withheld_until_a_person_approves_the_difference(fresh_server, fixture_server, flag):
    add(fresh_server, "fix", fixture_server("http"))
    approve(fresh_server, "fix", reading=["add"])
    assert call(fresh_server, "fix_add", {"a": 1, "b": 1})["state"] == "done"
    flag.touch()
    changed = fresh_server.http.post("/strata/v1/mcp/servers/fix/refresh").json()
    assert changed["state"] == "changed" and changed["tools"] == []
    assert changed["difference"]["added"] == ["extra"]
    field = changed["difference"]["changed"][0]["fields"][0]
    assert field["field"] == "description" and "evil.example" in field["after"]
    gone = fresh_server.http.post("/strata/v1/tools/fix_add/call", json={"arguments": {}})
    assert gone.status_code == 404
    stale = fresh_server.http.post("/strata/v1/mcp/servers/fix/approve", json={"hash": changed["approved_hash"]})
    assert stale.status_code == 409 and stale.json()["error"]["code"] == "list_changed"
    assert "fix_extra" in approve(fresh_server, "fix", reading=["add"])["tools"]
    assert call(fresh_server, "fix_add", {"a": 1, "b": 1})["state"] == "done"


def test_our_listeners_hear_of_it(fresh_server, fixture_server):
    heard, ready = threading.Event(), threading.Event()
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    message = {"jsonrpc": "2.0", "id": 5, "method": "subscriptions/listen", "params": {"_meta": meta, "notifications": {"toolsListChanged": True}}}

    def listen():
        headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen", "accept": "text/event-stream"}
        with httpx.stream("POST", fresh_server.url + "/mcp", json=message, headers=headers, timeout=60) as stream:
            for line in stream.iter_lines():
                if "acknowledged" in line:
                    ready.set()
                if "tools/list_changed" in line:
                    heard.set()
                    return

    thread = threading.Thread(target=listen)
    thread.start()
    assert ready.wait(60)
    add(fresh_server, "fix", fixture_server("http"))
    approve(fresh_server, "fix")
    assert heard.wait(60)
    thread.join()


def test_what_is_approved_is_there_after_a_restart_without_the_server(fresh_server, fixture_server):
    add(fresh_server, "fix", fixture_server("http"))
    approve(fresh_server, "fix", reading=["add"])
    fresh_server.kill9()
    fresh_server.start()
    assert call(fresh_server, "fix_add", {"a": 1, "b": 2})["result"]["structuredContent"] == {"result": 3}


def python_for_everyone():
    """An interpreter with our packages that also the unprivileged user of a server started as root may start."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{version}"):
        place = pathlib.Path(candidate).resolve()
        if os.geteuid() != 0 or (place.exists() and all(folder.stat().st_mode & 1 for folder in place.parents)):
            return candidate
    pytest.fail(f"no Python {version} that the user strata may start")


def test_a_program_is_named_by_the_administrator_alone(fresh_server, flag):
    refused = fresh_server.http.post("/strata/v1/mcp/servers", json={"name": "evil", "command": ["/bin/sh", "-c", "id"]})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "command"
    here = ["--data", str(fresh_server.data)]
    environment = dict(os.environ, FIX_KEY="s3cret")
    run_cli("mcp", "add", "fix", *here, "--env", "MODE=test", "--env", "PYTHONPATH=" + sysconfig.get_path("purelib"), "--secret", "API_KEY",
            "--command", python_for_everyone(), str(FIXTURE), "stdio", str(flag))
    subprocess.run([STRATA, "mcp", "secret", "fix", "API_KEY", "--from", "FIX_KEY", *here], env=environment, check=True)
    shown = json.loads(run_cli("mcp", "refresh", "fix", "--json", *here).stdout)
    assert shown["error"] is None and shown["state"] == "pending" and shown["transport"] == "stdio"
    assert "s3cret" not in json.dumps(shown) and "s3cret" not in (fresh_server.data / "mcp.json").read_text()
    run_cli("mcp", "approve", "fix", shown["hash"], "--reading", "environment", "--reading", "add", *here)
    assert call(fresh_server, "fix_environment", {"name": "API_KEY"})["result"]["content"][0]["text"] == "s3cret"
    assert call(fresh_server, "fix_environment", {"name": "MODE"})["result"]["content"][0]["text"] == "test"
    assert call(fresh_server, "fix_environment", {"name": "HOME"})["result"]["content"][0]["text"] == ""
    listed = run_cli("mcp", "list", *here).stdout
    assert "fix" in listed and "approved" in listed
    run_cli("mcp", "remove", "fix", *here)
    assert fresh_server.http.get("/strata/v1/mcp/servers").json()["data"] == []


def test_a_client_that_hangs_up_cancels_the_tool_behind_us(fresh_server, fixture_server, flag):
    add(fresh_server, "fix", fixture_server("http"))
    approve(fresh_server, "fix", reading=["slow"])
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(fresh_server.url + "/strata/v1/tools/fix_slow/call", json={"arguments": {"seconds": 600}}, timeout=2)
    deadline = time.monotonic() + 60
    while not flag.with_suffix(".cancelled").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_bad_input_is_told_how_to_mend_it(fresh_server):
    post = fresh_server.http.post
    assert post("/strata/v1/mcp/servers", json={"name": "Bad", "url": "http://localhost/"}).json()["error"]["param"] == "name"
    assert post("/strata/v1/mcp/servers", json={"name": "a", "url": "file:///etc"}).json()["error"]["param"] == "url"
    away = post("/strata/v1/mcp/servers", json={"name": "a", "url": "http://127.0.0.1:9/mcp"})
    assert away.status_code == 503 and fresh_server.http.get("/strata/v1/mcp/servers").json()["data"] == []
    assert fresh_server.http.get("/strata/v1/mcp/servers/a").status_code == 404
