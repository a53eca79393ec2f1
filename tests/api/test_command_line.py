"""The command line: real commands, machine-readable output, exit codes that mean something."""
import json

from conftest import MODELS, cli_json, run_cli


def test_tokenize_prints_ids_and_pieces():
    text = "Hello, wörld! 123 🙂\n"
    tokens = cli_json("tokenize", "--models", MODELS, stdin=text)
    assert len(tokens["ids"]) == len(tokens["pieces"]) > 5
    assert "".join(tokens["pieces"][:3]) == text[: len("".join(tokens["pieces"][:3]))]


def test_generate_is_repeatable():
    arguments = ("generate", "The sea is", "--models", MODELS, "--temperature", "0", "--max-tokens", "8")
    assert cli_json(*arguments)["text"] == cli_json(*arguments)["text"]


def test_chat_answers_one_message():
    assert cli_json("chat", "Say hi.", "--models", MODELS, "--max-tokens", "8")["completion_tokens"] > 0


def test_embed_gives_a_unit_vector():
    vector = cli_json("embed", "a text", "--models", MODELS)["embedding"]
    assert len(vector) == 384 and abs(sum(x * x for x in vector) - 1) < 1e-3


def test_ingest_search_ask_without_a_server(new_folder):
    folder = new_folder()
    (folder / "rules.md").write_text("# Rules\n\nThe gate closes at 22:30 on weekdays.\n")
    common = ("--data", str(folder / "data"), "--models", MODELS)
    assert cli_json("ingest", str(folder / "rules.md"), *common)["completed"] == 1
    assert "22:30" in cli_json("search", "When does the gate close?", *common)["hits"][0]["text"]
    asked = cli_json("ask", "When does the gate close on weekdays?", *common)
    assert "22:30" in asked["text"] and asked["strata"]["outcome"] == "answered"
    unanswered = run_cli("ask", "Who invented the telephone?", *common, check=False)
    assert unanswered.returncode == 3


def test_ask_uses_the_running_server(server, handbook):
    asked = cli_json("ask", "How long must passwords be?", "--data", str(server.data), "--models", MODELS, "--base", handbook)
    assert "14 characters" in asked["text"]


def test_errors_have_exit_codes_and_say_the_fix(new_folder):
    missing = run_cli("generate", "x", "--models", str(new_folder()), check=False)
    assert missing.returncode == 4 and "./start" in missing.stderr
    assert run_cli("generate", "--temperature", "9", "x", check=False).returncode == 2
    assert run_cli("nonsense", check=False).returncode == 2
    wrong = new_folder() / "strata.toml"
    wrong.write_text("[server]\nprot = 1\n")
    config = run_cli("config", "--config", str(wrong), check=False)
    assert config.returncode == 2 and "did you mean 'server.port'" in config.stderr


def test_help_version_config_and_doctor():
    for command in ("serve", "chat", "generate", "tokenize", "embed", "ingest", "search", "ask", "model", "bench", "doctor", "config", "version"):
        assert "--help" in run_cli(command, "--help").stdout
    assert cli_json("version")["version"]
    assert "[server]" in run_cli("config").stdout
    doctor = json.loads(run_cli("doctor", "--models", MODELS, "--json", check=False).stdout)
    assert doctor["instruction_sets"] and doctor["memory_gb_per_s"] > 0
