"""Bad input is named; nothing that would change the output is ignored; errors have the API's shape."""
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}


def error_of(reply, status):
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize("change, param", [
    ({"temperature": 3}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"top_p": -1}, "top_p"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]}, "messages[0].content[0].type"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ({"logit_bias": {"x": 1}}, "logit_bias.x"),
    ({"n": 2}, "n"),
    ({"tools": [{"type": "code_interpreter"}]}, "tools[0].type"),
    ({"response_format": {"type": "gramar"}}, "response_format.type"),
    ({"reasoning_effort": "high"}, "reasoning_effort"),
    ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_nope"]}]}, "tools[0].vector_store_ids"),
    ({"max_tokens": 2, "max_completion_tokens": 3}, "max_tokens"),
    ({"top_logprobs": 2}, "top_logprobs"),
])
def test_wrong_parameter_is_named(http, change, param):
    reply = http.post("/v1/chat/completions", json=CHAT | change)
    error = error_of(reply, 404 if param == "tools[0].vector_store_ids" else 400)
    assert error["param"] == param


def test_misspelt_parameter_gets_the_nearest_name(http):
    error = error_of(http.post("/v1/chat/completions", json=CHAT | {"temprature": 0}), 400)
    assert "did you mean 'temperature'" in error["message"] and error["code"] == "unknown_parameter"


def test_parameters_without_effect_are_accepted_and_named(http):
    reply = http.post("/v1/chat/completions", json=CHAT | {"user": "u", "metadata": {"a": "b"}, "store": False, "tools": [], "n": 1})
    assert reply.status_code == 200
    assert set(reply.headers["x-strata-without-effect"].split(", ")) >= {"user", "metadata", "store", "n"}


def test_too_long_a_prompt_is_a_400_with_both_lengths(http):
    error = error_of(http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "word " * 60_000}]}), 400)
    assert error["code"] == "context_length_exceeded"
    assert sum(c.isdigit() for c in error["message"]) >= 6


@pytest.mark.parametrize("body, status", [(b"{", 400), (b"[]", 400), (b"\xff", 400), (b'{"messages": ' + b"[" * 200 + b"]" * 200 + b"}", 400)])
def test_broken_json_is_a_clear_error(http, body, status):
    error_of(http.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"}), status)


def test_unknown_paths_methods_and_types_are_said(http):
    error_of(http.get("/v1/nope"), 404)
    assert http.put("/v1/models").status_code == 405
    assert http.post("/v1/chat/completions", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415


@pytest.mark.parametrize("headers", [
    {"host": "evil.example"},
    {"host": "evil.example:8080"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
])
def test_foreign_pages_are_refused(http, headers):
    assert http.post("/v1/chat/completions", json=CHAT, headers=headers).status_code in (400, 403)
    assert http.get("/v1/models", headers=headers).status_code in (400, 403)


def test_a_browser_needs_the_session_cookie(server):
    own = {"origin": server.url, "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=server.url) as fresh:
        assert fresh.get("/v1/models", headers=own).status_code == 401
        page = fresh.get("/", headers={"sec-fetch-site": "none", "sec-fetch-mode": "navigate"})
        assert "HttpOnly" in page.headers["set-cookie"] and "SameSite=Strict" in page.headers["set-cookie"]
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert fresh.get("/v1/models", headers=own).status_code == 200


def test_a_program_in_javascript_is_no_page(http):
    """Node's own fetch names a mode with each request, and no site."""
    for path in ("/v1/models", "/strata/v1/flows"):
        assert http.get(path, headers={"sec-fetch-mode": "cors", "accept-language": "*"}).status_code == 200


def test_uploads_are_never_served_as_pages(sdk, http):
    file = sdk.files.create(file=("x.html", b"<script>alert(1)</script>"), purpose="user_data")
    reply = http.get(f"/v1/files/{file.id}/content")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_a_document_that_cannot_be_read_says_why(sdk, http):
    from conftest import wait_completed
    file = sdk.files.create(file=("broken.pdf", b"%PDF-1.7 this is no pdf"), purpose="user_data")
    store = sdk.vector_stores.create(name="broken", file_ids=[file.id])
    assert wait_completed(sdk, store.id).file_counts.failed == 1
    row = sdk.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert row.status == "failed" and len(row.last_error.message) > 10


def test_health_metrics_and_openapi(http):
    assert http.get("/livez").status_code == 200
    assert http.get("/readyz").json()["status"] == "ready"
    families = {family.name for family in text_string_to_metric_families(http.get("/metrics").text)}
    assert {"vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"} <= families
    page = http.get("/openapi.json").json()
    chat = page["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert chat["properties"]["temperature"]["maximum"] == 2


def test_a_method_that_nobody_knows_makes_no_series_of_its_own(http):
    for i in range(3):
        assert http.request(f"BREW{i}", "/healthz").status_code in (400, 404, 405, 501)
    methods = {sample.labels["method"] for family in text_string_to_metric_families(http.get("/metrics").text) for sample in family.samples
               if "method" in sample.labels}
    assert not [method for method in methods if method.startswith("BREW")] and methods <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}


def test_a_long_key_is_refused_at_once_and_not_repeated_whole(http):
    reply = http.post("/v1/chat/completions", json=CHAT | {"k" * 2_000_000: 1})
    assert error_of(reply, 400)["code"] == "unknown_parameter" and len(reply.content) < 1000


def test_nothing_generated_has_no_receipt(http):
    reply = http.post("/v1/completions", json={"prompt": "The sea", "max_tokens": 0, "echo": True, "receipt": True})
    assert error_of(reply, 400)["param"] == "receipt"
