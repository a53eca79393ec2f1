"""The unmodified openai SDK drives models, chat, completions, embeddings, files, vector stores and responses."""
import base64
import math
import struct

import openai
import pytest

from conftest import wait_completed


def test_models_are_listed_and_retrieved(sdk, model):
    ids = [m.id for m in sdk.models.list().data]
    assert "smollm2-135m-instruct" in ids and "all-minilm-l6-v2" in ids
    assert sdk.models.retrieve(model).id == model
    with pytest.raises(openai.NotFoundError) as error:
        sdk.models.retrieve("gpt-nope")
    assert error.value.code == "model_not_found"


def test_chat_answers_and_counts_tokens(sdk, model):
    answer = sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "Say hello."}], temperature=0, max_tokens=12)
    assert answer.choices[0].message.content.strip()
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert 0 < answer.usage.completion_tokens <= 12


def test_chat_stream_equals_the_whole_and_ends_with_usage(sdk, model):
    request = dict(model=model, messages=[{"role": "user", "content": "Count from one to five."}], temperature=0, max_tokens=24)
    whole = sdk.chat.completions.create(**request).choices[0].message.content
    text, usage, reasons = "", None, []
    for chunk in sdk.chat.completions.create(**request, stream=True, stream_options={"include_usage": True}):
        if chunk.usage:
            usage = chunk.usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            if choice.finish_reason:
                reasons.append(choice.finish_reason)
    assert text == whole
    assert len(reasons) == 1
    assert usage.completion_tokens > 0


def test_same_seed_gives_the_same_text_and_another_seed_another(sdk, model):
    def ask(seed):
        return sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "Tell me a story about a river."}],
                                           temperature=1.5, max_tokens=24, seed=seed).choices[0].message.content
    assert ask(7) == ask(7)
    assert len({ask(seed) for seed in range(4)}) > 1


def test_stop_strings_end_the_text_before_them(sdk, model):
    request = dict(model=model, messages=[{"role": "user", "content": "Count: 1, 2, 3"}], temperature=0, max_tokens=24)
    whole = sdk.chat.completions.create(**request).choices[0].message.content
    stop = whole[3:6]
    cut = sdk.chat.completions.create(**request, stop=[stop]).choices[0]
    assert cut.message.content == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


def test_chat_logprobs_are_probabilities_of_what_was_said(sdk, model):
    answer = sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hi"}], temperature=0, max_tokens=5, logprobs=True, top_logprobs=3)
    content = answer.choices[0].logprobs.content
    assert len(content) == answer.usage.completion_tokens
    for token in content:
        assert token.logprob <= 0
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob == pytest.approx(token.logprob)  # greedy takes the likeliest
        assert sum(math.exp(t.logprob) for t in token.top_logprobs) <= 1.0001


def test_completions_take_token_ids_and_echo_prompt_logprobs(sdk, http, model):
    text = "The capital of France is Paris"
    echoed = sdk.completions.create(model=model, prompt=text, max_tokens=0, echo=True, logprobs=1)
    choice = echoed.choices[0]
    assert choice.text == text
    assert choice.logprobs.token_logprobs[0] is None
    assert all(p <= 0 for p in choice.logprobs.token_logprobs[1:])
    assert "".join(choice.logprobs.tokens) == text
    plain = sdk.completions.create(model=model, prompt=text, max_tokens=6, temperature=0).choices[0].text
    assert plain


def test_embeddings_agree_in_float_and_base64(sdk):
    texts = ["How many days of leave do I get?", "Annual leave is 27 days."]
    floats = sdk.embeddings.create(model="all-minilm-l6-v2", input=texts, encoding_format="float")
    coded = sdk.with_raw_response.embeddings.create(model="all-minilm-l6-v2", input=texts, encoding_format="base64").http_response.json()
    for row, other in zip(floats.data, coded["data"]):
        vector = struct.unpack(f"<{len(row.embedding)}f", base64.b64decode(other["embedding"]))
        assert row.embedding == pytest.approx(list(vector), abs=1e-6)
        assert sum(x * x for x in vector) == pytest.approx(1, abs=1e-4)
    assert floats.usage.prompt_tokens > 0
    short = sdk.embeddings.create(model="all-minilm-l6-v2", input="x", dimensions=64, encoding_format="float").data[0].embedding
    assert len(short) == 64 and sum(x * x for x in short) == pytest.approx(1, abs=1e-4)


