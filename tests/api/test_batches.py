"""Batches with the unmodified openai SDK: many requests in one file, through kills and cancels."""
import json
import threading
import time

import openai
import pytest

from conftest import cli_json, run_cli
from provider import Provider, says


def line(custom_id, url, **body):
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def chat(custom_id, text, **more):
    return line(custom_id, "/v1/chat/completions", messages=[{"role": "user", "content": text}], **{"max_tokens": 8, "temperature": 0, **more})


def upload(sdk, lines):
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
    return sdk.files.create(file=("in.jsonl", text.encode()), purpose="batch").id


def make(sdk, endpoint, lines, **more):
    return sdk.batches.create(input_file_id=upload(sdk, lines), endpoint=endpoint, completion_window="24h", **more)


def until(sdk, batch_id, ready, seconds=300):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        batch = sdk.batches.retrieve(batch_id)
        if ready(batch):
            return batch
        time.sleep(0.05)
    raise AssertionError(f"still so after {seconds} s: {batch}")


def ended(sdk, batch_id):
    return until(sdk, batch_id, lambda batch: batch.status in ("completed", "failed", "expired", "cancelled"))


def read(sdk, file_id):
    return [json.loads(one) for one in sdk.files.content(file_id).text.splitlines()] if file_id else []


def test_a_batch_of_chats_says_what_the_same_requests_say_one_by_one(sdk, model):
    questions = {f"q{i}": f"Say the number {i}." for i in range(6)}
    lines = [chat(name, text, model=model) for name, text in questions.items()]
    batch = make(sdk, "/v1/chat/completions", lines, metadata={"night": "1"})
    assert batch.object == "batch" and batch.status in ("validating", "in_progress") and batch.request_counts.total == 6
    batch = ended(sdk, batch.id)
    assert batch.status == "completed" and batch.metadata == {"night": "1"} and batch.error_file_id is None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (6, 0)
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at < batch.expires_at
    output = read(sdk, batch.output_file_id)
    assert [one["custom_id"] for one in output] == list(questions)
    for one in output:
        assert one["id"].startswith("batch_req_") and one["error"] is None and one["response"]["status_code"] == 200 and one["response"]["request_id"]
        alone = sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": questions[one["custom_id"]]}], max_tokens=8, temperature=0)
        assert one["response"]["body"]["choices"][0]["message"]["content"] == alone.choices[0].message.content
    assert sum(one["response"]["body"]["usage"]["completion_tokens"] for one in output) == batch.usage.output_tokens
    assert sdk.files.retrieve(batch.output_file_id).purpose == "batch_output"
    assert batch.id in [one.id for one in sdk.batches.list(limit=5)]


def test_every_endpoint_and_a_line_that_fails(sdk, model):
    embedder = [one.id for one in sdk.models.list() if one.model_extra["strata"]["dimensions"]][0]
    flat = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}}, "required": ["n"]}}
    batches = {
        "/v1/embeddings": [line("a", "/v1/embeddings", model=embedder, input="one"), line("b", "/v1/embeddings", input=["two", "three"])],
        "/v1/completions": [line("a", "/v1/completions", model=model, prompt="Once", max_tokens=3)],
        "/v1/responses": [line("a", "/v1/responses", model=model, input="Hello", max_output_tokens=3, store=False),
                          line("b", "/v1/responses", model=model, input="Add one", tools=[flat], tool_choice="required", max_output_tokens=90)],
        "/v1/chat/completions": [chat("a", "Hi", model=model), chat("long", "x " * 200_000, model=model)],
    }
    made = {endpoint: make(sdk, endpoint, lines).id for endpoint, lines in batches.items()}
    done = {endpoint: ended(sdk, batch_id) for endpoint, batch_id in made.items()}
    assert {batch.status for batch in done.values()} == {"completed"}
    vectors = read(sdk, done["/v1/embeddings"].output_file_id)
    assert [len(one["response"]["body"]["data"]) for one in vectors] == [1, 2] and done["/v1/embeddings"].usage.input_tokens > 0
    calls = read(sdk, done["/v1/responses"].output_file_id)[1]["response"]["body"]["output"]
    assert calls[0]["type"] == "function_call" and calls[0]["name"] == "add"
    assert read(sdk, done["/v1/completions"].output_file_id)[0]["response"]["body"]["object"] == "text_completion"
    chats = done["/v1/chat/completions"]
    assert (chats.request_counts.completed, chats.request_counts.failed) == (1, 1)
    (failed,) = read(sdk, chats.error_file_id)
    assert failed["custom_id"] == "long" and failed["response"]["status_code"] == 400
    assert failed["response"]["body"]["error"]["code"] == "context_length_exceeded"


