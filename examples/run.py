"""Runs an example with one command: python3 examples/run.py NAME [TASK]

It starts what the example needs (its service, a Strata on a folder of its own), loads its documents, saves its agent or team, gives it the task, shows the
steps, asks you where a person is asked, and puts the files that were made into --out. With --score it runs the example's cases.json and prints how many were
right, beside the trivial baseline. With --provider a larger model answers, from any OpenAI-compatible server.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

HERE = pathlib.Path(__file__).resolve().parent
API = "/strata/v1"


class House:
    """A running Strata, and what was started for it."""

    def __init__(self, url, started):
        self.url, self.started, self.service = url, started, None

    def ask(self, method, path, body=None, content_type="application/json"):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": content_type}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read()
        except urllib.error.HTTPError as problem:
            sys.exit(f"{method} {path}: {json.loads(problem.read())['error']['message']}")

    def call(self, method, path, body=None):
        return json.loads(self.ask(method, path, body))

    def upload(self, name, data):
        mark = uuid.uuid4().hex
        body = (f'--{mark}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--{mark}\r\ncontent-disposition: form-data; name="file"; '
                f'filename="{name}"\r\ncontent-type: application/octet-stream\r\n\r\n').encode() + data + f"\r\n--{mark}--\r\n".encode()
        return json.loads(self.ask("POST", "/v1/files", body, f"multipart/form-data; boundary={mark}"))["id"]

    def stop(self):
        for process in reversed(self.started):
            process.terminate()
            process.wait()


def start(example, options):
    started, data = [], pathlib.Path(options.data or tempfile.mkdtemp(prefix="strata-example-"))
    data.mkdir(parents=True, exist_ok=True)
    service = None
    if example.get("service"):
        process = subprocess.Popen([sys.executable, HERE / "orders-service/service.py", "0"], stdout=subprocess.PIPE, text=True)
        started.append(process)
        service = process.stdout.readline().strip()
        described = json.loads((HERE / "orders-service/openapi.json").read_text())
        described["servers"] = [{"url": service}]
        (data / "orders.json").write_text(json.dumps(described))
        (data / "tools.json").write_text(json.dumps({"openapi": [{"name": "orders", "path": str(data / "orders.json")}]}))
    if options.server:
        if service:
            print("this example's service must be in tools.json of that server: see its README", file=sys.stderr)
        return House(options.server.rstrip("/"), started)
    program = os.environ.get("STRATA", str(HERE.parent / "build/strata"))
    arguments = ["--models", options.models] if options.models else []
    process = subprocess.Popen([program, "serve", "--port", "0", "--data", data / "strata" if not service else data, *arguments], stdout=subprocess.PIPE, text=True)
    started.append(process)
    line = process.stdout.readline()
    if "ready" not in line:
        sys.exit("Strata did not start: is it built? (./start builds it; STRATA=PATH names another)")
    house = House("http://127.0.0.1:" + re.search(r":(\d+)\s*$", line)[1], started)
    house.service = service
    return house


def load(house, example, folder):
    """The example's documents, as vector stores; returns what the agent must know of them."""
    known = []
    for store in example.get("stores", []):
        made = house.call("POST", "/v1/vector_stores", {"name": store["name"]})["id"]
        for file in sorted((folder / store["files"]).iterdir()):
            body = {"file_id": house.upload(file.name, file.read_bytes())}
            if "url" in store:
                body["attributes"] = {"url": store["url"] + file.name}
            house.call("POST", f"/v1/vector_stores/{made}/files", body)
        while house.call("GET", f"/v1/vector_stores/{made}")["file_counts"]["in_progress"]:
            time.sleep(0.2)
        if store["name"] != "web":
            known.append(made)
    return known


def put(house, example, folder):
    kind = example["kind"]
    text = (folder / example["file"]).read_text() if "file" in example else \
        next(t["text"] for t in house.call("GET", f"{API}/{kind}_templates")["data"] if t["name"] == example["template"])
    house.call("PUT", f"{API}/{kind}s/{example['name']}", {"text": text, "why": "example"})


def decide(house, run, automatic):
    for one in house.call("GET", f"{API}/approvals?state=pending")["data"]:
        if one["run_id"] != run:
            continue
        print("\n--- A person is asked ---\n" + one["message"] + "\n" + json.dumps(one["arguments"]))
        word = automatic or input("accept, ignore, or your answer in words: ").strip()
        body = {"decision": word, "reason": "decided at the terminal"} if word in ("accept", "ignore") else {"decision": "respond", "response": word}
        if not one["tool"] and word == "accept":
            body = {"decision": "respond", "response": "Go on without."}
        house.call("POST", f"{API}/approvals/{one['id']}/decide", body)


def work(house, example, task, known, automatic, quiet=False):
    briefing = {"briefing": "Vector stores with the documents: " + ", ".join(known)} if known else {}
    run = house.call("POST", f"{API}/{example['kind']}s/{example['name']}/runs", {"task": task, **briefing})["id"]
    seen = set()
    while True:
        view = house.call("GET", f"{API}/runs/{run}")
        for index, step in enumerate(view["steps"]):
            if step["status"] != "running" and (key := (index, step["path"], step["status"])) not in seen and not quiet:
                seen.add(key)
                print(f"  {step['path']:40} {step['status']:9} {step.get('reason') or ''}"[:160])
        if view["waits_for"] in ("approval", "outcome"):
            decide(house, run, automatic)
        elif view["state"] in ("succeeded", "failed", "cancelled"):
            return view
        time.sleep(0.2)


