"""The simulator fills a product through the real API, and takes away exactly what it put there."""
import json
import subprocess

import pytest

from conftest import STRATA, Server, upload_handbook

PRODUCT = "/strata/v1/products/support-copilot"


def simulate(server, *arguments):
    done = subprocess.run([STRATA, "simulate", *arguments, "--server", server.url, "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def drafts(server):
    return server.http.get("/strata/v1/drafts?product=support-copilot&limit=1000").json()["data"]


def conversations(server):
    return server.http.get("/strata/v1/conversations?limit=1000").json()["data"]


def how_they_ended(server):
    return {row["title"]: server.http.get(f"/strata/v1/conversations/{row['id']}/outcome").json() for row in conversations(server)}


def story(server):
    """Everything that decides the numbers, without what differs between two runs (ids, times of the machine)."""
    ends = how_they_ended(server)
    sent = sorted((row["state"], row["edited"], row["edit_distance"], row["text"], row["decided_at"]) for row in drafts(server))
    return {title: (row["outcome"], row["user"], row["end_user"], row["opened_at"], row["ended_at"]) for title, row in ends.items()}, sent


@pytest.fixture
def other_server(new_folder):
    running = Server(new_folder() / "data")
    yield running
    running.stop()


def test_a_fill_is_marked_lies_in_the_past_and_is_the_same_for_the_same_seed(fresh_server, other_server):
    first = simulate(fresh_server, "fill", "--scripted", "--weeks", "2", "--tickets", "8", "--seed", "3")
    assert first["made"] == first["tickets"] == 14
    ends = how_they_ended(fresh_server)
    assert len(ends) == 14
    now = fresh_server.http.get("/strata/v1/drafts?limit=1")  # the server's clock, by its Date header
    assert now.status_code == 200
    for title, row in ends.items():
        assert "simulated" in title and row["simulated"] and row["outcome"] != "open"
        assert row["opened_at"] < row["ended_at"]
    assert {row["outcome"] for row in ends.values()} <= {"resolved", "escalated", "abandoned", "deflected"}
    for row in drafts(fresh_server):
        assert row["simulated"] and row["state"] in ("sent", "discarded")
    assert fresh_server.http.get(PRODUCT).json()["simulated"]
    spec = fresh_server.http.get(f"{PRODUCT}/spec").json()
    assert spec["version"] == 1 and "hallucination_risk: high" in spec["text"]
    assert [row["id"] for row in fresh_server.http.get("/strata/v1/providers").json()["data"]] == []   # the stand-in is gone
    simulate(other_server, "fill", "--scripted", "--weeks", "2", "--tickets", "8", "--seed", "3")
    assert story(fresh_server) == story(other_server)
    # Again: nothing is made twice.
    again = simulate(fresh_server, "fill", "--scripted", "--weeks", "2", "--tickets", "8", "--seed", "3")
    assert again["made"] == 0 and len(conversations(fresh_server)) == 14


def test_a_fill_that_was_cut_goes_on_and_comes_out_the_same(fresh_server, other_server):
    simulate(other_server, "fill", "--scripted", "--weeks", "1", "--tickets", "6", "--seed", "5")
    # Cut in the middle: the ending of two conversations is taken back, as if the fill had been killed before it.
    simulate(fresh_server, "fill", "--scripted", "--weeks", "1", "--tickets", "6", "--seed", "5")
    open_again = [row for row in conversations(fresh_server)][:2]
    for row in open_again:
        before = fresh_server.http.get(f"/strata/v1/conversations/{row['id']}/outcome").json()
        if before["handed_over"] or before["channel"] == "customer":
            continue
        fresh_server.http.post(f"/strata/v1/conversations/{row['id']}/outcome", json={"outcome": "open"}).raise_for_status()
    simulate(fresh_server, "fill", "--scripted", "--weeks", "1", "--tickets", "6", "--seed", "5")
    ours, theirs = how_they_ended(fresh_server), how_they_ended(other_server)
    assert {title: row["outcome"] for title, row in ours.items()} == {title: row["outcome"] for title, row in theirs.items()}
    assert len(drafts(fresh_server)) == len(drafts(other_server))


def all_rows(server, name, week, kind=""):
    out, after = [], ""
    while True:
        page = server.http.get(f"{PRODUCT}/rows?list={name}&kind={kind}&week={week}&limit=100{after}").json()
        out += page["data"]
        if not page["has_more"]:
            return out
        after = f"&after={page['data'][-1]['id']}"


def test_the_dashboard_says_what_a_count_over_the_rows_says(fresh_server):
    filled = simulate(fresh_server, "fill", "--scripted", "--weeks", "3", "--tickets", "14", "--seed", "2")
    weeks = fresh_server.http.get(f"{PRODUCT}/weeks?last={filled['last_week']}&limit=3").json()["data"]
    assert [week["week"] for week in weeks][0] == filled["first_week"] and len(weeks) == 3
    seen = 0
    for report in weeks:
        week, shown = report["week"], {row["key"]: row["value"] for row in report["metrics"]}
        assert report["simulated"]
        ended = all_rows(fresh_server, "conversations", week, "ended")
        seen += len(ended)
        resolved = sum(row["outcome"] in ("resolved", "deflected") for row in ended)
        deflected = sum(row["outcome"] == "deflected" for row in ended)
        sent = all_rows(fresh_server, "drafts", week, "sent")
        judged = all_rows(fresh_server, "judgements", week)
        scores = [row["score"] for row in all_rows(fresh_server, "satisfaction", week)]
        outputs = all_rows(fresh_server, "outputs", week)
        facts = {row["name"]: row["value"] for row in fresh_server.http.get(f"{PRODUCT}/facts?week={week}").json()["data"]}
        opened = all_rows(fresh_server, "conversations", week)
        share = lambda part, whole: pytest.approx(part / whole) if whole else None
        assert len(outputs) == len(opened)
        assert shown["resolution_rate"] == share(resolved, len(ended))
        assert shown["deflection_rate"] == share(deflected, len(ended))
        assert shown["edit_rate"] == share(sum(row["edited"] for row in sent), len(sent))
        assert shown["accuracy"] == share(sum(row["correct"] for row in judged), len(judged))
        assert shown["hallucination_rate"] == share(sum(row["fabricated"] for row in judged), len(judged))
        assert shown["csat"] == share(sum(scores), len(scores))
        assert shown["cost_per_resolution"] == share(facts["human_cost"], resolved)
        active = {row["end_user"] for row in opened if row["channel"] == "customer"} | {row["user"] for row in opened if row["channel"] == "agent"}
        assert shown["adoption_rate"] == share(len(active), facts["eligible_users"])
        slowest = sorted(row["total_ms"] for row in outputs)
        assert shown["latency_p95"] == pytest.approx(slowest[-(-95 * len(slowest) // 100) - 1] / 1000)
    assert seen == filled["tickets"]


def rows_of(server):
    """Counts of all that a person can list."""
    paths = ("/v1/vector_stores", "/v1/files", "/strata/v1/conversations", "/strata/v1/products", "/strata/v1/drafts", "/strata/v1/handovers",
             "/strata/v1/providers")
    return {path: sorted(row["id"] for row in server.http.get(path + "?limit=100").json()["data"]) for path in paths}


def test_removing_leaves_no_row_and_touches_nothing_else(fresh_server):
    http = fresh_server.http
    base = upload_handbook(fresh_server.sdk)
    http.post("/strata/v1/products", json={"id": "real", "name": "Real"}).raise_for_status()
    talk = http.post("/strata/v1/products/real/conversations", json={"title": "A real one"}).json()["id"]
    http.post(f"/strata/v1/conversations/{talk}/messages", json={"content": "How many days of annual leave?", "vector_store_ids": [base], "generate": False}).raise_for_status()
    before = rows_of(fresh_server)
    answer = [m["answer_id"] for m in http.get(f"/strata/v1/conversations/{talk}").json()["messages"] if m["answer_id"]][0]
    simulate(fresh_server, "fill", "--scripted", "--weeks", "1", "--tickets", "8")
    draft = drafts(fresh_server)[0]
    assert http.get(f"/strata/v1/answers/{draft['answer_id']}").status_code == 200
    assert rows_of(fresh_server) != before
    update = http.post(f"{PRODUCT}/updates", json={}).json()["id"]
    removed = simulate(fresh_server, "remove")
    assert removed["rows"] > 8 and removed["files"] == 8
    assert rows_of(fresh_server) == before
    assert http.get(f"/strata/v1/answers/{draft['answer_id']}").status_code == 404
    assert http.get(f"/strata/v1/answers/{answer}").status_code == 200
    assert http.get(f"/strata/v1/conversations/{talk}/outcome").json()["product"] == "real"
    assert http.get(f"/strata/v1/updates/{update}").status_code == 404
    assert http.get(f"{PRODUCT}/spec").status_code == 404
    assert simulate(fresh_server, "remove") == {"rows": 0, "files": 0}


def test_wrong_use_is_named():
    done = subprocess.run([STRATA, "simulate", "fill", "--weeks", "0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--weeks" in done.stderr
