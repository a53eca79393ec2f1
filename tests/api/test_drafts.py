"""A ticket becomes a grounded draft; a person edits, sends, discards or escalates it; what cannot be answered waits for a person."""
import concurrent.futures
import json

import pytest

from conftest import upload_handbook

KNOWN = "How long must passwords be?"
UNKNOWN = "What is the boiling point of tungsten?"


@pytest.fixture(scope="module")
def product(http):
    assert http.post("/strata/v1/products", json={"id": "support-copilot", "name": "Support Copilot"}).status_code == 200
    return "support-copilot"


def stream(http, path, body):
    """The text and the last chunk's strata object of an event stream."""
    text, strata = "", None
    with http.stream("POST", path, json=body) as reply:
        assert reply.status_code == 200, reply.read()
        for line in reply.iter_lines():
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                assert "error" not in event, event
                text += "".join(choice["delta"].get("content", "") for choice in event["choices"])
                strata = event.get("strata") or strata
    return text, strata


def ticket(http, product, base, content=KNOWN, **more):
    text, strata = stream(http, f"/strata/v1/products/{product}/tickets",
                          {"content": content, "vector_store_ids": [base], "generate": False, "user": "dana", "end_user": "customer 7", **more})
    return text, strata


def ok(reply):
    assert reply.status_code == 200, reply.text
    return reply.json()


def refused(reply, status, word):
    assert reply.status_code == status, reply.text
    assert word in reply.json()["error"]["message"], reply.text


def test_a_ticket_becomes_a_draft_with_citations(http, handbook, product):
    text, strata = ticket(http, product, handbook)
    assert "14 characters" in text and strata["citations"]
    assert strata["suggested_actions"][-1] in ("Escalate", "Edit draft")
    draft = ok(http.get(f"/strata/v1/drafts/{strata['draft_id']}"))
    assert (draft["state"], draft["original"], draft["text"], draft["answer_id"]) == ("open", text, text, strata["answer_id"])
    assert (draft["product"], draft["user"], draft["conversation_id"]) == (product, "dana", strata["conversation_id"])
    conversation = ok(http.get(f"/strata/v1/conversations/{strata['conversation_id']}"))
    assert [m["content"] for m in conversation["messages"]] == [KNOWN, text]
    view = ok(http.get(f"/strata/v1/conversations/{strata['conversation_id']}/product"))
    assert (view["channel"], view["end_user"], view["outcome"], [d["id"] for d in view["drafts"]]) == ("agent", "customer 7", "open", [draft["id"]])


def test_sent_as_it_is_and_sent_edited_are_told_apart(http, handbook, product):
    text, strata = ticket(http, product, handbook)
    sent = ok(http.post(f"/strata/v1/drafts/{strata['draft_id']}/send", json={"idempotency_key": "k1"}))
    assert (sent["state"], sent["edited"], sent["text"]) == ("sent", False, text)
    text, strata = ticket(http, product, handbook)
    draft = f"/strata/v1/drafts/{strata['draft_id']}"
    assert ok(http.patch(draft, json={"text": "Hello! " + text}))["text"] == "Hello! " + text
    sent = ok(http.post(draft + "/send", json={"idempotency_key": "k2"}))
    assert (sent["edited"], sent["text"], sent["original"], sent["edit_distance"]) == (True, "Hello! " + text, text, 7)


def test_a_draft_is_sent_once_however_often_it_is_asked(http, handbook, product):
    _, strata = ticket(http, product, handbook)
    draft = f"/strata/v1/drafts/{strata['draft_id']}"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        same = list(pool.map(lambda i: http.post(draft + "/send", json={"text": f"reply {i}", "idempotency_key": "one"}), range(8)))
    assert {r.status_code for r in same} == {200} and len({r.json()["text"] for r in same}) == 1
    refused(http.post(draft + "/send", json={"text": "again", "idempotency_key": "two"}), 409, "sent")
    refused(http.patch(draft, json={"text": "later"}), 409, "sent")
    refused(http.post(draft + "/discard", json={}), 409, "sent")
    refused(http.post(draft + "/send", json={"text": "no key"}), 400, "idempotency_key")
    _, other = ticket(http, product, handbook)
    assert ok(http.post(f"/strata/v1/drafts/{other['draft_id']}/discard", json={"reason": "wrong tone"}))["reason"] == "wrong tone"
    refused(http.post(f"/strata/v1/drafts/{other['draft_id']}/send", json={"idempotency_key": "three"}), 409, "discarded")


