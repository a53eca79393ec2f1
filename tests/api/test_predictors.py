"""Classifiers and recommenders that are trained through the API and called as tools. Real data where ../shared/data has it."""
import json
import os
import pathlib
import sqlite3

import pytest

from conftest import ROOT, cli_json, run_cli

API = "/strata/v1"
DATA = pathlib.Path(os.environ.get("STRATA_DATA", ROOT.parents[1] / "shared/data" if (ROOT.parents[1] / "shared/data").exists() else ROOT.parent / "shared/data"))
INJECTIONS = DATA / "guard/deepset-injections/train.jsonl"
CHINOOK = DATA / "sql/sql-chinook/Chinook_Sqlite.sqlite"

TICKETS = {
    "money": ["I was charged twice this month", "please refund my last payment", "the invoice shows the wrong amount", "my card was declined",
              "when do I get my money back", "why is there a fee on my bill"],
    "access": ["I forgot my password", "the login page does not let me in", "my account is locked", "how do I reset two-factor sign-in",
               "the confirmation code never arrives", "I cannot sign in on my phone"],
    "cancel": ["I want to end my subscription", "please close my plan", "how can I cancel at the end of the month", "stop the renewal of my plan",
               "we no longer need the service", "delete our workspace next week"],
}


def train(http, **body):
    answer = http.post(f"{API}/predictors", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def call(http, tool, **arguments):
    return http.post(f"{API}/tools/{tool}/call", json={"arguments": arguments}).json()


def test_a_classifier_is_trained_from_examples_and_is_a_tool_with_versions(http):
    examples = [{"text": text, "label": label} for label, texts in TICKETS.items() for text in texts]
    first = train(http, name="desk", kind="classifier", description="What a ticket is about.", examples=examples)
    assert first["version"] == 1 and first["tool"] == "classify_desk" and first["report"]["baseline_accuracy"] == pytest.approx(1 / 3)
    assert first["report"]["accuracy"] > 0.6 and {c["label"] for c in first["report"]["classes"]} == set(TICKETS)
    said = call(http, "classify_desk", text="I would like a refund for the double payment")
    assert said["state"] == "done" and said["result"]["label"] == "money", said
    assert train(http, name="desk", kind="classifier", examples=examples)["version"] == 2
    assert http.post(f"{API}/predictors/desk/use", json={"version": 1}).json()["live"] is True
    assert [(v["version"], v["live"]) for v in http.get(f"{API}/predictors/desk").json()["data"]] == [(2, False), (1, True)]
    assert "did you mean 'desk'" in http.get(f"{API}/predictors/dsk").json()["error"]["message"]
    assert http.delete(f"{API}/predictors/desk").json()["deleted"] is True
    assert call(http, "classify_desk", text="x")["error"]["message"]


def test_what_is_wrong_with_a_training_is_told_by_field(http):
    for body, word in (({"name": "x", "kind": "classifier"}, "either 'examples' or 'file_id'"),
                       ({"name": "x", "kind": "classifer", "examples": []}, "classif"),
                       ({"name": "x", "kind": "classifier", "examples": [{"text": "a", "label": "b"}]}, "2 to 100 different labels"),
                       ({"name": "x", "kind": "classifier", "examples": [{"txt": "a"}]}, "examples[0]"),
                       ({"name": "x", "kind": "recommender", "rows": [{"user": "a", "item": "b"}]}, "4 users"),
                       ({"name": "Bad", "kind": "recommender", "rows": []}, "name: expected")):
        answer = http.post(f"{API}/predictors", json=body)
        assert answer.status_code == 400 and word in answer.json()["error"]["message"], answer.text


def test_the_command_line_trains_lists_and_removes(server, tmp_path):
    rows = [{"user": f"u{u}", "item": ("tea" if u < 10 else "bolt") + str(i)} for u in range(20) for i in range(4) if i != u % 4]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    made = cli_json("predictor", "train", "recommender", "shelf", file, "--server", server.url)
    assert made["report"]["users"] == 20 and made["report"]["recall_at_10"] >= made["report"]["baseline_recall_at_10"]
    assert "trivial" in run_cli("predictor", "list", "shelf", "--server", server.url).stdout
    said = call(server.http, "recommend_shelf", user="u0", count=1)
    assert said["result"]["items"][0]["item"] == "tea0", said
    scored = call(server.http, "recommend_shelf", items=["bolt1"], candidates=["tea1", "bolt2"])
    assert scored["result"]["items"][0]["item"] == "bolt2"
    run_cli("predictor", "remove", "shelf", "--server", server.url)
    file.write_text('{"user": "a"')
    assert "line 1" in run_cli("predictor", "train", "recommender", "shelf", file, "--server", server.url, check=False).stderr


@pytest.mark.skipif(not INJECTIONS.exists(), reason="no ../shared/data")
def test_on_real_prompts_injections_are_told_from_questions_far_better_than_by_the_majority(http):
    examples = [{"text": row["text"][:4000], "label": "injection" if row["label"] else "question"} for row in map(json.loads, INJECTIONS.read_text().splitlines())]
    report = train(http, name="injections", kind="classifier", examples=examples)["report"]
    print(report["accuracy"], report["macro_f1"], report["baseline_accuracy"])
    assert report["accuracy"] > report["baseline_accuracy"] + 0.1 and report["macro_f1"] > 0.7


@pytest.mark.skipif(not CHINOOK.exists(), reason="no ../shared/data")
def test_on_real_purchases_the_hidden_artist_is_found_far_more_often_than_by_popularity(http):
    with sqlite3.connect(f"file:{CHINOOK}?mode=ro", uri=True) as shop:
        rows = [{"user": str(user), "item": artist} for user, artist in shop.execute(
            "SELECT DISTINCT i.CustomerId, r.Name FROM InvoiceLine l JOIN Invoice i USING(InvoiceId) JOIN Track t USING(TrackId) JOIN Album a USING(AlbumId) "
            "JOIN Artist r USING(ArtistId) ORDER BY 1, 2")]
    report = train(http, name="music", kind="recommender", rows=rows)["report"]
    print(report)
    assert report["users_tested"] == 59 and report["recall_at_10"] > report["baseline_recall_at_10"] + 0.15