def files_of(house, out, before):
    """What was made since: saved under `out`."""
    made = [f for f in house.call("GET", "/v1/files?purpose=assistants_output&limit=100&order=asc")["data"] if f["id"] not in before]
    for file in made:
        data = house.ask("GET", f"/v1/files/{file['id']}/content")
        if out:
            out.mkdir(parents=True, exist_ok=True)
            (out / file["filename"]).write_bytes(data)
        file["data"] = data
    return made


def plain(text):
    return re.sub(r"[\s,]+", " ", text.lower())


def right(house, example, case, view, made):
    """Whether the case was done: facts, files and effects, not words of praise."""
    answer = str((view["result"] or {}).get("answer", ""))
    if example.get("reports"):   # only what its sources support counts
        answer = "\n".join(re.sub(r"⚠ \*.*?\(not supported: .*?\)", "", f["data"].decode()).split("\n## Sources")[0] for f in made if f["filename"].endswith(".md"))
    if "expect" in case:
        found = sum(plain(one) in plain(answer) for one in case["expect"])
        return found / len(case["expect"])
    if "expect_sum" in case:
        total = sum(m["cents"] for m in json.loads(urllib.request.urlopen(f"{house.service}/revenue?months={case['expect_sum']}").read())["months"]) / 100
        return float(f"{total:.0f}" in answer.replace(",", "") and (not case.get("plot") or any(f["filename"].endswith((".svg", ".png")) for f in made)))
    notes = [s["output"]["result"] for s in view["steps"] if s.get("tool") == "create_credit_note" and s["status"] == "finished" and s.get("output")]
    want = case["credit"]
    return float(not notes and (view["result"] or {}).get("outcome") == "done" if want is None else
                 any(all(note.get(k) == v for k, v in want.items()) for note in notes))


def baseline(house, example, case, known):
    """Trivial: of a research question the best passage as it stands; of the others, nothing is done and nothing said."""
    if example.get("reports"):
        found = house.call("POST", f"{API}/tools/search_documents/call", {"arguments": {"query": case["task"], "vector_store_ids": known, "results": 1}})
        text = " ".join(p["text"] for p in found["result"]["passages"])
        return sum(plain(one) in plain(text) for one in case["expect"]) / len(case["expect"])
    return float("credit" in case and case["credit"] is None)


def score(house, example, folder, known):
    cases, ours, trivial = json.loads((folder / "cases.json").read_text()), [], []
    for case in cases:
        before = {f["id"] for f in house.call("GET", "/v1/files?purpose=assistants_output&limit=100")["data"]}
        begun = time.time()
        view = work(house, example, case["task"], known, "accept", quiet=True)
        made = files_of(house, None, before)
        ours.append(right(house, example, case, view, made))
        trivial.append(baseline(house, example, case, known))
        print(f"{ours[-1]:.2f} (trivial {trivial[-1]:.2f})  {(view['result'] or {}).get('outcome', view['state']):10} {time.time() - begun:5.1f} s  {case['task']}", flush=True)
    print(json.dumps({"example": folder.name, "cases": len(cases), "score": round(sum(ours) / len(ours), 3), "trivial": round(sum(trivial) / len(trivial), 3)}))


def main():
    names = sorted(f.parent.name for f in HERE.glob("*/example.json"))
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("name", choices=names)
    reader.add_argument("task", nargs="?")
    reader.add_argument("--server", help="a Strata that runs; default: one of its own")
    reader.add_argument("--data", help="the data folder of its own Strata; default: a new one")
    reader.add_argument("--models", default=os.environ.get("STRATA_MODELS"), help="the models folder")
    reader.add_argument("--provider", help="address of an OpenAI-compatible server whose model answers, such as http://127.0.0.1:8000/v1")
    reader.add_argument("--model", default="default", help="the name of its model")
    reader.add_argument("--decide", choices=["accept", "ignore"], help="decide so without asking; default: ask on the terminal")
    reader.add_argument("--score", action="store_true", help="run cases.json")
    reader.add_argument("--out", default="out", help="where files go")
    options = reader.parse_args()
    folder = HERE / options.name
    example = json.loads((folder / "example.json").read_text())
    house = start(example, options)
    try:
        if options.provider:
            house.call("POST", f"{API}/providers", {"id": "example", "base_url": options.provider, "model": options.model, "default": True})
        known = load(house, example, folder)
        put(house, example, folder)
        if options.score:
            return score(house, example, folder, known)
        before = {f["id"] for f in house.call("GET", "/v1/files?purpose=assistants_output&limit=100")["data"]}
        view = work(house, example, options.task or example["task"], known, options.decide)
        result = view["result"] or {"outcome": view["state"], "answer": view["error"]}
        print(f"\n{result['outcome']}: {result['answer']}\n({result.get('reason', '')})")
        for file in files_of(house, pathlib.Path(options.out), before):
            print(f"{pathlib.Path(options.out) / file['filename']}  ({file['bytes']} bytes, {house.url}/v1/files/{file['id']}/content)")
    finally:
        house.stop()


if __name__ == "__main__":
    main()
