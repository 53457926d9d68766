"""Writes LoRA adapters for the tiny models of src/test/resources/golden, with what these compute with them.

    python lora.py GOLDEN

makes the folder lora in it: an adapter in each directory, and expected.json with the greedy tokens and the first logits of
some prompts for each model and the adapters that are merged into it. Needs numpy alone; everything is computed in float64
after the papers (the models, LoRA, rank-stabilized LoRA) and PEFT's description of rank_pattern and alpha_pattern. That the
models are computed as by transformers is checked with their own expected.json first.
"""
import json
import re
import struct
import sys
from pathlib import Path

import numpy as np

NEW_TOKENS = 24
LOGITS = 64
# the second token is never nearer to the first than this, so that rounding to float32 cannot change their order
GAP = 2e-3
TYPES = {"F32": np.float32, "F16": np.float16, "I8": np.int8}


def load(folder):
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        data = file.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        for name, entry in json.loads(data[8:8 + length]).items():
            if name == "__metadata__":
                continue
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            raw = data[begin:end]
            if entry["dtype"] == "BF16":
                values = (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32)
            else:
                values = np.frombuffer(raw, TYPES[entry["dtype"]])
            tensors[name] = values.reshape(entry["shape"])
    return tensors


def rounded(values, dtype):
    """-> the bytes that are stored, the numbers they stand for"""
    if dtype == "BF16":
        bits = values.astype(np.float32).view(np.uint32)
        half = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
        return half.tobytes(), (half.astype(np.uint32) << 16).view(np.float32)
    stored = values.astype(TYPES[dtype])
    return stored.tobytes(), stored.astype(np.float32)


def save(file, tensors, dtype):
    header, data, numbers = {}, b"", {}
    for name, values in tensors.items():
        raw, numbers[name] = rounded(values, dtype)
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return numbers


def dense(tensors):
    """Weights of a model that is not quantized, or in int8 by channel as compressed-tensors has them."""
    weights = {}
    for name, values in tensors.items():
        if name.endswith(".weight_scale"):
            continue
        scale = tensors.get(name + "_scale")
        weights[name] = values.astype(np.float64) if scale is None else values.astype(np.float64) * scale.astype(
            np.float64)
    return weights


def norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def turned(x, theta):
    """x [T, heads, D], at positions from 0"""
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[0])[:, None] * theta ** (-np.arange(half) / half)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    low, high = x[..., :half], x[..., half:]
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], -1)


