"""The example's page tells the truth: every command of it works, in order."""
import os
import re
import subprocess

from conftest import ROOT, STRATA


def test_every_command_of_the_support_copilot_page_works(fresh_server, tmp_path):
    page = (ROOT / "examples/support-copilot/README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", page, re.S)
    assert len(blocks) >= 9
    script = tmp_path / "page.sh"
    script.write_text("set -euo pipefail\n" + "\n".join(f"echo '== block {i}'\n{block}" for i, block in enumerate(blocks)))
    environment = dict(os.environ, S=fresh_server.url, PATH=f"{STRATA.parent}:{os.environ['PATH']}")
    done = subprocess.run(["bash", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = dict(re.findall(r"== block (\d+)\n(.*?)(?=== block|\Z)", done.stdout, re.S))
    assert "Model recommendation: Frontier model (GPT-4o, Claude 3.5 Sonnet) with guardrails" in said["1"]
    assert "Retrieval (RAG)" in said["2"]
    assert "21 days" in said["3"]
    assert '"edited":true' in said["6"].replace(" ", "")
    assert "WEEKLY UPDATE" in done.stdout.upper()
    assert done.stdout.rstrip().endswith("sent")
