"""Functions that a model calls, with the unmodified openai SDK, against the running program."""
import json

import openai
import pytest

from provider import Provider
from test_traces import trace_of

WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "The weather in a city", "strict": True, "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"], "additionalProperties": False}}}
INVOICE = {"type": "function", "function": {"name": "get_user_invoice", "description": "One invoice", "parameters": {
    "type": "object", "properties": {"id": {"type": "integer", "minimum": 1, "maximum": 999}}, "required": ["id"], "additionalProperties": False}}}
ASK = [{"role": "user", "content": "What is the weather in Paris, in celsius?"}]
SCHEMAS = {tool["function"]["name"]: tool["function"]["parameters"] for tool in (WEATHER, INVOICE)}


def check(text, name):
    """The arguments are what the schema above asks for, judged by hand."""
    value = json.loads(text)
    if name == "get_weather":
        assert set(value) == {"city", "unit"} and len(value["city"]) <= 20 and value["unit"] in ("celsius", "fahrenheit"), value
    else:
        assert name == "get_user_invoice" and set(value) == {"id"} and 1 <= value["id"] <= 999, value


def valid(call):
    check(call.function.arguments, call.function.name)
    return call


def test_a_required_call_is_always_valid_for_its_schema(sdk, model):
    for seed in range(8):
        answer = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER, INVOICE], tool_choice="required", seed=seed,
                                             temperature=1.5, parallel_tool_calls=False, max_tokens=120)
        assert answer.choices[0].finish_reason == "tool_calls"
        (call,) = answer.choices[0].message.tool_calls
        valid(call)
        assert answer.choices[0].message.content is None and call.id.startswith("call_")


def test_a_named_function_is_the_one_called(sdk, model):
    answer = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER, INVOICE], max_tokens=120,
                                         tool_choice={"type": "function", "function": {"name": "get_user_invoice"}})
    (call,) = answer.choices[0].message.tool_calls
    assert valid(call).function.name == "get_user_invoice"


def test_auto_leaves_text_or_whole_calls_and_none_leaves_text(sdk, model):
    for choice in ("auto", "none"):
        answer = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER, INVOICE], tool_choice=choice, max_tokens=60, temperature=0)
        message = answer.choices[0].message
        assert "<tool_call>" not in (message.content or "")
        if answer.choices[0].finish_reason == "tool_calls":
            assert choice == "auto" and all(valid(call) for call in message.tool_calls)


def test_streamed_calls_have_openai_s_shape(sdk, model):
    stream = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER], tool_choice="required", stream=True, max_tokens=200, temperature=0)
    calls, reason, deltas = {}, None, 0
    for chunk in stream:
        for choice in chunk.choices:
            reason = choice.finish_reason or reason
            for delta in choice.delta.tool_calls or []:
                deltas += 1
                if delta.index not in calls:
                    assert delta.id and delta.type == "function" and delta.function.name
                    calls[delta.index] = ["", delta.function.name]
                calls[delta.index][0] += delta.function.arguments or ""
    assert deltas > 2 and calls
    if reason == "tool_calls":
        for arguments, name in calls.values():
            check(arguments, name)


