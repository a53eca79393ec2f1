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


def test_what_a_person_enters_is_marked_as_entered_and_can_be_taken_back(api):
    at = NOW.timestamp() - 3600
    score = good(api.post(PRODUCT + "/satisfaction", json={"score": 4, "at": at}))
    assert (score["source"], score["conversation_id"], score["score"]) == ("entered", None, 4)
    refused(api.post(PRODUCT + "/satisfaction", json={"score": 6}), 400, "score", "from 1 to 5")
    refused(api.post("/strata/v1/products/support-copilt/satisfaction", json={"score": 4}), 404, "did you mean 'support-copilot'")
    step = good(api.post(PRODUCT + "/developers", json={"developer": "dee", "kind": "signup", "source": "entered", "at": at}))
    assert step["source"] == "entered"
    rows = good(api.get(PRODUCT + "/rows?list=satisfaction"))["data"]
    assert [row["source"] for row in rows] == ["entered"]
    for path in (f"/strata/v1/satisfaction/{score['id']}", f"/strata/v1/developer_events/{step['id']}"):
        assert good(api.delete(path))["deleted"]
        assert api.delete(path).status_code == 404
    assert good(api.get(PRODUCT + "/rows?list=satisfaction"))["data"] == []


def test_settings_say_what_stands_and_what_the_defaults_are(api):
    path = PRODUCT + "/metrics/settings"
    assert good(api.get(path))["defaults"]["csat"] == 4.0
    changed = good(api.patch(path, json={"csat": 4.5, "prompt_price": 2}))
    assert (changed["csat"], changed["defaults"]["csat"], changed["defaults"]["prompt_price"]) == (4.5, 4.0, None)
    refused(api.patch(path, json={"accuracy": 85}), 400, "accuracy", "from 0")
    assert good(api.patch(path, json={"csat": None, "prompt_price": None}))["csat"] == 4.0  # null: the default again


def worked_week(api):
    """Three tickets: one answered without an agent, two by an agent of whom one edits the draft."""
    csv = f"week,name,value\n{WEEK},eligible_users,4\n{WEEK},human_cost,6\n{WEEK},baseline_cost_per_resolution,5\n"
    assert good(api.post(PRODUCT + "/facts/import", json={"csv": csv}))["rows"] == 3
    for name, channel, outcome, score, correct, total_ms in [
        ("ann", "agent", "resolved", 5, True, 1000), ("ben", "agent", "escalated", 2, False, 4000), ("cem", "customer", "deflected", 5, True, 2000)]:
        conversation = opened(api, channel=channel, user=name, end_user=name)
        output = good(api.post(PRODUCT + "/outputs", json={"conversation_id": conversation, "total_ms": total_ms, "prompt_tokens": 1000, "completion_tokens": 100}))
        good(api.post(f"/strata/v1/answers/{output['id']}/judgements", json={"correct": correct, "fabricated": not correct, "who": "eva"}))
        good(api.post(f"/strata/v1/conversations/{conversation}/satisfaction", json={"score": score}))
        good(api.post(f"/strata/v1/conversations/{conversation}/outcome", json={"outcome": outcome}))


