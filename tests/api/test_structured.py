"""Outputs held to a format: whatever the model would like to say, what comes is valid."""
import json
import re

import openai
import pytest

TICKET = {
    "type": "object",
    "properties": {
        "category": {"enum": ["billing", "account", "other"]},
        "urgent": {"type": "boolean"},
        "amount": {"type": "number", "minimum": 0, "maximum": 1000},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 12}, "minItems": 1, "maxItems": 3},
    },
    "required": ["category", "urgent", "amount", "tags"],
    "additionalProperties": False,
}


def ask(sdk, model, schema, **more):
    return sdk.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "I was charged 40 dollars twice! Sort this ticket."}], max_tokens=200,
        response_format={"type": "json_schema", "json_schema": {"name": "ticket", "schema": schema, "strict": True}}, **more)


@pytest.mark.parametrize("temperature", [0, 1.6])
def test_a_schema_holds_at_any_temperature(sdk, model, temperature):
    for seed in range(4):
        answer = ask(sdk, model, TICKET, temperature=temperature, seed=seed)
        ticket = json.loads(answer.choices[0].message.content)
        assert answer.choices[0].finish_reason == "stop"
        assert list(ticket) == ["category", "urgent", "amount", "tags"]
        assert ticket["category"] in ("billing", "account", "other") and isinstance(ticket["urgent"], bool) and 0 <= ticket["amount"] <= 1000
        assert 1 <= len(ticket["tags"]) <= 3 and all(len(tag) <= 12 for tag in ticket["tags"])


def test_a_stream_gives_the_same_json(sdk, model):
    whole = ask(sdk, model, TICKET, temperature=0).choices[0].message.content
    parts = [chunk.choices[0].delta.content or "" for chunk in ask(sdk, model, TICKET, temperature=0, stream=True) if chunk.choices]
    assert "".join(parts) == whole and json.loads(whole)


def test_responses_and_completions_hold_to_a_format_too(sdk, http, model):
    response = sdk.responses.create(model=model, input="A small profile.", max_output_tokens=120, temperature=0, text={"format": {
        "type": "json_schema", "name": "profile", "strict": True,
        "schema": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 1, "maximum": 99}}, "required": ["name", "age"]}}})
    assert 1 <= json.loads(response.output_text)["age"] <= 99
    completion = http.post("/v1/completions", json={"model": model, "prompt": "Date:", "max_tokens": 40, "response_format": {"type": "regex", "pattern": "20\\d\\d-(0[1-9]|1[0-2])-[0-2]\\d"}})
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])-[0-2]\d", completion.json()["choices"][0]["text"])
    chosen = http.post("/v1/chat/completions", json={"model": model, "messages": [{"role": "user", "content": "Yes or no?"}],
                                                     "response_format": {"type": "choice", "choices": ["certainly", "certainly not"]}})
    assert chosen.json()["choices"][0]["message"]["content"] in ("certainly", "certainly not")


def test_a_context_free_grammar_is_held_to(sdk, http, model):
    sums = 'root ::= sum\nsum ::= sum ("+" | "-") term | term\nterm ::= [1-9] [0-9]{0,2} | "(" sum ")"'
    for seed in range(3):
        text = http.post("/v1/completions", json={"model": model, "prompt": "12+(3-", "max_tokens": 60, "temperature": 1.2, "seed": seed, "stop": ["\n"],
                                                  "response_format": {"type": "grammar", "grammar": sums}}).json()["choices"][0]
        if text["finish_reason"] == "stop":
            assert re.fullmatch(r"[-+()0-9]+", text["text"]) and isinstance(eval(text["text"]), int)
    refused = http.post("/v1/completions", json={"model": model, "prompt": "x", "response_format": {"type": "grammar", "grammar": "root ::= [a-z"}})
    assert refused.status_code == 400 and "line 1, column 10" in refused.json()["error"]["message"]
    assert refused.json()["error"]["param"] == "response_format.grammar"


def test_json_object_gives_an_object(sdk, model):
    for seed in range(3):
        answer = sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": "Describe a cat in JSON."}], max_tokens=300, seed=seed,
                                             temperature=0.7, response_format={"type": "json_object"})
        if answer.choices[0].finish_reason == "stop":
            assert isinstance(json.loads(answer.choices[0].message.content), dict)
        else:
            assert answer.choices[0].message.content.startswith("{")


def test_what_cannot_be_enforced_is_refused_with_its_place(sdk, model):
    for schema, said in (({"type": "object", "properties": {"a": {"not": {"type": "null"}}}}, "/properties/a"), ({"type": "array", "uniqueItems": True}, "uniqueItems"),
                         ({"type": "strin"}, "'string'"), ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"), ({"$ref": "#/nowhere"}, "leads nowhere")):
        with pytest.raises(openai.BadRequestError) as error:
            ask(sdk, model, schema)
        assert said in error.value.body["message"] and error.value.body["param"].startswith("response_format")


def test_a_format_of_too_many_ways_is_a_400_and_nobody_else_waits(http, model):
    hostile = {"model": model, "prompt": "x", "max_tokens": 30, "response_format": {"type": "regex", "pattern": "(?:(?:.{0,4000}){0,4000}){0,4000}x"}}
    refused = http.post("/v1/completions", json=hostile)
    assert refused.status_code == 400 and "too many possibilities" in refused.json()["error"]["message"]
    assert http.post("/v1/completions", json={"model": model, "prompt": "Hello", "max_tokens": 4}).status_code == 200


def test_a_schema_that_would_cost_too_much_is_refused_by_name(http, model):
    nodes = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(1, 32)}
    schema = {"allOf": [{"$ref": "#/$defs/a1"}] * 2, "$defs": {**nodes, "a32": {"type": "string"}}}
    for format, said in (({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}, "too complex"),
                         ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"const": "x" * 300_000}}}, "256 KiB"),
                         ({"type": "grammar", "grammar": "root ::= " + ".{4096}" * 2800}, "too large"),
                         ({"type": "choice", "choices": ["x" * 5_000_000]}, "too large")):
        reply = http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "response_format": format})
        assert reply.status_code == 400 and said in reply.json()["error"]["message"], reply.text[:500]
