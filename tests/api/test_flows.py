"""Flows through the public API: the shipped chains on the real model, approvals across kill -9, signed webhooks in and out, streams."""
import base64
import hashlib
import hmac
import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

API = "/strata/v1"


def save(http, name, text, base=0):
    answer = http.put(f"{API}/flows/{name}", json={"text": text, "base_version": base, "why": "test"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def start(http, name, **body):
    answer = http.post(f"{API}/flows/{name}/runs", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def until(http, run, ready):
    while True:
        view = http.get(f"{API}/runs/{run}").json()
        if ready(view):
            return view
        time.sleep(0.02)


def ended(view):
    return view["state"] in ("succeeded", "failed", "cancelled")


def sign(secret, ident, stamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, f"{ident}.{stamp}.{body}".encode(), hashlib.sha256).digest()).decode()


@pytest.mark.parametrize("name", ["classify-answer-save", "classify-summarize-json"])
def test_the_two_chains_run_on_the_model_that_ships(http, handbook, name):
    text = next(t["text"] for t in http.get(f"{API}/flow_templates").json()["data"] if t["name"] == name)
    save(http, name, text)
    run = start(http, name, input={"question": "How many weeks of parental leave are there?", "bases": [handbook]})
    view = until(http, run, ended)
    assert view["state"] == "succeeded", view["error"]
    assert view["result"]["category"] in ("question", "complaint", "request", "other", "facts", "how_to", "opinion")
    assert "leave.md" in view["result"]["sources"]
    assert view["totals"]["tokens"] > 0
    steps = {s["path"]: s for s in view["steps"]}
    assert steps["call_llm"]["usage"]["completion_tokens"] > 0
    impact = http.get(f"{API}/flows/{name}/impact").json()
    assert {s["step"] for s in impact["steps"]} == set(steps)


def test_a_mistake_names_line_path_and_the_nearest_name(http):
    answer = http.post(f"{API}/flows/check", json={"text": "flow: a\nsteps:\n  - {id: x, kind: modle, prompt: hi}\n"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == "steps[0].kind"
    assert "line 3" in error["message"] and "did you mean 'model'" in error["message"]
    save(http, "spelled", "flow: spelled\nsteps:\n  - {id: r, kind: respond, result: 1}\n")
    missing = http.get(f"{API}/flows/speled")
    assert missing.status_code == 404 and "did you mean 'spelled'" in missing.json()["error"]["message"]
    wrong = http.post(f"{API}/flows/spelled/runs", json={"inputs": {}})
    assert wrong.status_code == 400 and "input" in wrong.json()["error"]["message"]


def test_the_same_key_is_the_same_run_and_another_base_version_is_a_conflict(http):
    save(http, "keyed", "flow: keyed\nsteps:\n  - {id: r, kind: respond, result: one}\n")
    assert start(http, "keyed", key="k1") == start(http, "keyed", key="k1")
    assert start(http, "keyed", key="k2") != start(http, "keyed", key="k1")
    conflict = http.put(f"{API}/flows/keyed", json={"text": "flow: keyed\nsteps:\n  - {id: r, kind: respond, result: two}\n", "base_version": 7})
    assert conflict.status_code == 409


APPROVAL = """flow: ask
input: {sum: integer}
steps:
  - {id: ask, kind: approval, message: "Pay {{ input.sum }}?", args: {sum: "{{ input.sum }}"}}
  - {id: r, kind: respond, result: "{{ steps.ask }}"}
"""


def test_an_approval_waits_through_kill_9_and_its_edit_is_what_counts(fresh_server):
    http = fresh_server.http
    save(http, "ask", APPROVAL)
    run = start(http, "ask", input={"sum": 500})
    until(http, run, lambda v: v["waits_for"] == "approval")
    fresh_server.kill9()
    fresh_server.start()
    http = fresh_server.http
    (asked,) = http.get(f"{API}/approvals?state=pending").json()["data"]
    assert asked["run_id"] == run and asked["arguments"] == {"sum": 500}
    refused = http.post(f"{API}/approvals/{asked['id']}/decide", json={"decision": "edit"})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "arguments"
    decided = http.post(f"{API}/approvals/{asked['id']}/decide", json={"decision": "edit", "arguments": {"sum": 80}, "reason": "half came back"})
    assert decided.status_code == 200, decided.text
    view = until(http, run, ended)
    assert view["result"]["arguments"] == {"sum": 80}
    found = http.get(f"{API}/decisions?kind=approval_decided&q=half came back").json()["data"]
    assert [d["run_id"] for d in found] == [run]
    again = http.post(f"{API}/approvals/{asked['id']}/decide", json={"decision": "accept"})
    assert again.status_code == 409 or again.status_code == 400


KILLED = """flow: killed
input: {n: integer}
state: {total: {type: integer, default: 0}, parts: array}
steps:
  - {id: add, kind: set, values: {total: "{{ state.total + input.n }}"}}
  - {id: again, kind: condition, cases: [{when: "state.total < 20 * input.n", next: add, reason: "{{ state.total }}"}]}
  - {id: nap, kind: wait, for_s: 0.05}
  - id: each
    kind: map
    over: [1, 2, 3]
    steps: [{id: note, kind: record, type: noted, data: {item: "{{ item }}"}}]
    result: "{{ item * input.n }}"
    save: parts
  - {id: r, kind: respond, result: {total: "{{ state.total }}", parts: "{{ state.parts }}"}}
"""


def test_kill_9_at_any_moment_loses_and_doubles_nothing(fresh_server):
    chance = random.Random(5)
    http = fresh_server.http
    save(http, "killed", KILLED)
    runs = {}
    for crash in range(6):
        for _ in range(8):
            n = len(runs) + 1
            runs[start(http, "killed", input={"n": n}, key=str(n))] = n
        time.sleep(chance.uniform(0, 0.3))
        fresh_server.kill9()
        fresh_server.start()
        http = fresh_server.http
    for run, n in runs.items():
        view = until(http, run, ended)
        assert view["state"] == "succeeded", view["error"]
        assert view["result"] == {"total": 20 * n, "parts": [n, 2 * n, 3 * n]}
        events = http.get(f"{API}/runs/{run}/events?limit=1000").json()["data"]
        finished = [e["step"] for e in events if e["kind"] == "step_finished"]
        assert len(finished) == len(set(finished)) == 20 + 20 + 1 + 3 + 1 + 1
        assert [e["sequence"] for e in events] == list(range(1, len(events) + 1))
    assert len(http.get(f"{API}/flows/killed/runs?limit=1000").json()["data"]) == len(runs)


def test_a_signed_webhook_starts_one_run_and_others_none(http):
    save(http, "hooked", "flow: hooked\ninput: {order: object}\nsteps:\n  - {id: r, kind: respond, result: \"{{ input.order.id }}\"}\n")
    hook = http.post(f"{API}/flows/hooked/hooks", json={"input_field": "order"}).json()
    assert "secret" not in http.get(f"{API}/flows/hooked/hooks").json()["data"][0]
    body, stamp = json.dumps({"id": "A-17"}), int(time.time())

    def call(ident, stamp, body, signature):
        return http.post(hook["url"], content=body, headers={
            "content-type": "application/json", "webhook-id": ident, "webhook-timestamp": str(stamp), "webhook-signature": signature})

    first = call("msg_1", stamp, body, sign(hook["secret"], "msg_1", stamp, body))
    assert first.status_code == 200, first.text
    assert call("msg_1", stamp, body, sign(hook["secret"], "msg_1", stamp, body)).json() == first.json()
    assert until(http, first.json()["run_id"], ended)["result"] == "A-17"
    assert call("msg_2", stamp, body, sign(hook["secret"], "msg_1", stamp, body)).status_code == 401
    assert call("msg_3", stamp - 400, body, sign(hook["secret"], "msg_3", stamp - 400, body)).status_code == 401
    assert len(http.get(f"{API}/flows/hooked/runs").json()["data"]) == 1


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_events_are_posted_signed_to_who_asked_for_them(http):
    heard = []

    class Receiver(Quiet):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            heard.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    made = http.post(f"{API}/subscriptions", json={"url": f"http://127.0.0.1:{receiver.server_port}/in", "events": ["run_succeeded"]}).json()
    save(http, "told", "flow: told\nsteps:\n  - {id: r, kind: respond, result: done}\n")
    run = start(http, "told")
    until(http, run, ended)
    while not any(json.loads(body)["run_id"] == run for _, body in heard):
        time.sleep(0.05)
    headers, body = next((h, b) for h, b in heard if json.loads(b)["run_id"] == run)
    headers = {k.lower(): v for k, v in headers.items()}
    assert headers["webhook-signature"] == sign(made["secret"], headers["webhook-id"], headers["webhook-timestamp"], body)
    assert json.loads(body)["type"] == "run_succeeded" and json.loads(body)["data"]["result"] == "done"
    assert http.delete(f"{API}/subscriptions/{made['id']}").status_code == 200
    receiver.shutdown()


def test_a_run_is_watched_as_it_happens_and_taken_up_where_it_broke_off(server):
    http = server.http
    save(http, "watched", "flow: watched\nsteps:\n  - {id: w, kind: wait, signal: go}\n  - {id: r, kind: respond, result: \"{{ steps.w.data }}\"}\n")
    run = start(http, "watched")
    seen = []

    def watch(after):
        with httpx.stream("GET", f"{server.url}{API}/runs/{run}/events?stream=true", headers={"last-event-id": str(after)}, timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    seen.append(line[7:])
                if line == "data: [DONE]":
                    return
    until(http, run, lambda v: v["waits_for"] == "signal")
    watcher = threading.Thread(target=watch, args=(1,))
    watcher.start()
    http.post(f"{API}/runs/{run}/signals/go", json={"data": 7})
    watcher.join()
    assert seen == ["waiting", "signalled", "step_finished", "step_finished", "run_finished"]
    assert until(http, run, ended)["result"] == 7


def test_a_log_larger_than_a_client_may_leave_unread_is_streamed_and_paged_whole(server):
    http = server.http
    save(http, "large", "flow: large\nsteps:\n  - id: m\n    kind: map\n    over: \"{{ range(12) | list }}\"\n    result: 1\n    steps:\n"
                        "      - {id: x, kind: set, value: \"{{ 'x' * 600000 }}\"}\n")
    run = start(http, "large")
    assert until(http, run, ended)["state"] == "succeeded"
    streamed = []
    with httpx.stream("GET", f"{server.url}{API}/runs/{run}/events?stream=true", timeout=60) as stream:
        for line in stream.iter_lines():
            if line.startswith("id: "):
                streamed.append(int(line[4:]))
            if line == "data: [DONE]":
                break
    paged, pages, more = [], 0, True
    while more:
        page = http.get(f"{API}/runs/{run}/events", params={"after": paged[-1] if paged else 0, "limit": 1000}).json()
        paged += [e["sequence"] for e in page["data"]]
        pages, more = pages + 1, page["has_more"]
    assert streamed == paged == list(range(1, len(paged) + 1)) and len(paged) > 12
    assert pages > 1


def test_the_jobs_route_takes_a_run_up_as_the_runs_route_does(http):
    save(http, "again", "flow: again\nsteps:\n  - {id: ask, kind: approval, message: Go on?}\n  - {id: r, kind: respond, result: done}\n")
    run = start(http, "again")
    until(http, run, lambda v: v["waits_for"] == "approval")
    assert http.post(f"{API}/runs/{run}/cancel", json={}).status_code == 200
    until(http, run, ended)
    assert http.post(f"{API}/jobs/{run}/retry").status_code == 200
    until(http, run, lambda v: v["waits_for"] == "approval")
    assert http.get(f"{API}/decisions", params={"run": run, "kind": "retried"}).json()["data"]
    ask = http.get(f"{API}/approvals", params={"run": run, "state": "pending"}).json()["data"]
    assert len(ask) == 1
    assert http.post(f"{API}/approvals/{ask[0]['id']}/decide", json={"decision": "accept"}).status_code == 200
    assert until(http, run, ended)["result"] == "done"


def test_pause_resume_fork_cancel(http):
    save(http, "held", "flow: held\nstate: {a: {type: integer, default: 1}}\nsteps:\n  - {id: w, kind: wait, signal: go}\n  - {id: r, kind: respond, result: \"{{ state.a }}\"}\n")
    run = start(http, "held")
    until(http, run, lambda v: v["waits_for"] == "signal")
    http.post(f"{API}/runs/{run}/pause", json={"reason": "hold on"})
    http.post(f"{API}/runs/{run}/signals/go", json={})
    assert until(http, run, lambda v: v["state"] == "waiting")["waits_for"] == "paused"
    http.post(f"{API}/runs/{run}/resume", json={})
    assert until(http, run, ended)["result"] == 1
    forked = http.post(f"{API}/runs/{run}/fork", json={"step": "r", "values": {"a": 5}}).json()
    assert forked["parent"] == run
    assert until(http, forked["id"], ended)["result"] == 5
    other = start(http, "held")
    until(http, other, lambda v: v["waits_for"] == "signal")
    assert http.post(f"{API}/runs/{other}/cancel", json={"reason": "no more"}).status_code == 200
    assert until(http, other, ended)["state"] == "cancelled"


def test_runs_are_found_by_their_state(http):
    save(http, "states", "flow: states\ninput: {wait: boolean}\nsteps:\n  - {id: which, kind: condition, cases: [{when: input.wait, next: w}], else: r}\n"
                         "  - {id: w, kind: wait, signal: go}\n  - {id: r, kind: respond, result: 1}\n")
    done, held = start(http, "states", input={"wait": False}), start(http, "states", input={"wait": True})
    until(http, done, ended)
    until(http, held, lambda v: v["waits_for"] == "signal")
    assert [r["id"] for r in http.get(f"{API}/flows/states/runs?state=waiting").json()["data"]] == [held]
    assert [r["id"] for r in http.get(f"{API}/runs?state=succeeded&limit=1000").json()["data"] if r["flow"] == "states"] == [done]
    wrong = http.get(f"{API}/runs?state=asleep")
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "state"


def test_edited_arguments_are_held_to_the_tools_schema_before_the_run_goes_on(http):
    save(http, "sums", "flow: sums\nsteps:\n  - {id: ask, kind: approval, message: ok?, tool: calculator, args: {expression: 1 + 1}}\n"
                       "  - {id: r, kind: respond, result: \"{{ steps.ask.result.value }}\"}\n")
    run = start(http, "sums")
    until(http, run, lambda v: v["waits_for"] == "approval")
    (asked,) = http.get(f"{API}/approvals?run={run}").json()["data"]
    wrong = http.post(f"{API}/approvals/{asked['id']}/decide", json={"decision": "edit", "arguments": {"expresion": "2 + 2"}})
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "arguments" and "expression" in wrong.json()["error"]["message"]
    assert http.get(f"{API}/approvals/{asked['id']}").json()["state"] == "pending"
    right = http.post(f"{API}/approvals/{asked['id']}/decide", json={"decision": "edit", "arguments": {"expression": "2 + 2"}})
    assert right.status_code == 200, right.text
    assert until(http, run, ended)["result"] == 4


def test_a_schedule_knows_its_next_time(http):
    save(http, "daily", "flow: daily\nsteps:\n  - {id: r, kind: respond, result: 1}\n")
    made = http.post(f"{API}/flows/daily/schedules", json={"cron": "30 6 * * mon-fri"}).json()
    when = time.gmtime(made["next_at"])
    assert (when.tm_hour, when.tm_min) == (6, 30) and when.tm_wday < 5
    assert http.get(f"{API}/flows/daily/schedules").json()["data"][0]["enabled"] is True
    assert http.delete(f"{API}/schedules/{made['id']}").status_code == 200
    wrong = http.post(f"{API}/flows/daily/schedules", json={"cron": "61 * * * *"})
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "cron"