def test_a_bad_line_is_named_and_nothing_is_run(sdk, model):
    batch = make(sdk, "/v1/chat/completions", [chat("a", "Hi"), "not json", chat("a", "again"), chat("b", "Hi", max_tokns=3), chat("c", "Hi", stream=True),
                                               line("d", "/v1/chat/completions", messages=[{"role": "robot", "content": "x"}]), chat("e", "Hi", model="none")])
    assert batch.status == "failed" and batch.output_file_id is None
    found = {error.line: (error.code, error.param) for error in batch.errors.data}
    assert found[2] == ("invalid_json_line", None) and found[3] == ("duplicate_custom_id", "custom_id")
    assert found[4][1] == "body.max_tokns" and found[5][1] == "body.stream" and found[6][1] == "body.messages[0].role" and found[7][1] == "body.model"
    assert "max_tokens" in [error.message for error in batch.errors.data if error.line == 4][0]
    assert sdk.batches.retrieve(batch.id).errors.data[0].line == 2


def test_what_cannot_be_a_batch_is_a_400_that_names_the_field(sdk, model):
    file_id = upload(sdk, [chat("a", "Hi")])
    good = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    other = sdk.files.create(file=("x.md", b"x"), purpose="assistants").id
    for change, param in (({"endpoint": "/v1/chat"}, "endpoint"), ({"completion_window": "soon"}, "completion_window"), ({"input_file_id": other}, "input_file_id"),
                          ({"metadata": {"a": "b" * 600}}, "metadata")):
        with pytest.raises(openai.BadRequestError) as caught:
            sdk.batches.create(**{**good, **change})
        assert caught.value.param == param
    for call in (sdk.batches.retrieve, sdk.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            call("batch_none")


def test_kill_9_in_the_middle_loses_no_line_and_counts_none_twice(fresh_server):
    lines = [chat(f"q{i}", f"Count to {i}.", max_tokens=24, ignore_eos=True) for i in range(40)]
    batch_id = make(fresh_server.sdk, "/v1/chat/completions", lines).id
    seen = 0
    for least in (3, 12, 24):
        before = until(fresh_server.sdk, batch_id, lambda batch, least=least: batch.request_counts.completed >= least)
        fresh_server.kill9()
        fresh_server.start()
        after = fresh_server.sdk.batches.retrieve(batch_id)
        assert after.request_counts.completed >= before.request_counts.completed >= seen, "what was acknowledged is still there"
        seen = before.request_counts.completed
    batch = ended(fresh_server.sdk, batch_id)
    assert batch.status == "completed" and (batch.request_counts.completed, batch.request_counts.failed) == (40, 0)
    output = read(fresh_server.sdk, batch.output_file_id)
    assert [one["custom_id"] for one in output] == [f"q{i}" for i in range(40)]
    assert batch.usage.output_tokens == 40 * 24 == sum(one["response"]["body"]["usage"]["completion_tokens"] for one in output)


def test_a_provider_is_never_asked_twice_for_a_line_though_the_program_is_killed(fresh_server):
    held, provider = threading.Event(), None

    def answer(body):
        if "wait" in body["messages"][0]["content"]:
            held.wait(60)
        return says("done " + body["messages"][0]["content"])

    provider = Provider(answer)
    name = provider.connect(fresh_server.http)
    lines = [chat(f"n{i}", f"now {i}", model=name) for i in range(5)] + [chat(f"w{i}", f"wait {i}", model=name) for i in range(3)] + \
            [chat(f"l{i}", f"later {i}", model=name) for i in range(5)]
    batch_id = make(fresh_server.sdk, "/v1/chat/completions", lines).id
    until(fresh_server.sdk, batch_id, lambda batch: batch.request_counts.completed >= 10)   # all but the three that wait
    until(fresh_server.sdk, batch_id, lambda _: len(provider.requests) == 13)   # and those have reached it too
    fresh_server.kill9()
    fresh_server.start()
    batch = ended(fresh_server.sdk, batch_id)
    held.set()
    asked = [body["messages"][0]["content"] for body in provider.requests]
    assert len(asked) == len(set(asked)) == 13
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 10, 3)
    unknown = read(fresh_server.sdk, batch.error_file_id)
    assert [(one["custom_id"], one["error"]["code"]) for one in unknown] == [(f"w{i}", "outcome_unknown") for i in range(3)]
    assert len(read(fresh_server.sdk, batch.output_file_id)) == 10 and batch.usage.output_tokens == 30
    provider.close()


