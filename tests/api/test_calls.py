"""Calls that programs make on behalf of a product: recorded as its facts, and held to its live spec."""
import json
import time

import pytest

from conftest import wait_completed
from test_specs import make, ok

LISTS = "/strata/v1/products/{}/rows?list={}&limit=1000"


def headers(product, developer="ann", **more):
    return {"x-strata-product": product, "x-strata-developer": developer, **more}


def rows(http, product, name, kind=""):
    return ok(http.get(LISTS.format(product, name) + (f"&kind={kind}" if kind else "")))["data"]


def recorded(http, product, count):
    """What is recorded commits behind the answer: soon, and all of it."""
    for _ in range(600):
        found = rows(http, product, "calls")
        if len(found) >= count:
            assert len(found) == count
            return found
        time.sleep(0.05)
    raise AssertionError(f"{len(found)} calls of {count} recorded: {found}")


def plain_product(http, name):
    return ok(http.post("/strata/v1/products", json={"id": name, "name": name}))["id"]


def open_product(http, name, base, **changes):
    """A product that may say what it likes: no duty to cite, no review, nothing masked."""
    fields = {"requires_citations": "false", "human_review_required": "false", "pii_handling": "none", "data_residency": "null", "max_latency_seconds": "30",
              "knowledge_bases": f"[{base}]", **changes}
    return make(http, name, **fields)


def chat(http, product, content, base="", search=None, **more):
    body = {"messages": [{"role": "user", "content": content}], "max_completion_tokens": 8, **more}
    if base:
        body["tools"] = [{"type": "file_search", "vector_store_ids": [base], **(search or {})}]
    return http.post("/v1/chat/completions", json=body, headers=headers(product))


def message(reply):
    return ok(reply)["choices"][0]["message"]


def events_of(reply):
    assert reply.status_code == 200, reply.text
    return [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]


@pytest.fixture(scope="module")
def contacts(sdk):
    """A knowledge base that holds personal data."""
    store = sdk.vector_stores.create(name="Contacts")
    text = "# Service desk\n\nLost badges are reported to the service desk at help.desk@example.com or by phone at +49 30 901820.\n"
    file = sdk.files.create(file=("desk.md", text.encode()), purpose="user_data")
    sdk.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
    assert wait_completed(sdk, store.id).file_counts.completed == 1
    return store.id


# ---- what is recorded ----

def test_an_unknown_product_is_named_with_the_nearest(http, model):
    plain_product(http, "billing-desk")
    reply = chat(http, "biling-desk", "Hello")
    error = reply.json()["error"]
    assert reply.status_code == 400 and error["param"] == "x-strata-product"
    assert "'biling-desk'" in error["message"] and "did you mean 'billing-desk'?" in error["message"]
    reply = http.post("/v1/embeddings", json={"input": "x"}, headers=headers("billing-desk", **{"x-strata-environment": "prod"}))
    assert reply.status_code == 400 and reply.json()["error"]["param"] == "x-strata-environment"


