"""Starts the real program on a fresh data folder and drives it from outside. Ports are free ones; servers are stopped by process id."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import httpx
import openai
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = ROOT / "build" / "strata"
MODELS = os.environ.get("STRATA_MODELS", str(pathlib.Path.home() / ".cache/strata/models"))


class Server:
    """One `strata serve`. kill9() and start() again play a crash."""

    def __init__(self, data, *arguments, environment=None):
        self.data, self.arguments, self.environment = data, arguments, environment or {}
        self.process = None
        self.start()

    def start(self):
        self.log = open(self.data.parent / "server.log", "ab")
        self.process = subprocess.Popen(
            [STRATA, "serve", "--port", "0", "--data", self.data, "--models", MODELS, *self.arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=dict(os.environ, **self.environment))
        line = self.process.stdout.readline()
        assert "Strata is ready" in line, (self.data.parent / "server.log").read_text()[-3000:]
        self.port = int(line.rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(timeout=30) == 0
        self.log.close()

    @property
    def sdk(self):
        return openai.OpenAI(base_url=self.url + "/v1", api_key="any", max_retries=0, timeout=120)

    @property
    def http(self):
        return httpx.Client(base_url=self.url, timeout=120)


@pytest.fixture(scope="session")
def new_folder():
    """Makes folders that the unprivileged user of a server started as root can reach (pytest's own are closed)."""
    made = []

    def make():
        folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-test-"))
        folder.chmod(0o755)
        made.append(folder)
        return folder

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(new_folder):
    running = Server(new_folder() / "data")
    yield running
    running.stop()


@pytest.fixture
def fresh_server(new_folder):
    running = Server(new_folder() / "data")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def sdk(server):
    return server.sdk


@pytest.fixture(scope="session")
def http(server):
    return server.http


@pytest.fixture(scope="session")
def model(sdk):
    return sdk.models.list().data[0].id


HANDBOOK = {
    "leave.md": """# Leave

## Annual leave

Full-time employees receive 27 days of paid annual leave per calendar year. Part-time employees receive leave in proportion to their hours.
Unused days expire on 31 March of the following year.

## Parental leave

Employees may take up to 16 weeks of paid parental leave within the first year after birth or adoption.
The request must reach the people team at least 8 weeks before the leave begins.
""",
    "expenses.md": """# Expenses

## Travel

Train journeys are booked in second class. Hotel costs are reimbursed up to 140 euros per night.
Receipts must be submitted within 30 days after the trip.

## Meals

The daily allowance for meals is 28 euros for trips that last more than eight hours.
""",
    "security.html": """<!doctype html><html><head><title>Security rules</title></head><body><h1>Security rules</h1>
<h2>Passwords</h2><p>Passwords must have at least 14 characters. They are changed only after a suspected leak.</p>
<h2>Laptops</h2><p>Lost laptops must be reported to the service desk within 2 hours.</p>
<script>alert('never')</script></body></html>""",
}


def wait_completed(sdk, store_id, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        store = sdk.vector_stores.retrieve(store_id)
        if store.file_counts.in_progress == 0:
            return store
        time.sleep(0.1)
    raise AssertionError(f"still ingesting after {seconds} s: {store.file_counts}")


def upload_handbook(sdk, name="Handbook"):
    store = sdk.vector_stores.create(name=name)
    for filename, text in HANDBOOK.items():
        file = sdk.files.create(file=(filename, text.encode()), purpose="user_data")
        sdk.vector_stores.files.create(vector_store_id=store.id, file_id=file.id, attributes={"topic": filename.split(".")[0]})
    store = wait_completed(sdk, store.id)
    assert store.file_counts.completed == len(HANDBOOK), store.file_counts
    return store.id


@pytest.fixture(scope="session")
def handbook(sdk):
    return upload_handbook(sdk)


def run_cli(*arguments, stdin="", check=True):
    done = subprocess.run([STRATA, *arguments], input=stdin, capture_output=True, text=True, timeout=120)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def cli_json(*arguments, stdin=""):
    return json.loads(run_cli(*arguments, "--json", stdin=stdin).stdout)
