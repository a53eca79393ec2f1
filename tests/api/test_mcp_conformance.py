"""The conformance suite of the Model Context Protocol (npm: @modelcontextprotocol/conformance), what each of the two newest versions requires.

The suite's server scenarios call tools of fixed names (test_simple_text, …). Those come from a server made with the `mcp` SDK that this platform
uses as a tool source, so that they pass through both of our sides. What we do not offer fails, and is listed in tests/conformance/expected-*.yml
with the reason: a scenario that fails and is not listed there, or is listed and passes, fails this test.
"""
import os
import re
import subprocess
import sys

import pytest

from conftest import ROOT, Server, upload_handbook
from test_mcp import FIXTURE

SUITE = ROOT / "tests/conformance"
RUNNER = SUITE / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
VERSIONS = ["2026-07-28", "2025-11-25"]


@pytest.fixture(scope="module")
def platform(new_folder):
    running = Server(new_folder() / "data")
    upload_handbook(running.sdk)
    source = subprocess.Popen([sys.executable, FIXTURE, "http"], stdout=subprocess.PIPE, text=True)
    added = running.http.post("/strata/v1/mcp/servers", json={"name": "suite", "url": source.stdout.readline().strip(), "prefix": ""}).json()
    names = [tool["name"] for tool in added["listed"]]
    approved = running.http.post("/strata/v1/mcp/servers/suite/approve", json={"hash": added["hash"], "reading": names}).json()
    assert "test_simple_text" in approved["tools"], approved
    yield running
    source.terminate()
    source.wait()
    running.stop()


def suite(*arguments, **environment):
    node = os.environ.get("STRATA_NODE", "node")
    done = subprocess.run([node, RUNNER, *arguments], capture_output=True, text=True, timeout=280, cwd=SUITE, env=dict(os.environ, **environment))
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    return done.returncode, said[said.find("=== SUITE SUMMARY") :] if "SUITE SUMMARY" in said else said[-6000:]


@pytest.mark.parametrize("version", VERSIONS)
def test_our_server_conforms_but_for_what_is_listed(platform, version, tmp_path):
    code, said = suite("server", "--url", platform.url.replace("127.0.0.1", "localhost") + "/mcp", "--requirements", version,
                       "--expected-failures", str(SUITE / f"expected-{version}.yml"), "--output-dir", str(tmp_path))
    assert code == 0, said


@pytest.mark.parametrize("version", VERSIONS)
def test_our_client_conforms_but_for_what_is_listed(platform, version, tmp_path):
    code, said = suite("client", "--command", f"{sys.executable} {SUITE / 'client.py'}", "--requirements", version,
                       "--expected-failures", str(SUITE / f"expected-{version}.yml"), "--output-dir", str(tmp_path), STRATA_URL=platform.url)
    assert code == 0, said