def logits(config, w, ids):
    """Of the token after ids; a llama, or a phi3 whose projections are fused."""
    heads, kv, hidden = config["num_attention_heads"], config["num_key_value_heads"], config["hidden_size"]
    size = config.get("head_dim") or hidden // heads
    theta = config["rope_parameters"]["rope_theta"]
    eps = config["rms_norm_eps"]
    x = w["model.embed_tokens.weight"][ids]
    tokens = len(ids)
    mask = np.triu(np.full((tokens, tokens), -np.inf), 1)
    for layer in range(config["num_hidden_layers"]):
        def at(name):
            return w[f"model.layers.{layer}.{name}.weight"]

        h = norm(x, at("input_layernorm"), eps)
        if config["model_type"] == "phi3":
            q, k, v = np.split(h @ at("self_attn.qkv_proj").T, [heads * size, (heads + kv) * size], -1)
        else:
            q, k, v = (h @ at(f"self_attn.{name}_proj").T for name in "qkv")
        q = turned(q.reshape(tokens, heads, size), theta)
        k = np.repeat(turned(k.reshape(tokens, kv, size), theta), heads // kv, 1)
        v = np.repeat(v.reshape(tokens, kv, size), heads // kv, 1)
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(size) + mask
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        x = x + np.einsum("hij,jhd->ihd", weights, v).reshape(tokens, -1) @ at("self_attn.o_proj").T
        h = norm(x, at("post_attention_layernorm"), eps)
        if config["model_type"] == "phi3":
            gate, up = np.split(h @ at("mlp.gate_up_proj").T, 2, -1)
        else:
            gate, up = h @ at("mlp.gate_proj").T, h @ at("mlp.up_proj").T
        x = x + (gate / (1 + np.exp(-gate)) * up) @ at("mlp.down_proj").T
    head = w["model.embed_tokens.weight"] if config["tie_word_embeddings"] else w["lm_head.weight"]
    return norm(x[-1], w["model.norm.weight"], eps) @ head.T


def greedy(config, weights, prompt, count):
    """-> tokens, the first logits, the smallest distance of two best logits"""
    ids, gap, first = list(prompt), np.inf, None
    for _ in range(count):
        all_logits = logits(config, weights, ids)
        first = all_logits if first is None else first
        second, best = np.sort(all_logits)[-2:]
        gap = min(gap, best - second)
        ids.append(int(all_logits.argmax()))
    return ids[len(prompt):], first, gap


def check(config, weights, cases):
    """Against transformers."""
    for case in cases[:3]:
        tokens, first, _ = greedy(config, weights, case["prompt_ids"], NEW_TOKENS)
        assert tokens == case["greedy_ids"][:NEW_TOKENS], (tokens, case["greedy_ids"])
        for token, value in case.get("first_logits_top8", []):
            assert abs(first[token] - value) < 1e-4, (token, first[token], value)


def by_pattern(patterns, module, otherwise):
    for pattern, value in patterns.items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return otherwise


def adapter(folder, config, shapes, modules, dtype, suffix, prefix, seed):
    """Random matrices that change a weight by about as much as it has. -> module: what is added"""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    tensors, scalings = {}, {}
    for module, (rows, columns) in shapes.items():
        if not re.match(modules, module):
            continue
        rank = by_pattern(config.get("rank_pattern", {}), module, config["r"])
        alpha = by_pattern(config.get("alpha_pattern", {}), module, config["lora_alpha"])
        scalings[module] = alpha / (np.sqrt(rank) if config["use_rslora"] else rank)
        name = f"base_model.model.{module.removeprefix(prefix)}"
        size = 0.12 / np.sqrt(rank) / scalings[module]
        tensors[f"{name}.lora_A{suffix}.weight"] = random.standard_normal((rank, columns))
        tensors[f"{name}.lora_B{suffix}.weight"] = random.standard_normal((rows, rank)) * size
    # the order of names, as safetensors has it, in which the two of a layer need not be neighbours
    tensors = dict(sorted(tensors.items(), key=lambda item: item[0][::-1]))
    numbers = save(folder / "adapter_model.safetensors", tensors, dtype)
    common = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "org/base", "bias": "none",
              "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True, "lora_dropout": 0.05,
              "modules_to_save": None, "use_dora": False, "lora_bias": False, "layer_replication": None,
              "target_modules": sorted({module.rpartition(".")[2] for module in scalings})}
    (folder / "adapter_config.json").write_text(json.dumps(common | config, indent=2) + "\n")
    added = {}
    for module, scaling in scalings.items():
        name = f"base_model.model.{module.removeprefix(prefix)}"
        a, b = (numbers[f"{name}.lora_{part}{suffix}.weight"].astype(np.float64) for part in "AB")
        added[module] = scaling * b @ a
    return added


def plain(r, alpha):
    return {"r": r, "lora_alpha": alpha, "use_rslora": False, "rank_pattern": {}, "alpha_pattern": {}}


# name: the model, the configuration, which layers, the type that is stored, what follows lora_A, what names lack
ADAPTERS = {
    "llama-attention": ("llama-gqa", plain(4, 8), r".*self_attn\.(q|v)_proj", "F32", "", ""),
    "llama-all": ("llama-gqa", {
        "r": 8, "lora_alpha": 16, "use_rslora": True,
        "rank_pattern": {"layers.1.self_attn.k_proj": 2, "(gate|up)_proj": 3, "k_proj": 4, "proj": 5},
        "alpha_pattern": {"^model.layers.0.mlp.down_proj": 4, "o_proj": 7.5},
    }, r".*(proj|lm_head)", "BF16", ".default", ""),
    "phi3-fused": ("phi3", plain(4, 6), r".*(qkv_proj|o_proj|gate_up_proj|down_proj)", "F16", "", "model."),
    "int8": ("quantized-ct-int8", plain(8, 16), r".*(q_proj|k_proj|gate_proj|down_proj)", "BF16", "", ""),
}
MERGED = [["llama-attention"], ["llama-all"], ["llama-attention", "llama-all"], ["phi3-fused"], ["int8"]]


def main(golden):
    models, added = {}, {}
    for name in sorted({each[0] for each in ADAPTERS.values()}):
        config = json.loads((golden / name / "config.json").read_text())
        cases = json.loads((golden / name / "expected.json").read_text())["cases"]
        models[name] = config, dense(load(golden / name)), cases
        check(*models[name])
    for seed, (name, (model, config, modules, dtype, suffix, prefix)) in enumerate(ADAPTERS.items()):
        shapes = {key.removesuffix(".weight"): value.shape for key, value in models[model][1].items()
                  if value.ndim == 2 and "embed" not in key}
        added[name] = adapter(golden / "lora" / name, config, shapes, modules, dtype, suffix, prefix, seed)
    expected = []
    for names in MERGED:
        model = ADAPTERS[names[0]][0]
        config, weights, base_cases = models[model]
        weights = dict(weights)
        for name in names:
            for module, change in added[name].items():
                weights[module + ".weight"] = weights[module + ".weight"] + change
        cases = []
        for base in base_cases:
            tokens, first, gap = greedy(config, weights, base["prompt_ids"], NEW_TOKENS)
            if gap < GAP:
                continue
            assert tokens != base["greedy_ids"][:NEW_TOKENS], "the adapter changes nothing"
            cases.append({"prompt_ids": base["prompt_ids"], "greedy_ids": tokens,
                          "first_logits": [round(float(value), 6) for value in first[:LOGITS]]})
        assert len(cases) >= 3, (names, len(cases))
        print(f"{' and '.join(names)}: {len(cases)} prompts")
        expected.append({"model": model, "adapters": names, "cases": cases})
    lines = ",\n".join(json.dumps(each) for each in expected)
    (golden / "lora" / "expected.json").write_text("[" + lines + "]\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
