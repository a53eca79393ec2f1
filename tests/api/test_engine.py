"""What the engine does for a server with many users: shared prompts are read once, guessed tokens change nothing, and both are counted."""
import concurrent.futures
import json
import re
import subprocess

import pytest

from conftest import MODELS, STRATA, Server


def series(http, name):
    found = re.search(rf"^{re.escape(name)}\{{[^}}]*\}} ([0-9.e+]+)$", http.get("/metrics").text, re.M)
    assert found, f"/metrics has no {name}"
    return float(found.group(1))


PASSAGE = "Every employee may take twelve weeks of parental leave after six months of service. Requests are made in writing thirty days before. "


def test_a_second_request_with_the_same_beginning_reports_cached_tokens(sdk, http, model):
    hits = series(http, "vllm:prefix_cache_hits_total")
    ask = lambda question: sdk.chat.completions.create(
        model=model, temperature=0, max_tokens=8, messages=[{"role": "system", "content": PASSAGE * 8}, {"role": "user", "content": question}])
    ask("Who may take leave?")
    second = ask("How long before must one ask?")
    prompt, cached = second.usage.prompt_tokens, second.usage.prompt_tokens_details.cached_tokens
    assert prompt > 200 and prompt - 96 <= cached < prompt
    assert series(http, "vllm:prefix_cache_hits_total") >= hits + cached
    assert ask("How long before must one ask?").choices[0].message.content == second.choices[0].message.content


def test_a_quoting_request_streams_the_same_and_guesses_are_counted(sdk, http, model):
    request = dict(model=model, prompt=PASSAGE + "\n\n" + PASSAGE + "\n\n" + PASSAGE[:50], temperature=0, max_tokens=32)
    whole = sdk.completions.create(**request).choices[0].text
    assert "".join(chunk.choices[0].text for chunk in sdk.completions.create(**request, stream=True) if chunk.choices) == whole
    # How much is guessed depends on what a row costs on this machine now: DeterminismTest holds that it happens.
    assert series(http, "vllm:spec_decode_num_draft_tokens_total") >= series(http, "vllm:spec_decode_num_accepted_tokens_total")


def verify(response):
    done = subprocess.run([STRATA, "verify", "--json", "--models", MODELS], input=json.dumps(response), capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout or done.stderr)


def test_a_receipt_replays_to_the_same_tokens_and_a_changed_one_does_not(http, model):
    request = {"model": model, "messages": [{"role": "user", "content": "Tell me about rivers."}], "temperature": 0.9, "max_tokens": 24, "receipt": True}
    response = http.post("/v1/chat/completions", json=request).json()
    receipt = response["choices"][0]["message"]["strata"]["receipt"]
    assert len(receipt["output"]) == response["usage"]["completion_tokens"] and len(receipt["prompt"]) == response["usage"]["prompt_tokens"]
    assert receipt["kv_cache"] == "f16"
    assert len(receipt["model_sha256"]) == 64 and len(receipt["template_sha256"]) == 64
    assert verify(response) == (0, {"same": True, "tokens": len(receipt["output"]), "first_difference": None, "difference": None})
    receipt["output"][5] += 1
    code, said = verify(receipt)
    assert code == 1 and said["first_difference"] == 5 and "output token 5" in said["difference"]
    receipt["model_sha256"] = "0" * 64
    code, said = verify(receipt)
    assert code == 1 and "SHA-256" in said["error"]["message"]


def test_a_streamed_completion_carries_its_receipt_at_the_end_and_a_grounded_answer_refuses_one(http, model):
    request = {"model": model, "prompt": "The sea", "temperature": 0.7, "max_tokens": 12, "stream": True, "receipt": True}
    events = [json.loads(line[6:]) for line in http.post("/v1/completions", json=request).text.splitlines() if line.startswith("data: {")]
    receipts = [event["strata"]["receipt"] for event in events if "strata" in event]
    assert len(receipts) == 1 and receipts[0]["template_sha256"] is None
    assert verify(receipts[0])[0] == 0
    base = http.post("/v1/vector_stores", json={"name": "empty"}).json()["id"]
    refused = http.post("/v1/chat/completions", json={"model": model, "messages": [{"role": "user", "content": "Hm?"}], "receipt": True,
                                                      "tools": [{"type": "file_search", "vector_store_ids": [base]}]})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "receipt"


@pytest.fixture(scope="module")
def small_server(new_folder):
    """An 8-bit cache that holds 512 tokens for up to eight requests."""
    running = Server(new_folder() / "data", "--kv-cache", "q8", environment={"STRATA_ENGINE_CACHE_TOKENS": "512"})
    yield running
    running.stop()


def test_requests_that_outgrow_the_cache_are_preempted_and_nobody_notices(small_server):
    http, sdk = small_server.http, small_server.sdk
    model = sdk.models.list().data[0].id
    request = lambda i: dict(model=model, prompt=f"Story number {i} begins in a town by the sea, where", temperature=0.8 if i % 2 else 0, seed=i, max_tokens=160,
                             extra_body={"ignore_eos": True})
    alone = [sdk.completions.create(**request(i)).choices[0].text for i in range(5)]
    assert series(http, "vllm:num_preemptions_total") == 0
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        streams = lambda i: "".join(c.choices[0].text for c in small_server.sdk.completions.create(**request(i), stream=True) if c.choices)
        assert list(pool.map(streams, range(5))) == alone
    assert series(http, "vllm:num_preemptions_total") > 0
    assert series(http, "vllm:kv_cache_usage_perc") == 0
    engine = http.get("/strata/v1/system").json()["engine"]
    assert engine["preemptions"] > 0 and engine["recomputed_tokens"] > 0


def test_a_receipt_of_an_eight_bit_cache_says_so_and_replays(small_server):
    request = {"prompt": PASSAGE, "temperature": 0.9, "max_tokens": 16, "receipt": True}
    response = small_server.http.post("/v1/completions", json=request).json()
    text = json.dumps(response)
    assert '"kv_cache": "q8"' in text or '"kv_cache":"q8"' in text
    assert verify(response)[0] == 0


def test_an_unknown_kind_of_cache_is_refused_with_the_choices():
    done = subprocess.run([STRATA, "tokenize", "--kv-cache", "q4", "--models", MODELS], input="x", capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "f16" in done.stderr and "q8" in done.stderr
