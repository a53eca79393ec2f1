#!/usr/bin/env python3
"""Asks the questions of questions.json over the shop database and says how many come back right: score.py [--server URL] [--model NAME] [--limit N]

Without --server it starts its own on a fresh data folder. Right: the same rows as the gold SQL's, in any order. Beside it the trivial
baseline: the SQL of the known question that shares the most words, as it stands.
"""
import argparse, json, os, pathlib, re, sqlite3, subprocess, sys, tempfile, time, urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import load


def call(server, method, path, body=None):
    request = urllib.request.Request(server + path, json.dumps(body).encode() if body is not None else None, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def ask(server, database, question, model=""):
    """The flow's result; None where the run failed."""
    run = call(server, "POST", "/strata/v1/flows/ask-database/runs", {"input": {"database": database, "question": question, "model": model}})
    while run["state"] not in ("succeeded", "failed", "cancelled"):
        time.sleep(0.05)
        run = call(server, "GET", f"/strata/v1/runs/{run['id']}")
    return run.get("result")


def same(left, right):
    plain = lambda rows: sorted(json.dumps([round(value, 2) if isinstance(value, float) else value for value in row]).replace(".0]", "]").replace(".0,", ",") for row in rows)
    return plain(left) == plain(right)


def words(text):
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def nearest(question, known):
    return max(known, key=lambda one: len(words(one["question"]) & words(question)) / len(words(one["question"]) | words(question)))


def start(folder, program):
    load.load(folder)
    server = subprocess.Popen([program, "serve", "--port", "0", "--data", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return server, "http://127.0.0.1:" + server.stdout.readline().rsplit(":", 1)[1].strip()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--server")
    options.add_argument("--model", default="")
    options.add_argument("--limit", type=int)
    options.add_argument("--program", default=str(HERE.parents[1] / "build/strata"))
    given = options.parse_args()
    questions, known = json.loads((HERE / "questions.json").read_text())[:given.limit], json.loads((HERE / "known.json").read_text())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-shop-"))
    folder.chmod(0o755)   # a server started as root gives root up
    load.make(folder / "gold.db")
    gold = sqlite3.connect(folder / "gold.db")
    own = None
    if not given.server:
        own, given.server = start(folder / "data", given.program)
    right = baseline = drafted = 0
    try:
        call(given.server, "PUT", "/strata/v1/flows/ask-database", {"text": (HERE / "flow.yaml").read_text(), "why": "examples/sql-agent"})
        for one in questions:
            wanted = gold.execute(one["sql"]).fetchall()
            result = ask(given.server, "shop", one["question"], given.model) or {}
            good = same(result.get("rows", []), wanted) and bool(result.get("answered"))
            right, drafted = right + good, drafted + (result.get("by") == "known question")
            baseline += same(gold.execute(nearest(one["question"], known)["sql"]).fetchall(), wanted)
            print(f"{'right' if good else 'WRONG'}  {one['question']}  [{result.get('by')}]  {result.get('answer')}", flush=True)
    finally:
        if own:
            own.terminate()
            own.wait()
    print(f"{right} of {len(questions)} right ({drafted} by a known question's SQL, the others written by the model); "
          f"trivial baseline (the nearest known question's SQL as it stands): {baseline}")


if __name__ == "__main__":
    main()