def test_files_come_back_as_they_were_sent(sdk):
    data = bytes(range(256)) * 40
    file = sdk.files.create(file=("odd name.bin", data), purpose="assistants")
    assert file.bytes == len(data)
    assert sdk.files.retrieve(file.id).filename == "odd name.bin"
    assert sdk.files.content(file.id).read() == data
    assert file.id in [f.id for f in sdk.files.list(purpose="assistants").data]
    assert sdk.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.files.retrieve(file.id)


def test_vector_store_life(sdk):
    file = sdk.files.create(file=("note.md", b"# Note\n\nThe boiler is in room B12.\n"), purpose="user_data")
    store = sdk.vector_stores.create(name="Notes", metadata={"team": "house"}, file_ids=[file.id])
    store = wait_completed(sdk, store.id)
    assert store.file_counts.completed == 1 and store.metadata == {"team": "house"}
    assert sdk.vector_stores.update(store.id, name="House notes").name == "House notes"
    row = sdk.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert row.status == "completed"
    sdk.vector_stores.files.update(file.id, vector_store_id=store.id, attributes={"floor": 2})
    assert sdk.vector_stores.files.retrieve(file.id, vector_store_id=store.id).attributes["floor"] == 2
    assert "B12" in sdk.vector_stores.search(store.id, query="Where is the boiler?").data[0].content[0].text
    sdk.vector_stores.files.delete(file.id, vector_store_id=store.id)
    assert sdk.vector_stores.search(store.id, query="Where is the boiler?").data == []
    assert sdk.vector_stores.delete(store.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.vector_stores.retrieve(store.id)


def test_search_filters_are_inside_the_search(sdk, handbook):
    found = sdk.vector_stores.search(handbook, query="How many days?", filters={"type": "eq", "key": "topic", "value": "expenses"})
    assert found.data and all(r.attributes["topic"] == "expenses" for r in found.data)
    both = sdk.vector_stores.search(handbook, query=["annual leave days", "hotel costs"], max_num_results=4)
    assert {"leave", "expenses"} <= {r.attributes["topic"] for r in both.data}


def test_response_with_file_search_cites_the_file(sdk, handbook, model):
    response = sdk.responses.create(model=model, input="How many days of paid annual leave do full-time employees get?",
                                    tools=[{"type": "file_search", "vector_store_ids": [handbook]}], include=["file_search_call.results"])
    assert response.status == "completed"
    assert "27 days" in response.output_text
    call, message = response.output
    assert call.type == "file_search_call" and call.queries and call.results
    annotation = message.content[0].annotations[0]
    assert annotation.type == "file_citation" and annotation.filename == "leave.md"


def test_response_stream_has_the_events_of_the_shape(sdk, handbook, model):
    types, text, final = [], "", None
    for event in sdk.responses.create(model=model, input="Within how many hours must a lost laptop be reported?", stream=True,
                                      tools=[{"type": "file_search", "vector_store_ids": [handbook]}]):
        types.append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.completed":
            final = event.response
    assert types[0] == "response.created" and types[-1] == "response.completed"
    assert "response.output_text.annotation.added" in types
    assert final.output_text == text and "2 hours" in text


def test_stored_responses_chain(sdk, model):
    first = sdk.responses.create(model=model, input="My name is Ada.", max_output_tokens=8)
    second = sdk.responses.create(model=model, input="What is my name?", previous_response_id=first.id, max_output_tokens=8)
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.input_tokens
    assert sdk.responses.retrieve(first.id).output_text == first.output_text
    sdk.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(first.id)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(model=model, input="x", previous_response_id=first.id)
    unstored = sdk.responses.create(model=model, input="x", store=False, max_output_tokens=4)
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(unstored.id)
