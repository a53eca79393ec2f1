"""Kills, hang-ups and crowds."""
import json
import socket
import threading
import time

import httpx

from conftest import HANDBOOK, Server, wait_completed


def test_kill_9_in_mid_ingestion_loses_no_acknowledged_document(fresh_server):
    sdk = fresh_server.sdk
    store = sdk.vector_stores.create(name="many")
    files = {}
    for i in range(24):
        text = "\n\n".join(f"Paragraph {n} of document {i} says that machine {i}-{n} stands in hall {n * 7 % 13}." for n in range(30))
        file = sdk.files.create(file=(f"doc{i}.md", f"# Document {i}\n\n{text}\n".encode()), purpose="user_data")
        sdk.vector_stores.files.create(vector_store_id=store.id, file_id=file.id)
        files[file.id] = i
        if i in (6, 14, 20):
            time.sleep(0.3)
            fresh_server.kill9()
            fresh_server.start()
            sdk = fresh_server.sdk
    done = wait_completed(sdk, store.id)
    assert done.file_counts.completed == len(files) and done.file_counts.failed == 0
    listed = {f.id for f in sdk.vector_stores.files.list(vector_store_id=store.id, limit=100).data}
    assert listed == set(files)
    documents = fresh_server.http.get("/strata/v1/documents", params={"vector_store_id": store.id, "limit": 100}).json()["data"]
    for document in documents:
        chunks = fresh_server.http.get(f"/strata/v1/documents/{document['document_id']}/chunks").json()["data"]
        assert [c["ordinal"] for c in chunks] == list(range(len(chunks))) and chunks
    found = sdk.vector_stores.search(store.id, query="In which hall does machine 17-4 stand?")
    assert any("17-4" in r.content[0].text for r in found.data)


def test_answers_ratings_and_chains_survive_kill_9(fresh_server):
    http = fresh_server.http
    reply = http.post("/v1/responses", json={"input": "Hello", "max_output_tokens": 4}).json()
    fresh_server.kill9()
    fresh_server.start()
    assert fresh_server.sdk.responses.retrieve(reply["id"]).id == reply["id"]


def test_64_streams_of_which_16_hang_up_all_end_right(server):
    body = json.dumps({"messages": [{"role": "user", "content": "Write about the sea."}], "max_tokens": 24, "stream": True, "ignore_eos": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    ended, hung_up, lock = [], [], threading.Lock()

    def client(i):
        with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
            connection.sendall(head + body)
            data = b""
            while not data.endswith(b"0\r\n\r\n"):
                piece = connection.recv(65536)
                if not piece:
                    break
                data += piece
                if i % 4 == 0:
                    with lock:
                        hung_up.append(i)
                    return
            with lock:
                ended.append(b"data: [DONE]" in data or b" 429 " in data.split(b"\r\n")[0])

    threads = [threading.Thread(target=client, args=(i,)) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=240)
    assert len(hung_up) == 16 and len(ended) == 48 and all(ended)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        engine = server.http.get("/strata/v1/system").json()["engine"]
        if engine["running"] == 0 and engine["waiting"] == 0:
            return
        time.sleep(0.1)
    raise AssertionError(engine)


def test_disconnect_stops_generation(server):
    before = server.http.get("/strata/v1/system").json()["engine"]["generated_tokens"]
    with httpx.Client(base_url=server.url, timeout=60) as client:
        with client.stream("POST", "/v1/chat/completions", json={"messages": [{"role": "user", "content": "Write a long story."}], "max_tokens": 1500, "ignore_eos": True, "stream": True}) as reply:
            for count, _ in enumerate(reply.iter_lines()):
                if count > 4:
                    break
    deadline = time.monotonic() + 5
    while server.http.get("/strata/v1/system").json()["engine"]["running"] and time.monotonic() < deadline:
        time.sleep(0.05)
    engine = server.http.get("/strata/v1/system").json()["engine"]
    assert engine["running"] == 0
    assert engine["generated_tokens"] - before < 1000


def test_a_second_server_on_the_same_data_is_refused(server):
    import subprocess
    from conftest import MODELS, STRATA
    other = subprocess.run([STRATA, "serve", "--port", "0", "--data", server.data, "--models", MODELS], capture_output=True, text=True, timeout=60)
    assert other.returncode != 0
    assert "is in use by process" in other.stderr


def test_demo_documents_interrupted_by_kill_9_end_in_one_base(new_folder):
    folder = new_folder()
    demo = folder / "demo"
    demo.mkdir()
    for i in range(12):
        (demo / f"page{i}.md").write_text(f"# Page {i}\n\nLamp {i} hangs in room {i * 3}.\n")
    running = Server(folder / "data", "--demo-documents", demo)
    running.kill9()
    running.start()
    sdk, deadline = running.sdk, time.monotonic() + 60
    while time.monotonic() < deadline:
        stores = sdk.vector_stores.list().data
        if stores and stores[0].file_counts.completed == 12:
            break
        time.sleep(0.1)
    assert len(stores) == 1 and stores[0].file_counts.completed == stores[0].file_counts.total == 12
    running.stop()


def test_restart_finds_everything_again(fresh_server):
    from conftest import upload_handbook
    base = upload_handbook(fresh_server.sdk)
    fresh_server.stop()
    fresh_server.start()
    found = fresh_server.sdk.vector_stores.search(base, query="How long must passwords be?")
    assert "14 characters" in found.data[0].content[0].text
    assert fresh_server.sdk.vector_stores.retrieve(base).file_counts.completed == len(HANDBOOK)
