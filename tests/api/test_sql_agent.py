"""A question in words over a database, as one durable run: linking, values, repair, chart, the SQL that ran; and what cannot be named."""
import json
import sqlite3
import sys

import pytest

from conftest import ROOT, Server
from test_agents import Provider, in_turn, provider  # noqa: F401 (a fixture)
from test_flows import API, ended, until

EXAMPLE = ROOT / "examples/sql-agent"
sys.path.insert(0, str(EXAMPLE))
import load  # noqa: E402


@pytest.fixture
def shop(new_folder, provider):
    folder = new_folder()
    load.load(folder / "shop")
    (folder / "data").mkdir(mode=0o755)
    (folder / "data/tools.json").write_text((folder / "shop/tools.json").read_text())
    running = Server(folder / "data")
    provider.connect(running.http)
    answer = running.http.put(f"{API}/flows/ask-database", json={"text": (EXAMPLE / "flow.yaml").read_text(), "why": "test"})
    assert answer.status_code == 200, answer.text
    yield running
    running.stop()


def ask(server, question, database="shop", **more):
    answer = server.http.post(f"{API}/flows/ask-database/runs", json={"input": {"question": question, "database": database, **more}})
    assert answer.status_code == 200, answer.text
    run = until(server.http, answer.json()["id"], ended)
    assert run["state"] == "succeeded", run
    return run["result"]


def call(server, name, **arguments):
    return server.http.post(f"{API}/tools/{name}/call", json={"arguments": arguments}).json()


def sql(text):
    return {"sql": text}


def test_what_ships_is_what_the_example_shows(http):
    templates = {one["name"]: one["text"] for one in http.get(f"{API}/flow_templates").json()["data"]}
    assert templates["ask-database"] == (EXAMPLE / "flow.yaml").read_text()
    assert http.post(f"{API}/agents/check", json={"text": (EXAMPLE / "agent.yaml").read_text()}).status_code == 200


def test_the_gold_sql_of_the_data_set_runs_and_gives_rows(shop):
    questions = json.loads((EXAMPLE / "questions.json").read_text())
    assert len(questions) >= 40 and len({one["question"] for one in questions}) == len(questions)
    for one in questions[::4] + json.loads((EXAMPLE / "known.json").read_text())[::4]:
        outcome = call(shop, "query_shop", sql=one["sql"])
        assert outcome["state"] == "done" and outcome["result"]["rows"], one


def test_a_known_question_with_other_values_needs_no_model(shop, provider):
    result = ask(shop, "How many customers live in Hambourg?")   # misspelt: the value index knows what stands in the database
    assert result["by"] == "known question" and result["tries"] == 0 and not provider.calls
    assert result["sql"] == "SELECT count(*) AS customers FROM customers WHERE city = 'Hamburg'", "the SQL that ran is shown"
    with sqlite3.connect(shop.data.parent / "shop/shop.db") as gold:
        assert result["rows"] == [list(row) for row in gold.execute(result["sql"])]
    assert result["answer"] == f"customers: {result['rows'][0][0]}." and result["chart"] is None


def test_a_model_sees_tables_and_values_and_mends_what_the_database_refuses(shop, provider):
    provider.script = in_turn(sql("SELECT nme FROM products WHERE category = 'Toys' AND stock > 3"), sql("SELECT name FROM products WHERE category = 'Toys' AND stock > 3"))
    result = ask(shop, "toys with more than three pieces left on our shelves right now")
    assert result["answered"] and result["by"] == "model" and result["tries"] == 2 and result["rows"]
    first, second = (call["messages"][-1]["content"] for call in provider.calls)
    assert "CREATE TABLE products(" in first and "products.category = 'Toys'" in first
    assert "no such column" in second and "SELECT nme" in second, "the database's own words go back to the model"


def test_no_rows_for_a_value_that_stands_nowhere_is_mended_too(shop, provider):
    provider.script = in_turn(sql("SELECT name, price FROM products WHERE category = 'toys'"), sql("SELECT name, price FROM products WHERE category = 'Toys'"))
    result = ask(shop, "play things and what each of them costs, sorted somehow or other")
    assert result["tries"] == 2 and len(result["rows"]) == 5
    assert "has 'Toys'" in provider.calls[1]["messages"][-1]["content"]
    assert result["chart"] == {"kind": "bar", "x": "name", "y": "price"} and "highest price" in result["answer"]


def test_tries_are_bounded_and_the_failure_says_what_was_wrong(shop, provider):
    provider.script = lambda messages, schema: sql("SELECT cents FROM nowhere")
    result = ask(shop, "something that nobody could ever answer from these tables", tries=2)
    assert not result["answered"] and result["tries"] == 2 and len(provider.calls) == 2
    assert "no such table" in result["error"] and result["sql"] == "SELECT cents FROM nowhere" and result["rows"] == []