def test_the_week_shows_exactly_what_happened_and_the_rows_behind_it(api):
    empty = good(api.get(PRODUCT + "/metrics"))
    assert all(metric["value"] is None and metric["status"] == "NO DATA" for metric in empty["metrics"])
    worked_week(api)
    good(api.patch(PRODUCT + "/metrics/settings", json={"prompt_price": 2.0, "completion_price": 10.0}))
    week = good(api.get(PRODUCT + "/metrics", params={"week": WEEK}))
    values = {metric["key"]: metric["value"] for metric in week["metrics"]}
    assert list(values) == ["accuracy", "hallucination_rate", "latency_p95", "csat", "adoption_rate", "edit_rate", "resolution_rate", "deflection_rate",
                            "cost_per_resolution"]
    assert values["accuracy"] == pytest.approx(2 / 3) and values["hallucination_rate"] == pytest.approx(1 / 3)
    assert values["latency_p95"] == 4.0 and values["csat"] == 4.0 and values["adoption_rate"] == 0.75 and values["edit_rate"] is None
    assert values["resolution_rate"] == pytest.approx(2 / 3) and values["deflection_rate"] == pytest.approx(1 / 3)
    assert values["cost_per_resolution"] == pytest.approx((3000 * 2e-6 + 300 * 10e-6 + 6) / 2)
    states = {metric["key"]: metric["status"] for metric in week["metrics"]}
    assert states == {"accuracy": "FAIL", "hallucination_rate": "FAIL", "latency_p95": "PASS", "csat": "PASS", "adoption_rate": "PASS", "edit_rate": "NO DATA",
                      "resolution_rate": "WARN", "deflection_rate": "WARN", "cost_per_resolution": "WARN"}
    health = good(api.get(PRODUCT + "/health"))
    assert list(health["checks"]) == ["accuracy", "hallucination", "csat", "adoption", "deflection"] and health["passing"] == 2
    for number in week["metrics"] + week["impact"] + week["technical"] + week["developer"]:
        for source in number["rows"]:   # every number opens the rows behind it, and the count is true
            rows = good(api.get(source["href"] + "&limit=1000"))["data"]
            assert len(rows) == source["count"], (number["key"], source)
    behind = good(api.get(PRODUCT + "/rows", params={"metric": "deflection_rate", "week": WEEK}))
    assert len(behind["data"]) == 3 and behind["metric"]["value"] == values["deflection_rate"]
    assert len(good(api.get(PRODUCT + "/weeks", params={"limit": 3}))["data"]) == 3
    refused(api.get(PRODUCT + "/rows", params={"metric": "acuracy"}), 400, "accuracy")
    refused(api.get(PRODUCT + "/rows", params={"list": "cars"}), 400, "conversations")
    refused(api.patch(PRODUCT + "/metrics/settings", json={"accuracy": 2}), 400, "accuracy", "from 0.0 to 1.0")


def test_an_update_is_made_edited_and_downloaded(api):
    worked_week(api)
    update = good(api.post(PRODUCT + "/updates", json={"week": WEEK}))
    assert update["text"].startswith(f"WEEKLY UPDATE: Support Copilot (Week {int(WEEK[-2:])})\n\nSTATUS: 2/5 metrics on target")
    assert "- AI-assisted deflection: 33% (target: 40%)" in update["text"]
    path = f"/strata/v1/updates/{update['id']}"
    edited = good(api.patch(path, json={"body": update["body"] + "\nThanks <all>\n", "updated_at": update["updated_at"]}))
    assert edited["edited"]
    refused(api.patch(path, json={"body": "mine", "updated_at": update["updated_at"]}), 409, "read it again")
    html = api.get(path + "/download", params={"form": "html"})
    assert "Thanks &lt;all&gt;" in html.text and html.headers["content-disposition"].startswith("attachment")
    assert api.get(path + "/download", params={"form": "text"}).text == edited["text"]
    assert good(api.post(path + "/sent"))["state"] == "sent"
    refused(api.patch(path, json={"body": "late"}), 409, "was sent")
    assert [row["id"] for row in good(api.get(PRODUCT + "/updates"))["data"]] == [update["id"]]
    assert good(api.patch(PRODUCT + "/schedule", json={"hour": 8}))["hour"] == 8


def test_the_command_line_speaks_to_the_letter(tmp_path):
    from conftest import run_cli
    week8 = tmp_path / "week8.json"
    week8.write_text('{"accuracy": 0.91, "hallucination_rate": 0.03, "latency_p95": 2.8, "csat": 4.2, "adoption_rate": 0.72, "edit_rate": 0.24, '
                     '"resolution_rate": 0.76, "deflection_rate": 0.38, "cost_per_resolution": 4.20}')
    assert run_cli("metrics", "health", str(week8)).stdout == (
        " accuracy        PASS\n hallucination   PASS\n csat            PASS\n adoption        PASS\n deflection      WARN\n")
    text = run_cli("report", "stakeholder", str(week8), "--week", "8").stdout
    assert text.startswith("WEEKLY UPDATE: Support Copilot (Week 8)\n") and "STATUS: 4/5 metrics on target" in text
    assert text.endswith("ACTIONS:\n- Deflection below target; expanding knowledge base coverage\n")
    week8.write_text('{"accurracy": 1}')
    wrong = run_cli("metrics", "health", str(week8), check=False)
    assert wrong.returncode == 2 and "did you mean 'accuracy'?" in wrong.stderr
