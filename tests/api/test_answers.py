"""Grounded answers through the public API: quotes are verbatim, citations hold, ignorance is admitted."""
import json

import pytest

from conftest import HANDBOOK


def ask(http, base, question, **options):
    body = {"messages": question if isinstance(question, list) else [{"role": "user", "content": question}],
            "tools": [{"type": "file_search", "vector_store_ids": [base], **options}]}
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()["choices"][0]["message"]


QUESTIONS = [
    ("How many days of paid annual leave do full-time employees receive?", "27 days", "leave.md"),
    ("How many weeks of parental leave are paid?", "16 weeks", "leave.md"),
    ("Up to which amount are hotel costs reimbursed?", "140 euros", "expenses.md"),
    ("How long must passwords be?", "14 characters", "security.html"),
]


@pytest.mark.parametrize("question, gold, filename", QUESTIONS)
def test_answer_quotes_the_document_that_says_it(http, handbook, question, gold, filename):
    message = ask(http, handbook, question)
    assert gold in message["content"]
    assert message["strata"]["outcome"] == "answered"
    assert filename in [c["filename"] for c in message["strata"]["citations"]]


@pytest.mark.parametrize("question, gold, filename", QUESTIONS)
def test_every_citation_is_verbatim_at_its_place(http, handbook, question, gold, filename):
    for citation in ask(http, handbook, question)["strata"]["citations"]:
        document = http.get(f"/strata/v1/documents/{citation['document_id']}").json()
        text = document["text"].encode()
        assert text[citation["begin"]:citation["end"]].decode() == citation["quote"]
        assert document["version"] == citation["version"]


@pytest.mark.parametrize("question", ["What is the boiling point of tungsten?", "Who won the world cup in 1998?"])
def test_what_the_documents_do_not_say_is_not_answered(http, handbook, question):
    message = ask(http, handbook, question)
    assert message["strata"]["outcome"] in ("not_in_documents", "nothing_found")
    assert message["strata"]["citations"] == []


def test_generated_sentences_are_verified_one_by_one(http, handbook):
    message = ask(http, handbook, "How many days of paid annual leave do full-time employees receive?")
    content = message["content"].encode()
    for verdict in message["strata"]["verdicts"]:
        if verdict["kind"] == "generated" and verdict["end"] > verdict["begin"]:
            assert verdict["supported"], content[verdict["begin"]:verdict["end"]]


def test_follow_up_question_carries_over_what_it_refers_to(http, handbook):
    first = "How many days of paid annual leave do full-time employees receive?"
    answer = ask(http, handbook, first)["content"]
    message = ask(http, handbook, [{"role": "user", "content": first}, {"role": "assistant", "content": answer}, {"role": "user", "content": "And for part-timers?"}])
    assert "in proportion to their hours" in message["content"]


def test_classic_mode_answers_from_a_context_section(http, handbook):
    message = ask(http, handbook, "How long must passwords be?", mode="classic")
    assert message["content"].strip()
    assert message["strata"]["mode"] == "classic"


def test_why_tells_candidates_per_stage_and_survives(http, handbook):
    message = ask(http, handbook, "How long must passwords be?")
    why = http.get(f"/strata/v1/answers/{message['strata']['answer_id']}").json()
    assert why["question"] == "How long must passwords be?"
    assert {"keyword", "vector"} <= {stage["name"] for stage in why["stages"]}
    assert why["candidates"] and why["candidates"][0]["scores"]["vector"] is not None
    assert why["packed"]


def test_thumbs_reasons_and_issues_are_kept(http, handbook):
    answer_id = ask(http, handbook, "How long must passwords be?")["strata"]["answer_id"]
    assert http.post(f"/strata/v1/answers/{answer_id}/feedback", json={"rating": "down", "reasons": ["incomplete"], "comment": "more"}).status_code == 200
    assert http.post(f"/strata/v1/answers/{answer_id}/issues", json={"category": "wrong", "comment": "see policy"}).status_code == 200
    feedback = http.get(f"/strata/v1/answers/{answer_id}").json()["feedback"]
    assert feedback == {"rating": "down", "reasons": ["incomplete"], "comment": "more"}


def test_streamed_answer_equals_its_parts(http, handbook):
    body = {"messages": [{"role": "user", "content": "How long must passwords be?"}], "stream": True,
            "tools": [{"type": "file_search", "vector_store_ids": [handbook], "generate": False}]}
    text, strata, annotations = "", None, []
    with http.stream("POST", "/v1/chat/completions", json=body) as reply:
        for line in reply.iter_lines():
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                for choice in event["choices"]:
                    text += choice["delta"].get("content", "")
                    annotations += choice["delta"].get("annotations", [])
                strata = event.get("strata") or strata
    assert "14 characters" in text
    assert len(annotations) == len(strata["citations"]) > 0
    for citation in strata["citations"]:
        assert 0 <= citation["answer_begin"] < citation["answer_end"] <= len(text.encode())


def test_conversation_is_kept_with_its_answers(http, handbook):
    conversation = http.post("/strata/v1/conversations", json={}).json()["id"]
    with http.stream("POST", f"/strata/v1/conversations/{conversation}/messages", json={"content": "How long must passwords be?", "vector_store_ids": [handbook]}) as reply:
        assert reply.read().decode().rstrip().endswith("data: [DONE]")
    kept = http.get(f"/strata/v1/conversations/{conversation}").json()
    assert [m["role"] for m in kept["messages"]] == ["user", "assistant"]
    assert kept["title"] == "How long must passwords be?"
    assert kept["messages"][1]["strata"]["outcome"] == "answered"


def test_demo_handbook_texts_are_all_found(http, handbook):
    documents = http.get("/strata/v1/documents", params={"vector_store_id": handbook}).json()["data"]
    assert {d["filename"] for d in documents} == set(HANDBOOK)
    html = next(d for d in documents if d["filename"] == "security.html")
    text = http.get(f"/strata/v1/documents/{html['document_id']}").json()["text"]
    assert "alert" not in text and "14 characters" in text
