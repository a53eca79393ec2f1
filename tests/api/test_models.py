"""Several models in one server: names, versions and aliases, loading on demand under one memory budget, and repacked weights on disk."""
import pathlib
import re
import shutil
import subprocess
import threading

import conftest
import pytest
from conftest import MODELS, STRATA, Server, cli_json

SMALL = pathlib.Path(MODELS) / "smollm2-135m-instruct" / "model.gguf"
# UNITS: MiB. The embedder, and one of the copies with the KV cache of a whole context, but not two.
BUDGET = 450


def configured(folder, text, *arguments):
    (folder / "strata.toml").write_text(text)
    return Server(folder / "data", "--config", folder / "strata.toml", *arguments)


@pytest.fixture
def copies(new_folder):
    """A server with the default model and two more names of it, of which one fits into memory at a time."""
    running = configured(
        new_folder(), f'[engine]\nmemory_budget_mib = {BUDGET}\nload_queue = 1\n[models]\naliases = ["prod=copy@1"]\n',
        "--model", "smollm2-135m-instruct", "--model", f"copy@2={SMALL}", "--model", f"copy@1={SMALL}")
    yield running
    running.stop()


def states(server):
    return {model["id"]: model["strata"]["state"] for model in server.http.get("/v1/models").json()["data"]}


def say(server, model, **more):
    return server.sdk.completions.create(model=model, prompt="The sea is", temperature=0, max_tokens=12, **more)


def test_models_are_listed_and_loaded_when_a_request_names_them(copies):
    assert states(copies) == {"smollm2-135m-instruct": "loaded", "copy@2": "on_disk", "copy@1": "on_disk", "all-minilm-l6-v2": "loaded"}
    text = say(copies, "smollm2-135m-instruct").choices[0].text
    answer = say(copies, "copy@1")
    assert answer.model == "copy@1" and answer.choices[0].text == text
    assert states(copies) == {"smollm2-135m-instruct": "on_disk", "copy@2": "on_disk", "copy@1": "loaded", "all-minilm-l6-v2": "loaded"}
    assert say(copies, "smollm2-135m-instruct").choices[0].text == text   # and back
    system = copies.http.get("/strata/v1/system").json()
    assert {row["id"]: row["state"] for row in system["models"]} == states(copies)
    assert 0 < system["memory"]["promised_bytes"] <= system["memory"]["budget_bytes"] == BUDGET << 20


def test_names_versions_and_aliases(copies):
    for name, model in {"prod": "copy@1", "copy@1": "copy@1", "copy": "copy@2", "smollm2-135m-instruct@0.1.2": "smollm2-135m-instruct"}.items():
        assert copies.http.get(f"/v1/models/{name}").json()["id"] == model
    assert say(copies, "prod").model == "copy@1"
    refused = copies.http.post("/v1/completions", json={"model": "copy@3", "prompt": "x"})
    assert refused.status_code == 404 and "copy@2" in refused.json()["error"]["message"]
    assert copies.http.post("/strata/v1/models/default", json={"id": "prod"}).json() == {"default_model": "copy@1"}


def test_a_running_stream_is_not_dropped_by_a_swap_and_the_queue_is_bounded(copies):
    tokens = 600
    stream = copies.sdk.completions.create(model="smollm2-135m-instruct", prompt="Once", max_tokens=tokens, stream=True, stream_options={"include_usage": True},
                                           extra_body={"ignore_eos": True})
    next(iter(stream))   # it runs
    waits = {}
    thread = threading.Thread(target=lambda: waits.update(answer=say(copies, "copy@1")))
    thread.start()
    # One request may wait for a load; while the stream runs there is no room, so that one waits, and one more is refused.
    refused = None
    while refused is None and thread.is_alive():
        reply = copies.http.get("/v1/models/copy@1").json()["strata"]
        if reply["waiting"] == 1:
            refused = copies.http.post("/v1/completions", json={"model": "copy@2", "prompt": "x", "max_tokens": 1})
    assert refused is not None and refused.status_code == 503 and refused.headers["retry-after"] and refused.json()["error"]["code"] == "model_loading"
    usage = [event.usage for event in stream if event.usage]
    assert usage[-1].completion_tokens == tokens
    thread.join()
    assert waits["answer"].usage.completion_tokens == 12
    assert states(copies)["copy@1"] == "loaded"


def test_what_each_model_did_is_counted_by_model_also_when_it_is_gone(copies):
    say(copies, "smollm2-135m-instruct")
    say(copies, "copy@1")
    text = copies.http.get("/metrics").text
    value = lambda name, model: float(re.search(rf'^{re.escape(name)}\{{model_name="{re.escape(model)}"\}} (\S+)$', text, re.M).group(1))
    for model in ("smollm2-135m-instruct", "copy@1"):
        assert value("vllm:generation_tokens_total", model) == 12
    assert value("strata:model_loaded", "copy@1") == 1 and value("strata:model_loaded", "smollm2-135m-instruct") == 0
    assert value("strata:model_memory_bytes", "smollm2-135m-instruct") == 0