def test_results_go_back_into_the_conversation(sdk, model):
    first = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False, max_tokens=120, temperature=0)
    message = first.choices[0].message
    history = ASK + [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": '{"degrees": 21}'}]
    answer = sdk.chat.completions.create(model=model, messages=history, tools=[WEATHER], tool_choice="none", max_tokens=30, temperature=0)
    assert answer.choices[0].message.content


def test_what_cannot_be_enforced_or_is_wrong_is_a_400_that_names_it(sdk, model):
    def refused(**changes):
        with pytest.raises(openai.BadRequestError) as caught:
            sdk.chat.completions.create(**{"model": model, "messages": ASK, "tools": [WEATHER], "max_tokens": 5, **changes})
        return caught.value

    loose = json.loads(json.dumps(WEATHER))
    loose["function"]["parameters"]["properties"]["city"] = {"not": {"type": "null"}}
    assert "tools[0].function.parameters at /properties/city: the keyword 'not'" in refused(tools=[loose]).message
    assert "did you mean 'get_weather'" in refused(tool_choice={"type": "function", "function": {"name": "get_wether"}}).message
    assert refused(tool_choice="required", tools=[]).param == "tool_choice"
    assert refused(tools=[WEATHER, WEATHER]).param == "tools[1].function.name"
    assert "response_format" in refused(response_format={"type": "json_object"}).message
    assert refused(messages=ASK + [{"role": "tool", "content": "x"}]).param == "messages[1].tool_call_id"
    # An empty list of tools is no error: clients send it.
    assert sdk.chat.completions.create(model=model, messages=ASK, tools=[], max_tokens=2).choices


def test_responses_call_functions_and_go_on_from_their_results(sdk, model):
    flat = {"type": "function", "name": "get_weather", "parameters": SCHEMAS["get_weather"], "strict": True}
    first = sdk.responses.create(model=model, input="Weather in Paris?", tools=[flat], tool_choice="required", parallel_tool_calls=False, max_output_tokens=150, temperature=0)
    (call,) = [item for item in first.output if item.type == "function_call"]
    check(call.arguments, call.name)
    second = sdk.responses.create(model=model, previous_response_id=first.id, tools=[flat], tool_choice="none", max_output_tokens=20,
                                  input=[{"type": "function_call_output", "call_id": call.call_id, "output": '{"degrees": 21}'}])
    assert second.output[0].type == "message"
    events = list(sdk.responses.create(model=model, input="Weather in Rome?", tools=[flat], tool_choice="required", stream=True, temperature=0, max_output_tokens=150))
    kinds = [event.type for event in events]
    assert kinds.index("response.output_item.added") < kinds.index("response.function_call_arguments.delta") < kinds.index("response.function_call_arguments.done")
    done = [event for event in events if event.type == "response.function_call_arguments.done"][0]
    assert done.arguments == "".join(event.delta for event in events if event.type == "response.function_call_arguments.delta" and event.item_id == done.item_id)
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_responses_take_their_own_items_back(sdk, model):
    flat = {"type": "function", "name": "get_weather", "parameters": SCHEMAS["get_weather"]}
    asked = [{"role": "user", "content": "Weather in Paris?"}]
    first = sdk.responses.create(model=model, input=asked, tools=[flat], tool_choice={"type": "function", "name": "get_weather"}, max_output_tokens=150, temperature=0, store=False)
    (call,) = first.output
    assert first.tools[0].name == "get_weather" and first.tool_choice.name == "get_weather"
    for items in (first.output, [item.model_dump() for item in first.output]):
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
        second = sdk.responses.create(model=model, input=asked + list(items) + [result], tools=[flat], tool_choice="none", max_output_tokens=20, temperature=0)
        assert second.output_text
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(model=model, input=asked + [{"type": "function_call_output", "call_id": "call_none", "output": "x"}], max_output_tokens=5)
    assert "call_none" in caught.value.message
    loose = {**flat, "parameters": {"type": "object", "properties": {"a": {"not": {}}}}}
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.responses.create(model=model, input="Hi", tools=[loose], max_output_tokens=5)
    assert "tools[0].parameters at /properties/a: the keyword 'not'" in caught.value.message


def test_a_stop_string_cuts_text_and_never_a_call(sdk, model):
    answer = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER], tool_choice="required", stop=["}", "Paris", "\n"], parallel_tool_calls=False,
                                         max_tokens=200, temperature=0)
    assert answer.choices[0].finish_reason == "tool_calls"
    assert all(valid(call) for call in answer.choices[0].message.tool_calls)


def test_log_probabilities_are_of_the_text_alone(sdk, model):
    answer = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER], logprobs=True, max_tokens=40, temperature=0)
    spoken = "".join(token.token for token in answer.choices[0].logprobs.content)
    assert spoken == (answer.choices[0].message.content or "")


