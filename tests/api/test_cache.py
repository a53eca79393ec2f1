"""The exact cache through the public API: chat completions that ask for it, steps of flows, what it saved, emptying it."""
import time

import openai
import pytest


def chat(sdk, text, ttl=60, stream=False, cache=None, **more):
    extra = {"cache": {"ttl_s": ttl} if cache is None else cache}
    return sdk.chat.completions.create(model=sdk.models.list().data[0].id, messages=[{"role": "user", "content": text}], stream=stream,
                                       extra_body=extra, **{"temperature": 0, "max_tokens": 12, **more})


def is_hit(answer):
    return bool((answer.choices[0].message.model_extra.get("strata") or {}).get("cached"))


def kept(http, entries):
    """What a request leaves is written behind its answer."""
    deadline = time.monotonic() + 20
    while http.get("/strata/v1/cache").json()["entries"] < entries:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_same_request_is_answered_once_whole_and_streamed(fresh_server):
    sdk, http = fresh_server.sdk, fresh_server.http
    first = chat(sdk, "Name a colour.")
    assert not is_hit(first) and first.usage.completion_tokens > 0
    kept(http, 1)
    second = chat(sdk, "Name a colour.")
    assert is_hit(second) and second.usage.total_tokens == 0
    assert second.choices[0].message.content == first.choices[0].message.content and second.choices[0].finish_reason == first.choices[0].finish_reason
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chat(sdk, "Name a colour.", stream=True) if chunk.choices)
    assert streamed == first.choices[0].message.content
    stats = http.get("/strata/v1/cache").json()
    assert stats["hits"] == 2 and stats["misses"] == 1 and stats["entries"] == 1
    assert "strata:cache_hits_total 2" in http.get("/metrics").text
    fresh_server.kill9()
    fresh_server.start()
    assert is_hit(chat(fresh_server.sdk, "Name a colour.")), "it outlives the process"
    assert fresh_server.http.delete("/strata/v1/cache").json()["removed"] == 1
    assert not is_hit(chat(fresh_server.sdk, "Name a colour."))


def test_what_differs_in_anything_that_matters_is_asked(fresh_server):
    sdk, http = fresh_server.sdk, fresh_server.http
    chat(sdk, "Name a colour.")
    kept(http, 1)
    for more in ({"stop": ["e"]}, {"seed": 3, "temperature": 1}, {"presence_penalty": 1}, {"response_format": {"type": "json_object"}}):
        assert not is_hit(chat(sdk, "Name a colour.", **more)), more
    assert not is_hit(chat(sdk, "Name a colour"))
    plain = sdk.chat.completions.create(model=sdk.models.list().data[0].id, messages=[{"role": "user", "content": "Name a colour."}], max_tokens=12, temperature=0)
    assert plain.usage.completion_tokens > 0, "whoever does not ask for the cache is not answered by it"


def test_a_call_of_a_function_is_kept_with_its_arguments(fresh_server):
    tools = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}}, "required": ["n"]}}}]
    ask = lambda: chat(fresh_server.sdk, "Add one.", tools=tools, tool_choice="required", parallel_tool_calls=False, max_tokens=90)
    first = ask()
    kept(fresh_server.http, 1)
    second = ask()
    assert is_hit(second) and second.choices[0].finish_reason == "tool_calls"
    assert second.choices[0].message.tool_calls[0].function == first.choices[0].message.tool_calls[0].function


def test_a_cache_that_cannot_be_exact_is_a_400_that_says_why(sdk):
    for more, word in (({"temperature": 1}, "seed"), ({"logprobs": True}, "logprobs"), ({"cache": {"ttl_s": 0}}, "ttl_s"), ({"cache": {"ttl": 60}}, "ttl_s"),
                       ({"cache": {"ttl_s": 60}, "tools": [{"type": "file_search", "vector_store_ids": ["vs_x"]}]}, "grounded")):
        with pytest.raises(openai.APIStatusError) as caught:
            chat(sdk, "Hi", **more)
        assert caught.value.status_code == 400 and word in str(caught.value), more
    assert chat(sdk, "Hi", cache={"ttl_s": 60, "sampled": True}, temperature=1).choices


FLOW = """flow: cached
input: {q: string}
steps:
  - {id: ask, kind: model, prompt: "{{ input.q }}", max_tokens: 8, cache: {ttl_s: 60}}
  - {id: count, kind: tool, tool: calculator, args: {expression: "6*7"}, cache: {ttl_s: 60}}
  - {id: find, kind: retrieve, query: "{{ input.q }}", bases: [BASE], cache: {ttl_s: 60}}
  - {id: done, kind: respond, result: "{{ steps.ask }}"}
"""


def run(http, question):
    run_id = http.post("/strata/v1/flows/cached/runs", json={"input": {"q": question}}).json()["id"]
    deadline = time.monotonic() + 60
    while (view := http.get(f"/strata/v1/runs/{run_id}").json())["state"] not in ("succeeded", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert view["state"] == "succeeded", view["error"]
    return view, {step["path"]: step for step in view["steps"]}


def test_steps_of_flows_are_answered_once_and_search_sees_new_documents(fresh_server):
    sdk, http = fresh_server.sdk, fresh_server.http
    store = sdk.vector_stores.create(name="b").id
    add = lambda name, text: sdk.vector_stores.files.upload_and_poll(vector_store_id=store, file=(name, text.encode()))
    add("a.md", "# Leave\n\nStaff receive 27 days of leave.")
    text = FLOW.replace("BASE", store)
    assert http.put("/strata/v1/flows/cached", json={"text": text, "base_version": 0}).status_code == 200
    first, _ = run(http, "How many days of leave?")
    second, steps = run(http, "How many days of leave?")
    assert second["result"] == first["result"] and second["totals"]["tokens"] == 0
    for name in ("ask", "count", "find"):
        assert steps[name]["cached"] is True and steps[name]["cost"] == 0, name
    add("b.md", "# Leave\n\nManagers receive 30 days of leave.")
    _, steps = run(http, "How many days of leave?")
    assert steps["ask"].get("cached") is True and "cached" not in steps["find"] and len(steps["find"]["output"]) == 2
    impact = {step["step"]: step for step in http.get("/strata/v1/flows/cached/impact").json()["steps"]}
    assert impact["ask"]["cached"] == 2 and impact["find"]["cached"] == 1
    http.put("/strata/v1/tools/calculator/permission", json={"permission": "deny", "why": "test"})
    run_id = http.post("/strata/v1/flows/cached/runs", json={"input": {"q": "How many days of leave?"}}).json()["id"]
    deadline = time.monotonic() + 60
    while (view := http.get(f"/strata/v1/runs/{run_id}").json())["state"] not in ("succeeded", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert view["state"] == "failed" and "may not be called" in view["error"], "what may not be called any more is not answered from the cache either"
