"""What the engine does for a server with many users: shared prompts are read once, guessed tokens change nothing, and both are counted."""
import re


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


def test_a_quoting_request_is_guessed_ahead_and_its_stream_is_the_same(sdk, http, model):
    accepted = series(http, "vllm:spec_decode_num_accepted_tokens_total")
    request = dict(model=model, prompt=PASSAGE + "\n\n" + PASSAGE + "\n\n" + PASSAGE[:50], temperature=0, max_tokens=32)
    whole = sdk.completions.create(**request).choices[0].text
    assert "".join(chunk.choices[0].text for chunk in sdk.completions.create(**request, stream=True) if chunk.choices) == whole
    assert series(http, "vllm:spec_decode_num_accepted_tokens_total") > accepted
    assert series(http, "vllm:spec_decode_num_draft_tokens_total") >= series(http, "vllm:spec_decode_num_accepted_tokens_total")
