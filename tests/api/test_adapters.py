"""LoRA adapters through the public API: loaded, chosen, mixed, unloaded while they run, recorded in receipts."""
import hashlib
import json
import math
import random
import struct
import subprocess
import threading

import openai
import pytest

from conftest import MODELS, STRATA, Server

# Of the default model (SmolLM2-135M).
L, C, HD, GD, F = 30, 576, 576, 192, 1536
SITES = {"self_attn.q_proj": (HD, C), "self_attn.v_proj": (GD, C), "mlp.down_proj": (C, F)}


def peft_adapter(folder, seed, size=0.3, rank=4, **config):
    """A random adapter as PEFT writes it."""
    rng = random.Random(seed)
    folder.mkdir(parents=True)
    header, data = {}, bytearray()
    for i in range(L):
        for site, (rows, cols) in SITES.items():
            for half, shape, scale in (("A", [rank, cols], 1 / math.sqrt(cols)), ("B", [rows, rank], size)):
                row = [rng.uniform(-scale, scale) for _ in range(min(shape[0] * shape[1], 997))]
                values = (row * (shape[0] * shape[1] // len(row) + 1))[: shape[0] * shape[1]]
                begin = len(data)
                data += struct.pack(f"<{len(values)}f", *values)
                header[f"base_model.model.model.layers.{i}.{site}.lora_{half}.weight"] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 8, "bias": "none", "target_modules": ["q_proj", "v_proj", "down_proj"], **config}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


def sha256(folder):
    return hashlib.sha256((folder / "adapter_config.json").read_bytes() + (folder / "adapter_model.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def adapters(new_folder):
    folder = new_folder() / "adapters"
    peft_adapter(folder / "first", 1)
    peft_adapter(folder / "second", 2)
    peft_adapter(folder / "zero", 3, size=0)
    peft_adapter(folder / "dora", 4, use_dora=True)
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def lora(new_folder, adapters):
    running = Server(new_folder() / "data", "--adapters-folder", adapters, "--adapter", f"zero={adapters / 'zero'}")
    yield running
    running.stop()


@pytest.fixture
def loaded(lora):
    """The names of adapters that the test loads; unloaded afterwards."""
    names = []

    def load(name, path=None):
        names.append(name)
        return lora.http.post("/v1/load_lora_adapter", json={"lora_name": name, "lora_path": path or name})

    yield load
    for name in names:
        lora.http.post("/v1/unload_lora_adapter", json={"lora_name": name})


def say(lora, model, tokens=16, text="Tell me about the sea.", **more):
    out = lora.sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], temperature=0, max_completion_tokens=tokens, **more)
    return out.choices[0].message.content, out


def base(lora):
    return lora.sdk.models.list().data[0].id


def test_an_adapter_is_loaded_listed_chosen_by_name_and_unloaded(lora, loaded, adapters):
    answer = loaded("first")
    assert answer.status_code == 200, answer.text
    rows = {row["id"]: row for row in lora.http.get("/v1/models").json()["data"]}
    assert rows["first"]["parent"] == base(lora)
    assert rows["first"]["strata"]["adapter_sha256"] == sha256(adapters / "first")
    assert "parent" not in rows[base(lora)]
    plain, changed = say(lora, base(lora))[0], say(lora, "first")[0]
    assert plain != changed
    assert say(lora, f"{base(lora)}:first")[0] == changed
    assert say(lora, "first")[1].model == "first"
    assert lora.http.post("/v1/unload_lora_adapter", json={"lora_name": "first"}).json()["deleted"]
    with pytest.raises(openai.NotFoundError):
        say(lora, "first")
    assert say(lora, base(lora))[0] == plain


def test_an_adapter_of_zeros_from_the_command_line_says_what_the_base_says(lora):
    assert say(lora, "zero", 24)[0] == say(lora, base(lora), 24)[0]


def test_several_adapters_and_none_side_by_side_say_what_each_says_alone(lora, loaded):
    assert loaded("first").status_code == loaded("second").status_code == 200
    models = [base(lora), "first", "second", "zero", "first", "second"]
    alone = [say(lora, model, 24)[0] for model in models]
    together = [None] * len(models)

    def ask(i):
        together[i] = say(lora, models[i], 24)[0]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(models))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert len(set(alone)) == 3


def test_unloading_takes_an_adapter_from_no_running_request(lora, loaded):
    assert loaded("first").status_code == 200
    expected = say(lora, "first", 60)[0]
    stream = lora.sdk.chat.completions.create(model="first", messages=[{"role": "user", "content": "Tell me about the sea."}], temperature=0,
                                              max_completion_tokens=60, stream=True)
    pieces = [next(stream).choices[0].delta.content or ""]
    assert lora.http.post("/v1/unload_lora_adapter", json={"lora_name": "first"}).status_code == 200
    pieces += [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(pieces) == expected


def test_a_receipt_names_the_adapter_and_replays_with_it_only(lora, loaded, adapters, tmp_path):
    assert loaded("first").status_code == 200
    out = say(lora, "first", 12, extra_body={"receipt": True})[1].model_dump()
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(out))
    assert sha256(adapters / "first") in file.read_text()

    def verify(*arguments):
        return subprocess.run([STRATA, "verify", file, "--models", MODELS, *arguments], capture_output=True, text=True)

    assert verify("--adapter", f"first={adapters / 'first'}").returncode == 0
    renamed = verify("--adapter", f"x={adapters / 'second'}", "--adapter", f"y={adapters / 'first'}")
    assert renamed.returncode == 0, renamed.stderr
    other = verify("--adapter", f"first={adapters / 'second'}")
    assert other.returncode != 0 and "adapter" in other.stderr
    assert verify().returncode != 0


@pytest.mark.parametrize("body, status, said", [
    ({"lora_name": "a", "lora_path": "absent"}, 404, "absent"),
    ({"lora_name": "a", "lora_path": "../.."}, 400, "adapters folder"),
    ({"lora_name": "a", "lora_path": "/etc/passwd"}, 400, "adapters folder"),
    ({"lora_name": "a:b", "lora_path": "first"}, 400, "lora_name"),
    ({"lora_name": "zero", "lora_path": "first"}, 409, "zero"),
    ({"lora_name": "a", "lora_path": "first", "base_model_name": "nobody"}, 404, "nobody"),
    ({"lora_name": "a", "lora_path": "first", "load_inplace": True}, 400, "load_inplace"),
    ({"lora_path": "first"}, 400, "lora_name"),
    ({"lora_name": "a", "lora_path": "dora"}, 501, "use_dora"),
])
def test_what_cannot_be_loaded_is_refused_by_name(lora, body, status, said):
    answer = lora.http.post("/v1/load_lora_adapter", json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]["message"]


def test_the_base_itself_cannot_be_unloaded(lora):
    assert lora.http.post("/v1/unload_lora_adapter", json={"lora_name": base(lora)}).status_code == 404


def test_an_adapter_that_was_the_default_model_leaves_the_place_to_its_base(lora, loaded):
    assert loaded("first").status_code == 200
    plain = base(lora)
    assert lora.http.post("/strata/v1/models/default", json={"id": "first"}).status_code == 200
    try:
        body = {"messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 2, "temperature": 0}
        assert lora.http.post("/v1/chat/completions", json=body).json()["model"] == "first"
        assert lora.http.post("/v1/unload_lora_adapter", json={"lora_name": "first"}).status_code == 200
        assert lora.http.get("/strata/v1/system").json()["default_model"] == plain
        assert lora.http.post("/v1/chat/completions", json=body).json()["model"] == plain
    finally:
        lora.http.post("/strata/v1/models/default", json={"id": plain})