def test_several_calls_have_ids_and_indexes_of_their_own(sdk, model):
    most = 0
    for seed in range(6):
        answer = sdk.chat.completions.create(model=model, messages=ASK, tools=[WEATHER, INVOICE], tool_choice="required", seed=seed, temperature=1.2, max_tokens=500)
        calls = answer.choices[0].message.tool_calls
        if answer.choices[0].finish_reason == "length":
            calls = calls[:-1]
        assert all(valid(call) for call in calls) and len({call.id for call in calls}) == len(calls) <= 16
        most = max(most, len(calls))
    assert most > 1


def test_the_sdk_s_own_stream_reader_understands_the_deltas(sdk, model):
    with sdk.chat.completions.stream(model=model, messages=ASK, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False, max_tokens=200, temperature=0) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        message = stream.get_final_completion().choices[0].message
    assert len(done) == 1 and done[0].name == "get_weather" and message.content is None
    assert done[0].parsed_arguments == json.loads(done[0].arguments) == json.loads(message.tool_calls[0].function.arguments)


def test_a_provider_is_sent_tools_as_they_are_and_its_calls_come_back(server, sdk):
    def answer(body):
        if body["messages"][-1]["role"] == "tool":
            return [{"delta": {"content": "It is 21."}, "finish_reason": "stop"}]
        piece = lambda index, **more: {"delta": {"tool_calls": [{"index": index, **more}]}, "finish_reason": None}
        return [piece(0, id="call_a", type="function", function={"name": "get_weather", "arguments": ""}), piece(0, function={"arguments": '{"city": "Pa'}),
                piece(0, function={"arguments": 'ris"}'}), piece(1, id="call_b", type="function", function={"name": "get_user_invoice", "arguments": '{"id": 7}'}),
                {"delta": {}, "finish_reason": "tool_calls"}]

    provider = Provider(answer)
    name = provider.connect(server.http, "functions")
    try:
        question = {"model": name, "messages": ASK, "tools": [WEATHER, INVOICE], "tool_choice": "required", "parallel_tool_calls": False}
        whole = sdk.chat.completions.create(**question)
        sent = provider.requests[-1]
        assert sent["tools"] == [WEATHER, INVOICE] and sent["tool_choice"] == "required" and sent["parallel_tool_calls"] is False
        assert whole.choices[0].finish_reason == "tool_calls"
        calls = [(call.id, call.function.name, call.function.arguments) for call in whole.choices[0].message.tool_calls]
        assert calls == [("call_a", "get_weather", '{"city": "Paris"}'), ("call_b", "get_user_invoice", '{"id": 7}')]
        with sdk.chat.completions.stream(**question) as stream:
            streamed = stream.get_final_completion().choices[0].message.tool_calls
        assert [(call.id, call.function.name, call.function.arguments) for call in streamed] == calls
        results = [{"role": "tool", "tool_call_id": call_id, "content": "21"} for call_id, _, _ in calls]
        last = sdk.chat.completions.create(model=name, messages=ASK + [whole.choices[0].message] + results, tools=[WEATHER, INVOICE], tool_choice="none")
        assert last.choices[0].message.content == "It is 21." and provider.requests[-1]["tool_choice"] == "none"
        back = provider.requests[-1]["messages"]
        assert back[1]["tool_calls"][0] == {"id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
        assert back[2] == {"role": "tool", "content": "21", "tool_call_id": "call_a"}
        items = sdk.responses.create(model=name, input="Weather?", tools=[{"type": "function", **WEATHER["function"]}]).output
        assert [(item.type, item.call_id) for item in items] == [("function_call", "call_a"), ("function_call", "call_b")]
    finally:
        server.http.delete("/strata/v1/providers/functions")
        provider.close()


def test_a_call_stands_in_its_trace(fresh_server):
    http = fresh_server.http
    assert http.patch("/strata/v1/traces/settings", json={"content": True}).json()["content"] is True
    response = http.post("/v1/chat/completions", json={"messages": ASK, "tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 120})
    assert response.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert "tool_call" in json.dumps(trace_of(http, response))