def test_a_grounded_answer_on_a_model_that_is_not_loaded(copies):
    reply = copies.http.post("/v1/chat/completions", json={"model": "copy@2", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}).json()
    assert reply["usage"]["completion_tokens"] <= 4 and reply["model"] == "copy@2"
    store = copies.sdk.vector_stores.create(name="empty").id
    reply = copies.http.post("/v1/chat/completions", json={
        "model": "copy@1", "messages": [{"role": "user", "content": "How long is the leave?"}], "tools": [{"type": "file_search", "vector_store_ids": [store]}]})
    assert reply.status_code == 200, reply.text


def test_a_model_that_does_not_fit_is_refused_with_the_numbers(new_folder):
    folder = new_folder()
    (folder / "strata.toml").write_text("[engine]\nmemory_budget_mib = 120\n")
    done = subprocess.run([STRATA, "serve", "--port", "0", "--data", folder / "data", "--models", MODELS, "--config", folder / "strata.toml"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and re.search(r"needs \S+ MiB.*may take \S+ MiB", done.stderr), done.stderr


def test_wrong_names_are_refused_at_the_start(new_folder):
    for argument, expected in {"--model=x=no-such-model": "no-such-model", f"--model=a b={SMALL}": "no space"}.items():
        done = subprocess.run([STRATA, "serve", "--port", "0", "--data", new_folder() / "data", "--models", MODELS, argument], capture_output=True, text=True, timeout=120)
        assert done.returncode != 0 and expected in done.stderr, done.stderr


# ---- Repacked weights on disk


@pytest.fixture(scope="module")
def own_models(new_folder):
    folder = new_folder() / "models"
    shutil.copytree(MODELS, folder, ignore=shutil.ignore_patterns("*.packed", "*.part"))
    folder.chmod(0o755)
    return folder


def kept(models, data):
    return cli_json("model", "cache", "list", "--models", models, "--data", data)


def start(models, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest, "MODELS", str(models))
        return Server(folder / "data")


def answer(models, folder):
    server = start(models, folder)
    text = say(server, "smollm2-135m-instruct").choices[0].text
    server.stop()
    return text, (folder / "server.log").read_text()


def test_the_second_start_maps_what_the_first_has_repacked(own_models, new_folder):
    folder = new_folder()
    text, log = answer(own_models, folder)
    assert log.count("model.packed_kept") == 2
    rows = kept(own_models, folder / "data")
    assert len(rows) == 2 and all(row["stale"] is None for row in rows)
    times = [pathlib.Path(row["path"]).stat().st_mtime_ns for row in rows]
    again, log = answer(own_models, folder)
    assert again == text and log.count("model.packed_kept") == 2   # none new
    assert times == [pathlib.Path(row["path"]).stat().st_mtime_ns for row in rows]


def test_two_processes_map_the_same_file(own_models, new_folder):
    first, second = start(own_models, new_folder()), start(own_models, new_folder())
    try:
        for server in (first, second):
            maps = pathlib.Path(f"/proc/{server.process.pid}/maps").read_text()
            assert re.search(r"r--s .*model\.gguf\.[0-9a-f]{16}\.packed", maps)
        assert say(first, "smollm2-135m-instruct").choices[0].text == say(second, "smollm2-135m-instruct").choices[0].text
    finally:
        first.stop()
        second.stop()


def test_a_damaged_packed_file_is_ignored_and_written_anew(own_models, new_folder):
    folder = new_folder()
    text, _ = answer(own_models, folder)
    path = next(pathlib.Path(row["path"]) for row in kept(own_models, folder / "data") if "model.gguf" in row["path"])
    whole = path.read_bytes()
    path.unlink()   # a mapped file is never written into
    path.write_bytes(whole[: len(whole) // 2])
    again, log = answer(own_models, folder)
    assert again == text and "model.packed_ignored" in log
    assert path.read_bytes() == whole


def test_prune_removes_what_is_stale_and_all_when_told(own_models, new_folder):
    folder = new_folder()
    answer(own_models, folder)
    model = own_models / "smollm2-135m-instruct" / "model.gguf"
    model.touch()   # another modification time: another file, as far as can be told
    stale = [row for row in kept(own_models, folder / "data") if row["stale"]]
    assert len(stale) == 1 and "has changed" in stale[0]["stale"]
    pruned = cli_json("model", "cache", "prune", "--models", own_models, "--data", folder / "data")
    assert [row["path"] for row in pruned["removed"]] == [stale[0]["path"]] and pruned["bytes"] > 50_000_000
    cli_json("model", "cache", "prune", "--all", "--models", own_models, "--data", folder / "data")
    assert kept(own_models, folder / "data") == []