def test_two_people_cannot_claim_the_same(http, handbook, product):
    _, strata = ticket(http, product, handbook, UNKNOWN)
    assert strata["suggested_actions"][0] == "Escalate" and strata["requires_human_review"]
    item = ok(http.post(f"/strata/v1/conversations/{strata['conversation_id']}/escalate", json={"answer_id": strata["answer_id"]}))
    assert (item["state"], item["note"], item["reason"]) == ("waiting", UNKNOWN, "asked_for_a_person")
    assert ok(http.post(f"/strata/v1/conversations/{strata['conversation_id']}/escalate", json={}))["id"] == item["id"]
    path = f"/strata/v1/handovers/{item['id']}"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda i: http.post(path + "/claim", json={"who": f"person {i}"}), range(8)))
    assert sorted(r.status_code for r in claims) == [200] + [409] * 7
    who = ok(http.get(path))["who"]
    assert ok(http.post(path + "/claim", json={"who": who}))["who"] == who
    refused(http.post(path + "/reply", json={"who": "somebody else", "text": "hi"}), 409, who)
    refused(http.post(path + "/release", json={"who": "somebody else"}), 409, who)
    done = ok(http.post(path + "/reply", json={"who": who, "text": "3,422 °C is its melting point."}))
    assert (done["state"], done["reply"]) == ("done", "3,422 °C is its melting point.")
    view = ok(http.get(f"/strata/v1/conversations/{strata['conversation_id']}/product"))
    assert view["outcome"] == "escalated" and view["handed_over"] and view["handovers"][0]["id"] == item["id"]
    assert item["id"] in [h["id"] for h in ok(http.get("/strata/v1/handovers", params={"state": "done", "product": product}))["data"]]
    assert item["id"] not in [h["id"] for h in ok(http.get("/strata/v1/handovers", params={"state": "waiting"}))["data"]]


def test_a_customer_whom_the_answer_leaves_unsure_is_handed_over(http, handbook, product):
    conversation = ok(http.post(f"/strata/v1/products/{product}/conversations", json={"channel": "customer"}))["id"]
    _, strata = stream(http, f"/strata/v1/conversations/{conversation}/messages", {"content": UNKNOWN, "vector_store_ids": [handbook]})
    assert strata["handover"]["state"] == "waiting"
    item = ok(http.get(f"/strata/v1/handovers/{strata['handover']['id']}"))
    assert (item["conversation_id"], item["answer_id"], item["note"]) == (conversation, strata["answer_id"], UNKNOWN)
    assert item["reason"] in ("not_in_documents", "nothing_found")


def test_a_customer_who_comes_back_after_the_end_is_handed_over_too(http, handbook, product):
    conversation = ok(http.post(f"/strata/v1/products/{product}/conversations", json={"channel": "customer"}))["id"]
    stream(http, f"/strata/v1/conversations/{conversation}/messages", {"content": "Hello!", "vector_store_ids": [handbook]})
    ok(http.post(f"/strata/v1/conversations/{conversation}/outcome", json={"outcome": "deflected"}))
    _, strata = stream(http, f"/strata/v1/conversations/{conversation}/messages", {"content": UNKNOWN, "vector_store_ids": [handbook]})
    assert strata["handover"]["state"] == "waiting"
    assert ok(http.get(f"/strata/v1/conversations/{conversation}/outcome"))["outcome"] == "open"


def test_a_greeting_and_an_agents_conversation_hand_nobody_over(http, handbook, product):
    conversation = ok(http.post(f"/strata/v1/products/{product}/conversations", json={"channel": "customer"}))["id"]
    _, strata = stream(http, f"/strata/v1/conversations/{conversation}/messages", {"content": "Hello!", "vector_store_ids": [handbook]})
    assert "handover" not in strata
    _, strata = ticket(http, product, handbook, UNKNOWN)
    assert "handover" not in strata


def test_a_chat_without_a_product_can_still_ask_for_a_person(http, handbook, product):
    conversation = ok(http.post("/strata/v1/conversations", json={}))["id"]
    stream(http, f"/strata/v1/conversations/{conversation}/messages", {"content": UNKNOWN, "vector_store_ids": [handbook]})
    path = f"/strata/v1/conversations/{conversation}"
    assert http.get(path + "/product").status_code == 404
    refused(http.post(path + "/escalate", json={}), 400, "product")
    assert ok(http.post(path + "/escalate", json={"product": product}))["note"] == UNKNOWN
    assert ok(http.get(path + "/product"))["channel"] == "customer"


def test_a_draft_can_be_made_again_and_the_talk_goes_on(http, handbook, product):
    _, first = ticket(http, product, handbook)
    text, again = stream(http, f"/strata/v1/products/{product}/tickets",
                         {"conversation_id": first["conversation_id"], "vector_store_ids": [handbook], "generate": False})
    assert again["conversation_id"] == first["conversation_id"] and again["draft_id"] != first["draft_id"]
    assert len(ok(http.get(f"/strata/v1/conversations/{first['conversation_id']}"))["messages"]) == 2
    stream(http, f"/strata/v1/products/{product}/tickets", {"conversation_id": first["conversation_id"], "content": "And lost laptops?", "vector_store_ids": [handbook]})
    assert len(ok(http.get(f"/strata/v1/conversations/{first['conversation_id']}"))["messages"]) == 4
    assert len(ok(http.get("/strata/v1/drafts", params={"conversation_id": first["conversation_id"]}))["data"]) == 3


