"""What the engine does for a server with many users: shared prompts are read once, guessed tokens change nothing, and both are counted."""
import json
import re
import subprocess

from conftest import MODELS, STRATA


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
