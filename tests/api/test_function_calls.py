"""Functions that a model calls, with the unmodified openai SDK, against the running program."""
import json

import openai
import pytest

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