def test_time_is_drawn_as_a_line_and_rows_are_limited(shop):
    months = call(shop, "query_shop", sql="SELECT substr(day, 1, 7) AS month, count(*) AS orders FROM orders GROUP BY month ORDER BY month")["result"]
    assert months["chart"] == {"kind": "line", "x": "month", "y": "orders"} and len(months["rows"]) == 12
    many = call(shop, "query_shop", sql="SELECT id FROM orders", rows=10)["result"]
    assert many["truncated"] and len(many["rows"]) == 10 and many["sentence"].startswith("More than 10 rows")
    slow = call(shop, "query_shop", sql="SELECT count(*) FROM order_items a, order_items b, order_items c, order_items d")
    assert slow["error"]["code"] == "timeout"


def test_an_unknown_database_is_told_with_the_nearest_name(shop):
    answer = shop.http.post(f"{API}/tools/database_query/check", json={"arguments": {"database": "shopp", "sql": "SELECT 1"}}).json()
    assert not answer["valid"] and "shop" in json.dumps(answer["problems"])


def test_a_person_s_no_to_a_database_holds_for_the_tools_before_it(shop):
    shop.http.put(f"{API}/tools/query_shop/permission", json={"permission": "deny", "why": "a test"}).raise_for_status()
    assert call(shop, "database_query", database="shop", sql="SELECT 1")["error"]["code"] == "permission_denied"


def test_the_telemetry_is_this_tenants_own_and_nothing_else_can_be_named(shop, provider):
    provider.script = lambda messages, schema: sql("SELECT 1")
    ask(shop, "something that is asked so that a model is called and paid for at all")
    shop.stop()
    with sqlite3.connect(shop.data / "strata.db") as store:
        store.execute("INSERT INTO usage_days SELECT 'other', day, 'secret-model', product, calls, failed, unpriced, input_tokens, cached_tokens, output_tokens, cpu_s, 99 "
                      "FROM usage_days LIMIT 1")
    store.close()
    with sqlite3.connect(shop.data / "telemetry.db") as telemetry:
        telemetry.execute("INSERT INTO traces(trace_id, started_ms, name, tenant) VALUES('ff', 1, 'secret request', 'other')")
    telemetry.close()
    shop.start()
    provider.calls.clear()
    result = ask(shop, "What did we spend last week, by model?", database="telemetry")
    assert result["by"] == "known question" and result["columns"] == ["model", "cost"] and not provider.calls
    models = [row[0] for row in result["rows"]]
    assert "scripted" in models and "secret-model" not in models
    rows = lambda text: call(shop, "query_telemetry", sql=text)["result"]["rows"]
    assert rows("SELECT count(*) FROM spend WHERE model = 'secret-model'") == [[0]]
    assert rows("SELECT count(*) FROM requests WHERE name LIKE '%secret%'") == [[0]] and rows("SELECT count(*) > 0 FROM requests") == [[1]]
    live = shop.data / "strata.db"
    for attack in ("SELECT * FROM sqlite_master", "SELECT * FROM sqlite_schema", "SELECT * FROM main.sqlite_master", "SELECT * FROM usage_days", "SELECT * FROM schema_migrations",
                   "SELECT name FROM pragma_table_list", "SELECT * FROM pragma_database_list", "SELECT * FROM dbstat", f"ATTACH '{live}' AS live",
                   f"SELECT 1; ATTACH '{live}' AS live", "SELECT * FROM live.usage_days", "SELECT load_extension('x')", f"SELECT readfile('{live}')",
                   "PRAGMA database_list", "WITH t AS (SELECT * FROM traces) SELECT * FROM t", "SELECT (SELECT sql FROM sqlite_master LIMIT 1)",
                   "SELECT * FROM spend UNION SELECT *, 1, 1, 1, 1, 1, 1 FROM sqlite_master", "VACUUM INTO '/tmp/x'", "CREATE TEMP VIEW v AS SELECT 1", "DELETE FROM spend"):
        outcome = call(shop, "query_telemetry", sql=attack)
        assert outcome["state"] == "failed" and outcome["error"]["code"] in ("not_allowed", "no_such_table", "not_one_statement", "sql_error", "syntax"), (attack, outcome)
    seen = call(shop, "query_telemetry_schema")["result"]["tables"]
    assert sorted(table["name"] for table in seen) == ["requests", "spend"]


def test_the_live_store_is_refused_as_a_database(new_folder):
    folder = new_folder()
    running = Server(folder / "data")
    running.stop()
    for name in ("strata.db", "telemetry.db"):
        (folder / "data/tools.json").write_text(json.dumps({"databases": [{"name": "live", "path": str(folder / "data" / ".." / "data" / name)}]}))
        with pytest.raises(AssertionError, match="own live database"):
            Server(folder / "data")
