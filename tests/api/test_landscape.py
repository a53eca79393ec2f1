"""The model landscape and the decision helper, over HTTP and from the command line."""
import json

import pytest

from conftest import MODELS, cli_json, run_cli

MATRIX = [
    {"need": "Private docs", "rag": "yes", "fine_tune": "no"},
    {"need": "Style consistency", "rag": "no", "fine_tune": "yes"},
    {"need": "Domain jargon", "rag": "partly", "fine_tune": "yes"},
    {"need": "Dynamic data", "rag": "yes", "fine_tune": "no"},
]


def test_landscape_has_facts_with_sources_and_says_what_is_here(http, model):
    landscape = http.get("/strata/v1/landscape").json()
    models = {row["id"]: row for row in landscape["models"]}
    for id in ("gpt-4o", "claude-3.5-sonnet", "gemini-1.5-pro", "llama-3.1-8b", "gpt-4o-mini", "claude-3.5-haiku"):
        assert models[id]["facts"]["context_tokens"]["value"] > 4096
    assert {field["axis"] for field in landscape["fields"]} >= {
        "context length", "training data style", "safety tuning", "reasoning vs creativity", "cost vs latency", "suitability", "alignment"}
    for row in landscape["models"]:
        for name, fact in row["facts"].items():
            assert fact["value"] is None or fact["source"] in landscape["sources"], (row["id"], name)
    here = {row["id"]: row for row in landscape["installed"]}
    assert here[model]["default"] and here[model]["catalogue_id"] == "smollm2-135m"
    assert models["smollm2-135m"]["here"] == [model]
    assert models["all-minilm-l6-v2"]["here"]
    assert models["gpt-4o"]["facts"]["parameters"] == {"value": None, "source": "openai-models", "as_of": "2026-03", "note": "", "inherited": False}
    assert landscape["own_file"]["found"] is False


def test_one_model_by_name_and_the_nearest_of_a_missing_one(http):
    assert http.get("/strata/v1/landscape/models/Claude%203.5").json()["id"] == "claude-3.5-sonnet"
    missing = http.get("/strata/v1/landscape/models/gpt-4o-mni")
    assert missing.status_code == 404
    assert "did you mean 'gpt-4o-mini'?" in missing.json()["error"]["message"]


def test_comparison_ranks_with_reasons(http):
    body = http.post("/strata/v1/landscape/compare", json={"use": "coding", "lean": "reasoning", "favour": "cost"}).json()
    scores = [row["score"] for row in body["rows"]]
    assert scores == sorted(scores, reverse=True) and [row["rank"] for row in body["rows"]] == list(range(1, len(scores) + 1))
    for row in body["rows"]:
        assert sum(part["weight"] for part in row["parts"]) == pytest.approx(1)
        assert row["score"] == pytest.approx(100 * sum(part["weight"] * part["points"] for part in row["parts"]))
        assert all(part["reason"] for part in row["parts"])
    left = {row["id"]: row["reason"] for row in body["left_out"]}
    assert "retired" in left["claude-3.5-sonnet"]
    here = http.post("/strata/v1/landscape/compare", json={"here_only": True}).json()
    assert [row["id"] for row in here["rows"]] == ["smollm2-135m"]


def test_comparison_names_a_wrong_word(http):
    wrong = http.post("/strata/v1/landscape/compare", json={"use": "codng"}).json()["error"]
    assert wrong["param"] == "use" and "coding" in wrong["message"]
    wrong = http.post("/strata/v1/landscape/compare", json={"favor": "cost"}).json()["error"]
    assert "did you mean 'favour'" in wrong["message"]
    assert http.post("/strata/v1/landscape/compare", json={"models": ["nonesuch-9"]}).status_code == 404


def test_decision_helper_over_http(http):
    page = http.get("/strata/v1/decide").json()
    assert page["matrix"] == MATRIX
    assert len(page["questions"]) == 8
    advice = http.post("/strata/v1/decide", json={"private_docs": True, "dynamic_data": True}).json()
    assert advice["approach"] == "rag"
    assert advice["matrix_cells"] == [MATRIX[0], MATRIX[3]]
    tuned = {"style_consistency": True, "narrow_task": True, "daily_requests": 10001, "labelled_examples": 500}
    advice = http.post("/strata/v1/decide", json=tuned).json()
    assert advice["approach"] == "fine_tune" and all(row["met"] for row in advice["fine_tuning_conditions"])
    # Each change that it names is true.
    for change in advice["would_change_it"]:
        value = {"yes": True, "no": False}.get(change["to"], change["to"])
        other = dict(tuned, **{change["question"]: value if isinstance(value, bool) else int(value)})
        assert http.post("/strata/v1/decide", json=other).json()["approach"] == change["approach"]
    assert http.post("/strata/v1/decide", json={"privat_docs": True}).json()["error"]["param"] == "privat_docs"


def test_own_file_changes_adds_and_is_checked(fresh_server):
    path = fresh_server.data / "landscape.json"
    own = {"models": [{"id": "gpt-4o", "as_of": "2026-11", "facts": {"price_in": 2.0}},
                      {"id": "house", "name": "House model", "family": "meta-llama"}]}
    path.write_text(json.dumps(own))
    path.chmod(0o644)
    landscape = fresh_server.http.get("/strata/v1/landscape").json()
    models = {row["id"]: row for row in landscape["models"]}
    assert models["gpt-4o"]["origin"] == "changed by you" and models["gpt-4o"]["facts"]["price_in"]["value"] == 2
    assert models["house"]["origin"] == "yours" and landscape["own_file"] == {"path": str(path), "found": True, "error": None}
    path.write_text('{"models": [\n {"id": "house", "name": "House", "family": "meta-lama"}]}')
    landscape = fresh_server.http.get("/strata/v1/landscape").json()
    assert "line 2: models[0].family" in landscape["own_file"]["error"] and "'meta-llama'" in landscape["own_file"]["error"]
    assert "house" not in {row["id"] for row in landscape["models"]}
    failed = run_cli("landscape", "--check", str(path), check=False)
    assert failed.returncode == 2 and "line 2" in failed.stderr


def test_a_provider_is_known_by_its_models_name(fresh_server):
    fresh_server.http.post("/strata/v1/providers", json={"id": "work", "base_url": "http://127.0.0.1:9/v1", "model": "gpt-4o-mini-2024-07-18", "key": "k"}).raise_for_status()
    here = {row["id"]: row for row in fresh_server.http.get("/strata/v1/landscape").json()["installed"]}
    assert here["work"]["catalogue_id"] == "gpt-4o-mini" and here["work"]["remote"]


def test_command_line(server):
    common = ("--data", str(server.data), "--models", MODELS)
    table = run_cli("landscape", *common).stdout
    assert "gpt-4o" in table and "unknown" in table
    shown = run_cli("landscape", "Llama 3.1 8B", *common).stdout
    assert "Llama 3.1 Community License" in shown and "2023-12" in shown
    ranked = cli_json("landscape", "--for", "coding", "--favour", "cost", *common)
    assert ranked["rows"][0]["rank"] == 1
    assert run_cli("landscape", "--for", "codng", *common, check=False).returncode == 2
    advice = cli_json("decide", "--private-docs", "--daily-requests", "5000")
    assert advice["approach"] == "rag"
    text = run_cli("decide").stdout
    assert text.startswith("In-context") and "What would change it" in text