def test_unknown_ids_and_wrong_fields_are_named(http, handbook, product):
    tickets = f"/strata/v1/products/{product}/tickets"
    refused(http.post("/strata/v1/products/support-copilt/tickets", json={"content": "x", "vector_store_ids": [handbook]}), 404, "support-copilot")
    refused(http.post(tickets, json={"content": "x", "vector_store_ids": ["vs_none"]}), 404, "vs_none")
    refused(http.post(tickets, json={"vector_store_ids": [handbook]}), 400, "content")
    refused(http.post(tickets, json={"content": "x", "vector_stores_ids": [handbook]}), 400, "did you mean 'vector_store_ids'")
    refused(http.post(tickets, json={"conversation_id": "conv_none", "content": "x", "vector_store_ids": [handbook]}), 404, "conv_none")
    for method, path, body in (("GET", "/drafts/draft_x", None), ("PATCH", "/drafts/draft_x", {"text": ""}), ("POST", "/drafts/draft_x/send", {"idempotency_key": "k"}),
                               ("POST", "/drafts/draft_x/discard", {}), ("GET", "/handovers/handover_x", None), ("POST", "/handovers/handover_x/claim", {}),
                               ("POST", "/handovers/handover_x/reply", {"text": "x"}), ("POST", "/conversations/conv_x/escalate", {"product": product}),
                               ("GET", "/conversations/conv_x/product", None)):
        reply = http.request(method, "/strata/v1" + path, json=body)
        assert reply.status_code == 404 and "_x" in reply.json()["error"]["message"], (path, reply.text)
    refused(http.get("/strata/v1/drafts", params={"state": "opne"}), 400, "open")
    refused(http.get("/strata/v1/handovers", params={"simulated": "maybe"}), 400, "simulated")
    refused(http.get("/strata/v1/drafts", params={"after": "draft_x"}), 400, "draft_x")


def test_everything_is_there_after_a_crash(fresh_server):
    http, base = fresh_server.http, upload_handbook(fresh_server.sdk)
    ok(http.post("/strata/v1/products", json={"id": "desk", "name": "Desk"}))
    text, one = ticket(http, "desk", base)
    _, two = ticket(http, "desk", base, UNKNOWN)
    ok(http.patch(f"/strata/v1/drafts/{one['draft_id']}", json={"text": "half a sente"}))
    item = ok(http.post(f"/strata/v1/conversations/{two['conversation_id']}/escalate", json={}))
    ok(http.post(f"/strata/v1/handovers/{item['id']}/claim", json={"who": "dana"}))
    fresh_server.kill9()
    fresh_server.start()
    http = fresh_server.http
    assert ok(http.get(f"/strata/v1/drafts/{one['draft_id']}"))["text"] == "half a sente"
    assert ok(http.get(f"/strata/v1/handovers/{item['id']}"))["who"] == "dana"
    refused(http.post(f"/strata/v1/handovers/{item['id']}/claim", json={"who": "kim"}), 409, "dana")
    sent = ok(http.post(f"/strata/v1/drafts/{one['draft_id']}/send", json={"text": text, "idempotency_key": "k"}))
    assert (sent["state"], sent["edited"]) == ("sent", False)


def test_headings_and_answered_questions_complete_what_is_typed(http, handbook, product):
    ticket(http, product, handbook, KNOWN)
    found = ok(http.get("/strata/v1/suggestions", params={"q": "passw", "vector_store_ids": handbook}))
    assert KNOWN in found["questions"]
    heading = found["headings"][0]
    assert heading["heading"] == "Passwords"
    text = ok(http.get(f"/strata/v1/documents/{heading['document_id']}"))["text"].encode()
    assert b"Passwords" in text[heading["begin"]:heading["end"]]
    assert ok(http.get("/strata/v1/suggestions", params={"q": "", "vector_store_ids": handbook})) == {"questions": [], "headings": []}
    refused(http.get("/strata/v1/suggestions", params={"q": "x", "vector_store_ids": "vs_none"}), 404, "vs_none")


def test_a_conversation_says_what_became_of_it(http, handbook, product):
    _, strata = ticket(http, product, handbook)
    conversation = ok(http.get(f"/strata/v1/conversations/{strata['conversation_id']}"))
    assert conversation["product"]["product"] == product and conversation["product"]["drafts"][0]["id"] == strata["draft_id"]
    plain = ok(http.post("/strata/v1/conversations", json={}))["id"]
    assert ok(http.get(f"/strata/v1/conversations/{plain}"))["product"] is None


def test_the_openapi_page_shows_the_fields(http):
    paths = ok(http.get("/openapi.json"))["paths"]
    ticket_body = paths["/strata/v1/products/{product}/tickets"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert ticket_body["required"] == ["vector_store_ids"] and "conversation_id" in ticket_body["properties"]
    assert {"patch", "get"} <= set(paths["/strata/v1/drafts/{draft}"])