def test_every_kind_of_call_is_a_fact_of_its_product(http, handbook, model):
    product = plain_product(http, "counted")
    said = ok(chat(http, product, "Say hello.", user="carl"))
    streamed = http.post("/v1/chat/completions", headers=headers(product),
                         json={"messages": [{"role": "user", "content": "Hi"}], "stream": True, "max_tokens": 4, "stream_options": {"include_usage": True}})
    usage = events_of(streamed)[-1]["usage"]
    ok(http.post("/v1/completions", json={"prompt": "One, two,", "max_tokens": 3}, headers=headers(product)))
    grounded = ok(http.post("/v1/responses", headers=headers(product, "bob", **{"x-strata-environment": "production"}), json={
        "input": "How long must passwords be?", "tools": [{"type": "file_search", "vector_store_ids": [handbook], "generate": False}]}))
    ok(http.post("/v1/embeddings", json={"input": ["a", "b"]}, headers=headers(product)))
    ok(http.post(f"/v1/vector_stores/{handbook}/search", json={"query": "passwords"}, headers=headers(product)))
    ok(http.post("/v1/embeddings", json={"input": "not of a product"}))
    calls = {call["route"]: call for call in recorded(http, product, 6)}
    assert set(calls) == {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/vector_stores/{}/search"}
    assert all(call["status"] == "ok" and call["http_status"] == 200 and call["total_ms"] > 0 for call in calls.values())
    chats = sorted((call for call in rows(http, product, "calls") if call["route"] == "/v1/chat/completions"), key=lambda call: call["end_user"] or "")
    assert [call["end_user"] for call in chats] == [None, "carl"]
    assert (chats[1]["prompt_tokens"], chats[1]["completion_tokens"]) == (said["usage"]["prompt_tokens"], said["usage"]["completion_tokens"])
    assert (chats[0]["prompt_tokens"], chats[0]["completion_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert chats[0]["model"] == model and 0 < chats[0]["first_text_ms"] <= chats[0]["total_ms"]
    assert calls["/v1/responses"]["answer_id"] == grounded["strata"]["answer_id"] and calls["/v1/responses"]["developer"] == "bob"
    assert calls["/v1/embeddings"]["prompt_tokens"] > 0
    outputs = rows(http, product, "outputs")
    assert len(outputs) == 4 and grounded["strata"]["answer_id"] in [output["id"] for output in outputs]
    assert {output["user"] for output in outputs} == {"carl", "ann", "bob"}
    steps = {(event["developer"], event["kind"]) for event in rows(http, product, "developer_events")}
    assert steps == {("ann", "first_call"), ("bob", "first_call"), ("bob", "production")}


def numbers(http, product, part):
    return {number["key"]: number["value"] for number in ok(http.get(f"/strata/v1/products/{product}/metrics"))[part]}


def test_developers_numbers_and_error_rates_come_from_calls_by_themselves(http, model):
    product = plain_product(http, "measured")
    ok(http.patch(f"/strata/v1/products/{product}/metrics/settings", json={"prompt_price": 1000, "completion_price": 2000}))
    ok(http.post(f"/strata/v1/products/{product}/developers", json={"developer": "ann", "kind": "signup"}))
    usage = ok(chat(http, product, "Say hello."))["usage"]
    assert chat(http, product, "Hi", model="no-such-model").status_code == 404
    bad = http.post("/v1/chat/completions", json={"mesages": []}, headers=headers(product, "bob"))
    assert bad.status_code == 400
    unreachable = {"id": "away", "base_url": "http://127.0.0.1:9/v1", "model": "x", "key": "k"}
    ok(http.post("/strata/v1/providers", json=unreachable))
    try:
        assert chat(http, product, "Hi", model="away").status_code >= 500
    finally:
        ok(http.delete("/strata/v1/providers/away"))
    recorded(http, product, 4)
    assert [call["http_status"] for call in rows(http, product, "calls", "client_error")] == [400, 404]
    technical, developer = numbers(http, product, "technical"), numbers(http, product, "developer")
    assert technical["error_rate_client_error"] == 0.5 and technical["error_rate_server_error"] == 0.25
    assert developer["active_developers"] == 2 and developer["api_calls"] == 4 and developer["production_integrations"] == 0
    assert developer["api_spend"] == pytest.approx((usage["prompt_tokens"] * 1000 + usage["completion_tokens"] * 2000) / 1e6)
    shown = ok(http.get(f"/strata/v1/products/{product}/rows?metric=api_calls"))
    assert len(shown["data"]) == 4 and shown["metric"]["rows"][0]["list"] == "calls"


def test_a_failed_turn_of_a_conversation_is_an_output_too(http, handbook):
    product = open_product(http, "Turns", handbook)
    conversation = ok(http.post(f"/strata/v1/products/{product}/conversations", json={}))["id"]
    assert http.post(f"/strata/v1/conversations/{conversation}/messages", json={"content": "Hi", "model": "none"}).status_code == 404
    assert http.post(f"/strata/v1/conversations/{conversation}/messages", json={"content": "How long must passwords be?", "generate": False}).status_code == 200
    for _ in range(200):
        found = sorted(output["status"] for output in rows(http, product, "outputs"))
        if len(found) == 2:
            break
        time.sleep(0.05)
    assert found == ["client_error", "ok"]
    assert rows(http, product, "calls") == []


def test_what_was_acknowledged_is_recorded_across_a_restart(fresh_server):
    http = fresh_server.http
    product = plain_product(http, "restarted")
    for i in range(20):
        ok(http.post("/v1/embeddings", json={"input": f"text {i}"}, headers=headers(product)))
    fresh_server.stop()
    fresh_server.start()
    assert len(rows(fresh_server.http, product, "calls")) == 20


# ---- the live spec ----

def test_redact_masks_questions_answers_citations_and_what_is_stored(http, contacts):
    product = open_product(http, "Redacting", contacts, pii_handling="redact")
    question = "I am ann@example.com. Where are lost badges reported?"
    answer = message(chat(http, product, question, contacts))
    assert "[email]" in answer["content"] and "[phone]" in answer["content"], answer["content"]
    assert answer["strata"]["pii"]["email"] == 1 and answer["strata"]["spec"]["pii"] == {"email": 1}
    why = ok(http.get(f"/strata/v1/answers/{answer['strata']['answer_id']}"))
    assert why["question"] == "I am [email]. Where are lost badges reported?"
    reply = http.post("/v1/responses", headers=headers(product), json={
        "input": question, "instructions": "Ask bob@example.com.", "stream": True, "include": ["file_search_call.results"],
        "tools": [{"type": "file_search", "vector_store_ids": [contacts], "mode": "classic"}], "max_output_tokens": 24})
    assert reply.status_code == 200
    stored = next(event for event in events_of(reply) if event["type"] == "response.completed" or event["type"] == "response.incomplete")["response"]
    assert stored["instructions"] == "Ask [email]."
    found = ok(http.post(f"/v1/vector_stores/{contacts}/search", json={"query": "help.desk@example.com"}, headers=headers(product)))
    for seen in (answer, why, reply.text, ok(http.get(f"/v1/responses/{stored['id']}")), found):
        text = json.dumps(seen)
        assert "@example.com" not in text and "901820" not in text
    assert "help.desk@example.com" in json.dumps(ok(http.post(f"/v1/vector_stores/{contacts}/search", json={"query": "lost badges"})))


def test_redact_masks_what_a_model_says_by_itself(http, model, handbook):
    product = open_product(http, "Redacting plainly", handbook, pii_handling="redact")
    prompt = "Mail ann@example.com, card 4111 1111 1111 1111."
    for stream in (False, True):
        reply = http.post("/v1/completions", json={"prompt": prompt, "echo": True, "max_tokens": 4, "stream": stream}, headers=headers(product))
        text = "".join(event["choices"][0]["text"] for event in events_of(reply)) if stream else ok(reply)["choices"][0]["text"]
        assert text.startswith("Mail [email], card [card].")
        assert "4111" not in reply.text
    for body, param in (({"prompt": [1, 2, 3]}, "prompt"), ({"prompt": "x", "logprobs": 1}, "logprobs"), ({"prompt": "x", "receipt": True}, "receipt")):
        reply = http.post("/v1/completions", json=body, headers=headers(product))
        assert reply.status_code == 400 and reply.json()["error"]["param"] == param and reply.json()["error"]["code"] == "pii_handling"
    assert chat(http, product, "Hi", logprobs=True).json()["error"]["param"] == "logprobs"
    said = message(chat(http, product, "I am ann@example.com"))
    assert said["strata"]["spec"]["pii"] == {"email": 1}


def test_allowed_is_kept_and_counted_and_none_is_not_looked_for(http, contacts):
    for handling, counted in (("allowed", {"email": 1, "phone": 1}), ("none", None)):
        product = open_product(http, f"Keeping {handling}", contacts, pii_handling=handling)
        answer = message(chat(http, product, "Where are lost badges reported?", contacts, search={"generate": False}))
        assert "help.desk@example.com" in answer["content"]
        assert answer["strata"].get("pii") == counted


def test_a_duty_to_cite_and_to_review_holds_for_programs_too(http, handbook):
    product = make(http, "Cited calls", knowledge_bases=f"[{handbook}]", data_residency="null", max_latency_seconds="30")
    answer = message(chat(http, product, "How long must passwords be?"))
    assert "14 characters" in answer["content"] and answer["strata"]["citations"] and answer["strata"]["requires_human_review"] is True
    answer = message(chat(http, product, "How long must passwords be?", handbook, search={"mode": "classic"}))
    assert answer["strata"]["mode"] == "quote_first"
    response = ok(http.post("/v1/responses", json={"input": "How long must passwords be?"}, headers=headers(product)))
    assert response["strata"]["citations"] and response["strata"]["spec"]["requires_citations"] is True
    reply = http.post("/v1/completions", json={"prompt": "Passwords must"}, headers=headers(product))
    assert reply.status_code == 409 and reply.json()["error"]["code"] == "citations_required"
    bare = make(http, "Cited bare", data_residency="null")
    assert chat(http, bare, "How long must passwords be?").status_code == 409
    reviewed = open_product(http, "Reviewed calls", handbook, human_review_required="true")
    assert message(chat(http, reviewed, "Say hello."))["strata"]["requires_human_review"] is True


def test_a_spent_objective_ends_additions_and_is_said(http, handbook):
    product = open_product(http, "Hurried", handbook, max_latency_seconds="0.01")
    answer = message(chat(http, product, "How long must passwords be?", handbook))
    assert "14 characters" in answer["content"]
    latency = answer["strata"]["latency"]
    assert latency["additions_stopped"] is True and latency["objective_ms"] == 10
    late = not latency["kept"]  # a fast machine may quote within 10 ms
    assert latency["label"].startswith("The model's additions were left out")
    assert [v["kind"] for v in answer["strata"]["verdicts"]] == ["quote"] * len(answer["strata"]["verdicts"])
    assert recorded(http, product, 1)[0]["late"] is late
    patient = open_product(http, "Patient", handbook, max_latency_seconds="600")
    latency = message(chat(http, patient, "How long must passwords be?", handbook))["strata"]["latency"]
    assert latency["kept"] is True and latency["label"] is None and latency["additions_stopped"] is False
    assert recorded(http, patient, 1)[0]["late"] is False
    assert numbers(http, product, "technical")["late_rate"] == late and numbers(http, patient, "technical")["late_rate"] == 0


def test_what_is_packed_never_exceeds_the_products_context_budget(http, sdk, model):
    store = sdk.vector_stores.create(name="Long")
    words = " ".join(f"badge rule number {i} says that visitors of building {i} show their badge {i % 7} times at gate {i % 11}." for i in range(600))
    text = "# Badges\n\n" + "\n\n".join(f"## Part {i}\n\n{words[i * 900:(i + 1) * 900]}" for i in range(50))
    file = sdk.files.create(file=("badges.md", text.encode()), purpose="user_data")
    sdk.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
    assert wait_completed(sdk, store.id).file_counts.completed == 1
    product = open_product(http, "Brief", store.id, context_window_needs="short", max_latency_seconds="600")
    answer = message(chat(http, product, "How often do visitors of building 12 show their badge?", store.id, search={"mode": "classic", "max_num_results": 50}))
    assert answer["strata"]["spec"]["context_tokens_max"] == 4095
    why = ok(http.get(f"/strata/v1/answers/{answer['strata']['answer_id']}"))
    assert 0 < why["packed_tokens"] <= 4095 and why["left_out"], (why["packed_tokens"], len(why["packed"]), len(why["left_out"]))
    call = recorded(http, product, 1)[0]
    assert call["prompt_tokens"] + call["completion_tokens"] <= 4095
