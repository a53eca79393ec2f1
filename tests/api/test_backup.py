"""Backups made while a server serves, their restore, and data folders of earlier programs."""
import io
import json
import pathlib
import sqlite3
import tarfile
import threading

import pytest

from conftest import ROOT, Server, cli_json, run_cli, upload_handbook

FIXTURES = sorted((ROOT / "tests/fixtures/upgrade").glob("*.tar.gz"))


def ask(http, text="How many days of annual leave?"):
    store = http.get("/v1/vector_stores").json()["data"][0]["id"]
    conversation = http.post("/strata/v1/conversations", json={"title": text}).json()["id"]
    response = http.post(f"/strata/v1/conversations/{conversation}/messages", json={"content": text, "vector_store_ids": [store], "generate": False})
    assert response.status_code == 200 and "27 days" in response.text, response.text
    return conversation


@pytest.fixture(scope="module")
def busy(new_folder):
    running = Server(new_folder() / "data")
    upload_handbook(running.sdk)
    running.http.post("/strata/v1/providers", json={"id": "away", "base_url": "http://127.0.0.1:9/v1", "model": "m", "key": "a-secret-key"})
    yield running
    running.stop()


def test_a_backup_made_while_serving_restores_to_the_same_answers(busy, new_folder):
    http = busy.http
    kept = ask(http)
    folder = new_folder()
    stop = threading.Event()

    def write_on():
        while not stop.is_set():
            http.post("/strata/v1/conversations", json={"title": "meanwhile"})

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        report = cli_json("backup", folder / "one.tar", "--data", busy.data)
    finally:
        stop.set()
        writer.join()
    assert report["files"] == 3 and report["has_key"]
    assert (folder / "one.tar").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["one.tar"]   # nothing is left lying about
    after = ask(http, "How many days of annual leave are there?")
    restored = cli_json("restore", folder / "one.tar", "--data", folder / "data")
    assert restored["files"] == 3 and restored["aside"] is None
    again = Server(folder / "data")
    try:
        there = {row["id"] for row in again.http.get("/strata/v1/conversations?limit=1000").json()["data"]}
        assert kept in there and after not in there
        assert len(again.http.get(f"/strata/v1/conversations/{kept}").json()["messages"]) == 2
        assert again.http.get("/strata/v1/providers").json()["data"][0]["has_key"]
        ask(again.http)
        assert again.http.get("/strata/v1/traces").json()["data"]   # telemetry came along
        # Nothing is restored into a folder in use, nor over one that is not empty.
        refused = run_cli("restore", folder / "one.tar", "--data", again.data, "--replace", check=False)
        assert refused.returncode == 1 and "in use" in refused.stderr
    finally:
        again.stop()
    refused = run_cli("restore", folder / "one.tar", "--data", folder / "data", check=False)
    assert refused.returncode == 1 and "--replace" in refused.stderr
    replaced = cli_json("restore", folder / "one.tar", "--data", folder / "data", "--replace")
    assert pathlib.Path(replaced["aside"], "strata.db").exists()


def test_a_damaged_backup_restores_nothing(busy, new_folder):
    folder = new_folder()
    run_cli("backup", folder / "good.tar", "--data", busy.data)
    good = (folder / "good.tar").read_bytes()
    with tarfile.open(folder / "good.tar") as tar:
        database, stored = tar.getmember("strata.db"), next(m for m in tar.getmembers() if m.name.startswith("files/"))
    flips = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1:] for at in [database.offset_data + 5000, stored.offset_data + 3, 200]]
    for i, bad in enumerate([*flips, good[: len(good) // 2], good[:-1024], b"no archive", b""]):
        (folder / "bad.tar").write_bytes(bad)
        target = folder / f"data{i}"
        if i % 2:
            target.mkdir()   # an empty folder stays one
        failed = run_cli("restore", folder / "bad.tar", "--data", target, check=False)
        assert failed.returncode == 1 and failed.stderr, i
        assert list(folder.glob(f"data{i}*")) == ([target] if i % 2 else []), i
        assert not target.exists() or {path.name for path in target.iterdir()} <= {"lock"}, i
    # What failed before stands in no restore's way, nor does a slash at the end.
    assert cli_json("restore", folder / "good.tar", "--data", f"{folder}/data1/")["aside"] is None
    assert (folder / "data1/strata.db").exists() and sorted(path.name for path in folder.glob("data1*")) == ["data1"]


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "files/ab/../../outside", "bin/strata-parse", "files/ab/" + "g" * 64])
def test_a_forged_backup_writes_nothing_outside(new_folder, name):
    folder = new_folder()
    with tarfile.open(folder / "forged.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    failed = run_cli("restore", folder / "forged.tar", "--data", folder / "data", check=False)
    assert failed.returncode == 1 and "does not belong" in failed.stderr
    assert not (folder / "data").exists() and not (folder / "outside").exists()


def test_the_key_can_stay_out_and_backups_are_not_overwritten(busy, new_folder):
    folder = new_folder()
    assert cli_json("backup", folder / "one.tar", "--data", busy.data, "--without-key")["has_key"] is False
    with tarfile.open(folder / "one.tar") as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json"))
    assert "secret.key" not in names and manifest["version"] == 1
    assert run_cli("backup", folder / "one.tar", "--data", busy.data, check=False).returncode == 1
    assert run_cli("backup", folder / "two.tar", "--data", folder / "nowhere", check=False).returncode == 4
    assert sorted(path.name for path in folder.iterdir()) == ["one.tar"]


def unpacked(fixture, new_folder):
    folder = new_folder()
    (folder / "data").mkdir()
    with tarfile.open(fixture) as tar:
        tar.extractall(folder / "data", filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(folder / "data")
    (folder / "data/secret.key").chmod(0o600)
    return folder / "data"


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_data_folders_of_earlier_programs_open_and_migrate(fixture, new_folder):
    server = Server(unpacked(fixture, new_folder))
    try:
        (conversation,) = server.http.get("/strata/v1/conversations").json()["data"]
        messages = server.http.get(f"/strata/v1/conversations/{conversation['id']}").json()["messages"]
        assert "27 days" in messages[1]["content"] and messages[1]["strata"]["rating"] == "up"
        ask(server.http)
        assert server.http.get("/strata/v1/usage").json()["total"]["calls"] >= 1   # a table that the folder did not have
    finally:
        server.stop()


@pytest.mark.parametrize("fixture", FIXTURES[-1:], ids=lambda path: path.name)
def test_a_newer_data_folder_is_refused(fixture, new_folder):
    data = unpacked(fixture, new_folder)
    database = sqlite3.connect(data / "strata.db")
    database.execute("INSERT INTO schema_migrations(room, version, applied_ms) VALUES('catalog', 999, 0)")
    database.commit()
    database.close()
    failed = run_cli("serve", "--port", "0", "--data", data, check=False)
    assert failed.returncode == 1 and "newer version" in failed.stderr
    # … also out of a backup.
    packed = data.parent / "newer.tar"
    run_cli("backup", packed, "--data", data)
    failed = run_cli("restore", packed, "--data", data.parent / "other", check=False)
    assert failed.returncode == 1 and "newer version" in failed.stderr and not (data.parent / "other").exists()
