"""Where the server listens: beyond loopback only where someone has said that a proxy stands in front."""
import subprocess

import httpx
import pytest

from conftest import MODELS, STRATA, Server


def refused(folder, address, *arguments):
    """`serve` on an address that it must not take: it ends at once, and listens nowhere meanwhile."""
    settings = folder / "strata.toml"
    settings.write_text(f'[server]\naddress = "{address}"\nhosts = ["strata.example"]\n')
    done = subprocess.run([STRATA, "serve", "--port", "0", "--data", folder / "data", "--models", MODELS, "--config", settings, *arguments],
                          capture_output=True, text=True, timeout=60)
    assert "Strata is ready" not in done.stdout
    return done


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.1", "example.com"])
def test_an_address_beyond_loopback_is_refused_with_the_fix(new_folder, address):
    done = refused(new_folder(), address)
    assert done.returncode == 2
    for word in (f"server.address: {address} is not loopback", "proxy with TLS", "server.behind_proxy = true", "127.0.0.1"):
        assert word in done.stderr, done.stderr


def test_behind_a_declared_proxy_it_listens_and_still_checks_hosts(new_folder):
    folder = new_folder()
    settings = folder / "strata.toml"
    settings.write_text('[server]\naddress = "0.0.0.0"\nbehind_proxy = true\nhosts = ["strata.example"]\n')
    settings.chmod(0o644)
    server = Server(folder / "data", "--config", settings)
    try:
        url = f"http://127.0.0.1:{server.port}/livez"
        assert httpx.get(url, headers={"Host": "strata.example"}).status_code == 200
        assert httpx.get(url, headers={"Host": "rebound.example"}).status_code in (400, 403)
    finally:
        server.stop()


def test_the_environment_alone_cannot_name_a_foreign_address_either(new_folder, monkeypatch):
    monkeypatch.setenv("STRATA_SERVER_ADDRESS", "0.0.0.0")
    done = subprocess.run([STRATA, "serve", "--port", "0", "--data", new_folder() / "data", "--models", MODELS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "is not loopback" in done.stderr
