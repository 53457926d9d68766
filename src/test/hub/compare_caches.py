#!/usr/bin/env python3
"""Compares the cache that Lockstep makes of a model with the one that huggingface_hub makes, from the same local hub.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install huggingface_hub
    /tmp/venv/bin/python src/test/hub/compare_caches.py

Both trees must be the same, down to the links, and each must find offline what the other has fetched. The project must
have been built with its tests (mvn test-compile).
"""
import filecmp
import os
import pathlib
import subprocess
import sys
import tempfile

HOME = pathlib.Path(__file__).resolve().parents[3]
MODEL = HOME / "examples/models/kjv-6m"
ID = "org/kjv"
FILES = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
         "chat_template.jinja", "chat_template.json", "model.safetensors"]

FETCH = f"""
import huggingface_hub
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
print("huggingface_hub", huggingface_hub.__version__)
for file in {FILES!r}:
    try:
        huggingface_hub.hf_hub_download({ID!r}, file)
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        pass
"""

FIND = f"""
import huggingface_hub
from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, snapshot_download, try_to_load_from_cache
directory = snapshot_download({ID!r})
for file in {FILES!r}:
    found = try_to_load_from_cache({ID!r}, file)
    assert found is _CACHED_NO_EXIST or found == hf_hub_download({ID!r}, file), (file, found)
    assert found is _CACHED_NO_EXIST or found.startswith(directory), (file, found)
print(directory)
"""


def environment(home, endpoint, offline):
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    variables.update(HF_HOME=str(home), HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="1" if offline else "0",
                     HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    return variables


def run(words, home, endpoint, offline=False):
    done = subprocess.run(words, env=environment(home, endpoint, offline), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{words[0]} ended with code {done.returncode}")
    return done.stdout.strip()


def lockstep(*words):
    return [str(HOME / "launch/mpjrun.sh"), "-q", "model", ID, *words]


def python(program):
    return [sys.executable, "-c", program]


def tree(cache):
    """Each file with its size, each link with its target; but not locks, which each program has in its own way."""
    lines = {}
    for path in sorted(cache.rglob("*")):
        name = str(path.relative_to(cache))
        if name.startswith(".locks") or path.is_dir() and not path.is_symlink():
            continue
        lines[name] = f"-> {os.readlink(path)}" if path.is_symlink() else path
    return lines


def differences(ours, theirs):
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(name), theirs.get(name)
        same = a is not None and b is not None and (a == b or isinstance(a, pathlib.Path) and isinstance(b, pathlib.Path)
                                                   and (name == "CACHEDIR.TAG" or filecmp.cmp(a, b, shallow=False)))
        if not same:
            yield f"{name}: ours {a}, theirs {b}"


def main():
    classes = os.pathsep.join(str(HOME / path) for path in ("target/test-classes", "target/classes", "target/lib/*"))
    hub = subprocess.Popen(["java", "-cp", classes, "dev.lockstep.fixtures.FakeHub", str(MODEL), ID],
                           stdout=subprocess.PIPE, text=True)
    try:
        endpoint = hub.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as temp:
            ours, theirs = pathlib.Path(temp, "ours"), pathlib.Path(temp, "theirs")
            run(lockstep("--fetch"), ours, endpoint)
            print(run(python(FETCH), theirs, endpoint))
            found = tree(ours / "hub")
            print("\n".join(f"{name} {target if isinstance(target, str) else ''}" for name, target in found.items()))
            different = list(differences(found, tree(theirs / "hub")))
            print("\n".join(different) if different else "both trees are the same")
            print("huggingface_hub, offline, finds what Lockstep fetched:", run(python(FIND), ours, endpoint, True))
            print("Lockstep, offline, finds what huggingface_hub fetched:", run(lockstep(), theirs, endpoint, True))
            return 1 if different else 0
    finally:
        hub.kill()
        hub.wait()


if __name__ == "__main__":
    sys.exit(main())