def test_a_cancel_keeps_what_is_done_and_names_the_rest(sdk, model):
    batch_id = make(sdk, "/v1/chat/completions", [chat(f"q{i}", f"Count to {i}.", max_tokens=32, ignore_eos=True, model=model) for i in range(60)]).id
    until(sdk, batch_id, lambda batch: batch.request_counts.completed >= 4)
    assert sdk.batches.cancel(batch_id).status in ("cancelling", "cancelled")
    batch = ended(sdk, batch_id)
    assert batch.status == "cancelled" and batch.cancelling_at and batch.cancelled_at
    output, errors = read(sdk, batch.output_file_id), read(sdk, batch.error_file_id)
    assert len(output) == batch.request_counts.completed >= 4 and len(output) + len(errors) == 60
    assert {one["error"]["code"] for one in errors} <= {"batch_cancelled"}
    assert {one["custom_id"] for one in output + errors} == {f"q{i}" for i in range(60)}


def test_a_person_is_answered_while_a_batch_runs(sdk, model):
    batch_id = make(sdk, "/v1/chat/completions", [chat(f"q{i}", f"Tell story {i}.", max_tokens=200, ignore_eos=True, model=model) for i in range(16)]).id
    until(sdk, batch_id, lambda batch: batch.status == "in_progress")
    assert sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}], max_tokens=8).choices[0].message.content
    assert sdk.batches.retrieve(batch_id).status == "in_progress", "eight tokens for a person come before thousands that nobody waits for"
    sdk.batches.cancel(batch_id)
    assert ended(sdk, batch_id).status == "cancelled"


def test_the_command_line_makes_follows_and_reads_batches(server, sdk, model, new_folder):
    data, folder = ("--data", str(server.data)), new_folder()
    (folder / "in.jsonl").write_text("".join(json.dumps(chat(f"c{i}", f"Say {i}.", model=model)) + "\n" for i in range(3)) +
                                     json.dumps(chat("long", "x " * 200_000, model=model)) + "\n")
    done = cli_json("batch", "create", str(folder / "in.jsonl"), "--wait", "--out", str(folder / "out.jsonl"), *data)
    assert done["status"] == "completed" and done["request_counts"] == {"total": 4, "completed": 3, "failed": 1}
    assert [json.loads(one)["custom_id"] for one in (folder / "out.jsonl").read_text().splitlines()] == ["c0", "c1", "c2"]
    assert [json.loads(one)["custom_id"] for one in (folder / "out.jsonl.errors").read_text().splitlines()] == ["long"]
    assert done["id"] in [one["id"] for one in cli_json("batch", "list", *data)["data"]]
    assert cli_json("batch", "show", done["id"], *data)["output_file_id"] == done["output_file_id"]
    results = run_cli("batch", "results", done["id"], *data)
    assert results.stdout == (folder / "out.jsonl").read_text() and "1 failed" in results.stderr
    shown = run_cli("batch", "show", done["id"], *data).stdout
    assert "3 of 4 done, 1 failed" in shown and "/v1/chat/completions" in shown
    (folder / "bad.jsonl").write_text("not json\n")
    bad = run_cli("batch", "create", str(folder / "bad.jsonl"), "--endpoint", "/v1/chat/completions", *data, check=False)
    assert bad.returncode == 1 and "line 1" in bad.stdout
    assert run_cli("batch", "create", str(folder / "bad.jsonl"), *data, check=False).returncode == 2
    assert run_cli("batch", "cancel", done["id"], *data, check=False).returncode != 0
    assert run_cli("batch", "show", "batch_none", *data, check=False).returncode == 4


def test_a_stop_hangs_up_on_a_provider_and_asks_it_again_at_the_next_start(fresh_server):
    held = threading.Event()

    def answer(body):
        if not held.is_set() and "wait" in body["messages"][0]["content"]:
            held.wait(60)
        return says("done " + body["messages"][0]["content"])

    provider = Provider(answer)
    name = provider.connect(fresh_server.http)
    batch_id = make(fresh_server.sdk, "/v1/chat/completions", [chat("w", "wait", model=name), chat("n", "now", model=name)]).id
    until(fresh_server.sdk, batch_id, lambda batch: batch.request_counts.completed >= 1)
    until(fresh_server.sdk, batch_id, lambda _: len(provider.requests) == 2)
    fresh_server.stop()
    held.set()
    fresh_server.start()
    batch = ended(fresh_server.sdk, batch_id)
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 2, 0)
    assert len(provider.requests) == 3, "only the one that was hung up on is asked again"
