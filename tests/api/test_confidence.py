"""Confidence: every answer says how sure it is in words, colour and icon; the command line prints it to the letter; ratings refit it."""
import json
import pathlib
import subprocess
import sys

from conftest import ROOT, cli_json, run_cli
from test_answers import ask

REFERENCE = ROOT / "tools/fixtures/answer_reference.py"
TREATMENTS = {
    "high_confidence": {"border_color": "#27ae60", "icon": "check_circle", "disclaimer": None},
    "medium_confidence": {"border_color": "#f39c12", "icon": "info", "disclaimer": "This response may need verification."},
    "low_confidence": {"border_color": "#e94560", "icon": "warning", "disclaimer": "Low confidence. Please verify before using."},
}
EXAMPLE = {"content": "Based on your policy, the refund window is 30 days from purchase.", "confidence": 0.72,
           "citations": [{"source": "refund_policy_v3.pdf", "page": 2}], "suggested_actions": ["Send to customer", "Edit draft", "Escalate"],
           "requires_human_review": True}


def label_of(confidence):
    return "high_confidence" if confidence >= 0.85 else "medium_confidence" if confidence >= 0.60 else "low_confidence"


def check(strata):
    assert strata["label"] == label_of(strata["confidence"])
    assert strata["treatment"] == TREATMENTS[strata["label"]]
    assert strata["requires_human_review"] == (strata["label"] == "low_confidence")


def test_label_and_treatment_by_command_line():
    for value, label in (("0.72", "medium_confidence"), ("0.85", "high_confidence"), ("0.8499999999999999", "medium_confidence"),
                         ("0.6", "medium_confidence"), ("0.5999999999999999", "low_confidence"), ("0", "low_confidence"), ("1", "high_confidence")):
        assert cli_json("answer", "label", value) == {"label": label, "treatment": TREATMENTS[label]}
    for wrong in ("1.01", "-0.1", "nan", "high", "0.7x", ""):
        done = run_cli("answer", "label", "--", wrong, check=False)
        assert done.returncode == 2 and "0.0 to 1.0" in done.stderr, wrong


def test_show_prints_what_the_reference_prints(tmp_path):
    for confidence in (0.72, 0.9, 0.1, 0.85, 0.6, 1, 0):
        file = tmp_path / "answer.json"
        file.write_text(json.dumps({**EXAMPLE, "confidence": confidence}))
        expected = subprocess.run([sys.executable, REFERENCE, "show", file], capture_output=True, text=True, check=True).stdout
        assert run_cli("answer", "show", file).stdout == expected
    file.write_text(json.dumps(EXAMPLE))
    assert run_cli("answer", "show", file).stdout == (
        "Confidence: medium_confidence\n"
        "UX treatment: {'border_color': '#f39c12', 'icon': 'info', 'disclaimer': 'This response may need verification.'}\n")


def test_show_names_the_field_that_is_wrong(tmp_path):
    file = tmp_path / "answer.json"
    for change, word in (({"confidance": 1}, "did you mean 'confidence'"), ({"confidence": 2}, "from 0 to 1"), ({"citations": [{"page": 1}]}, "citations[0].source"),
                         ({"suggested_actions": [3]}, "suggested_actions[0]")):
        file.write_text(json.dumps({**EXAMPLE, **change}))
        done = run_cli("answer", "show", file, check=False)
        assert done.returncode == 2 and word in done.stderr, done.stderr
    assert run_cli("answer", "show", tmp_path / "none.json", check=False).returncode == 4


def test_fixture_is_what_the_reference_makes():
    made = subprocess.run([sys.executable, REFERENCE], capture_output=True, text=True, check=True).stdout
    assert made == pathlib.Path(ROOT, "src/product/confidence/testdata/labels.json").read_text()


def test_every_answer_carries_label_treatment_actions_and_review(http, sdk, handbook):
    message = ask(http, handbook, "How long must passwords be?")
    check(message["strata"])
    assert message["strata"]["suggested_actions"]
    tools = [{"type": "file_search", "vector_store_ids": [handbook]}]
    response = http.post("/v1/responses", json={"input": "How long must passwords be?", "tools": tools}).json()
    check(response["strata"])
    conversation = http.post("/strata/v1/conversations", json={}).json()["id"]
    http.post(f"/strata/v1/conversations/{conversation}/messages", json={"content": "How long must passwords be?", "vector_store_ids": [handbook]})
    check(http.get(f"/strata/v1/conversations/{conversation}").json()["messages"][1]["strata"])
    check(http.get(f"/strata/v1/answers/{message['strata']['answer_id']}").json())


def test_a_refusal_has_no_confidence_and_offers_a_person(http, handbook):
    strata = ask(http, handbook, "What is the boiling point of tungsten?")["strata"]
    check(strata)
    assert strata["confidence"] == 0 and strata["raw_confidence"] >= 0
    assert "Ask a person" in strata["suggested_actions"]


def test_confidence_is_the_calibrated_raw_confidence(http, handbook):
    strata = ask(http, handbook, "How many weeks of parental leave are paid?")["strata"]
    points = [(p["raw"], p["calibrated"]) for p in http.get("/strata/v1/calibration").json()["table"]["points"]]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x0 <= strata["raw_confidence"] < x1:
            assert abs(strata["confidence"] - (y0 + (y1 - y0) * (strata["raw_confidence"] - x0) / (x1 - x0))) < 1e-9
            return
    raise AssertionError(strata["raw_confidence"])


def test_ratings_refit_the_calibration_and_it_can_be_taken_back(fresh_server):
    from conftest import upload_handbook
    http, base = fresh_server.http, upload_handbook(fresh_server.sdk)
    before = http.get("/strata/v1/calibration").json()
    assert not before["own"] and before["table"]["error"] <= 0.05 and before["table"]["fitted_on"] > 500
    assert sum(b["count"] for b in before["held_out"]["bins"]) == before["held_out"]["count"] == before["table"]["tested_on"]
    too_few = http.post("/strata/v1/calibration", json={})
    assert too_few.status_code == 409 and "at least 50" in too_few.json()["error"]["message"]
    questions = ["How many days of paid annual leave do full-time employees receive?", "How long must passwords be?", "What is the daily allowance for meals?"]
    for i in range(54):
        strata = ask(http, base, questions[i % 3], generate=False)["strata"]
        http.post(f"/strata/v1/answers/{strata['answer_id']}/feedback", json={"rating": "down" if i % 3 == 0 else "up"})
    done = run_cli("answer", "calibrate", "--server", fresh_server.url).stdout
    assert "fitted on 54 answers" in done
    after = http.get("/strata/v1/calibration").json()
    assert after["own"] and after["rated"]["count"] == 54 and after["rated"]["right"] == 36
    assert sum(b["count"] for b in after["rated"]["bins"]) == 54
    fresh_server.kill9()
    fresh_server.start()
    http = fresh_server.http
    assert http.get("/strata/v1/calibration").json()["table"] == after["table"]
    shown = cli_json("answer", "calibrate", "--show", "--server", fresh_server.url)
    assert shown["table"] == after["table"]
    assert not cli_json("answer", "calibrate", "--reset", "--server", fresh_server.url)["own"]
    assert http.get("/strata/v1/calibration").json()["table"] == before["table"]
