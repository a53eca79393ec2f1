"""Conversations of a product with outcomes, its metrics and its weekly update, through the API and nothing else."""
import datetime

import pytest

PRODUCT = "/strata/v1/products/support-copilot"
NOW = datetime.datetime.now(datetime.timezone.utc)
WEEK = "{0:04d}-W{1:02d}".format(*NOW.isocalendar())


def good(response):
    assert response.status_code == 200, response.text
    return response.json()


def refused(response, status, *words):
    assert response.status_code == status, response.text
    message = response.json()["error"]["message"]
    for word in words:
        assert word in message, message
    return response.json()["error"]


@pytest.fixture
def api(fresh_server):
    http = fresh_server.http
    good(http.post("/strata/v1/products", json={"id": "support-copilot", "name": "Support Copilot"}))
    return http


def opened(api, **fields):
    return good(api.post(PRODUCT + "/conversations", json=fields))["id"]


def test_a_conversation_gets_a_product_an_outcome_and_a_score(api):
    conversation = opened(api, channel="customer", end_user="bob")
    assert good(api.get(f"/strata/v1/conversations/{conversation}/outcome"))["outcome"] == "open"
    output = good(api.post(PRODUCT + "/outputs", json={"conversation_id": conversation, "total_ms": 1500, "model": "m"}))
    assert output["product"] == "support-copilot"
    judgement = good(api.post(f"/strata/v1/answers/{output['id']}/judgements", json={"correct": True, "who": "eva"}))
    assert judgement["fabricated"] is False
    ended = good(api.post(f"/strata/v1/conversations/{conversation}/outcome", json={"outcome": "deflected"}))
    assert ended["outcome"] == "deflected" and ended["ended_at"]
    assert good(api.post(f"/strata/v1/conversations/{conversation}/satisfaction", json={"score": 5}))["score"] == 5


def test_what_is_wrong_is_named(api):
    conversation = opened(api)
    refused(api.post("/strata/v1/products/support-copilt/conversations", json={}), 404, "did you mean 'support-copilot'")
    refused(api.post(PRODUCT + "/conversations", json={"chanel": "agent"}), 400, "did you mean 'channel'")
    refused(api.post(f"/strata/v1/conversations/{conversation}/outcome", json={"outcome": "done"}), 400, "'resolved'")
    error = refused(api.post(f"/strata/v1/conversations/{conversation}/outcome", json={"outcome": "resolved", "at": 1700000000}), 400, "simulated")
    assert error["param"] == "at"
    refused(api.post("/strata/v1/answers/ans_none/judgements", json={"correct": True}), 404, "ans_none")
    refused(api.post(PRODUCT + "/facts", json={"week": "2026-47", "name": "csat", "value": 4}), 400, "2026-W47")
    csv = f"week,name,value\n{WEEK},eligible_users,40\n{WEEK},csta,4\n"
    refused(api.post(PRODUCT + "/facts/import", json={"csv": csv}), 400, "line 3", "did you mean 'csat'?")


def test_what_is_simulated_carries_its_own_time_and_goes_at_once(api):
    last_week = NOW.timestamp() - 7 * 86400
    conversation = opened(api, simulated=True, at=last_week)
    output = good(api.post(PRODUCT + "/outputs", json={"conversation_id": conversation, "total_ms": 900, "at": last_week + 5}))
    assert output["simulated"] and output["at"] == pytest.approx(last_week + 5, abs=0.01)
    good(api.post(f"/strata/v1/conversations/{conversation}/outcome", json={"outcome": "resolved", "at": last_week + 60}))
    removed = good(api.delete("/strata/v1/simulated?product=support-copilot"))
    assert removed["conversations"] == 1
    assert api.get(f"/strata/v1/conversations/{conversation}").status_code == 404
