"""Every route of /openapi.json, asked by those who may not, and with names and fields that do not exist. A route that is added is tried as well."""
import re

import pytest

OPEN = {"/livez", "/readyz", "/openapi.json"}   # they say nothing that is anybody's
SURPRISE = "no_such_thing"


@pytest.fixture(scope="module")
def operations(http):
    paths = http.get("/openapi.json").json()["paths"]
    return [(method.upper(), path, about) for path, methods in paths.items() for method, about in methods.items()]


def ask(http, method, path, body=None, **headers):
    address = re.sub(r"\{[^}]*\}", SURPRISE, path)
    sent = {"files": {"file": b""}} if (method, path) == ("POST", "/v1/files") else {"json": body} if method in ("POST", "PUT", "PATCH") else {}
    return http.request(method, address, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=20, **sent)


def wrong(operations, expected, asked):
    """The routes whose answer is not as expected, with that answer: all of them at once are easier to mend."""
    found = []
    for method, path, about in operations:
        answer = asked(method, path, about)
        if answer is not None and not expected(answer):
            found.append(f"{method} {path}: {answer.status_code} {answer.text[:160]}")
    return found


def test_a_page_without_this_installations_session_gets_no_answer(http, operations):
    closed = [one for one in operations if one[1] not in OPEN | {"/mcp"}]   # MCP's conformance suite wants a page of our own origin let in
    assert len(closed) > 150
    page = {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "origin": str(http.base_url).rstrip("/")}
    assert not wrong(closed, lambda answer: answer.status_code == 401, lambda method, path, _: ask(http, method, path, {}, **page))


def test_a_page_of_elsewhere_gets_no_answer(http, operations):
    for headers in ({"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site", "sec_fetch_mode": "cors"}, {"host": "evil.example"}):
        assert not wrong(operations, lambda answer: answer.status_code == 403, lambda method, path, _: ask(http, method, path, {}, **headers))


def test_what_does_not_exist_is_not_found_whatever_is_asked_of_it(http, operations):
    def asked(method, path, _):
        return ask(http, method, path) if "{" in path and method in ("GET", "DELETE") else None

    assert not wrong(operations, lambda answer: answer.status_code == 404 and answer.json()["error"]["message"], asked)


def test_a_field_that_nobody_knows_is_refused_by_name(http, operations):
    def asked(method, path, about):
        return ask(http, method, path, {SURPRISE: 1}) if "requestBody" in about else None

    def refused(answer):
        return answer.status_code in (400, 404) and SURPRISE in answer.json()["error"]["message"]

    assert not wrong(operations, refused, asked)
