"""Writes checkpoints in each quantized form that is read, with what transformers computes for them.

    python quantized.py OUT [MODEL]

Without MODEL small random models are taken, which made the folders quantized-* of src/test/resources/golden; with it a
checkpoint that is not quantized, such as examples/models/kjv-6m, whose tokenizer is copied. Needs torch, transformers
and compressed-tensors; the code of compressed-tensors packs and unpacks its forms, and that of AutoAWQ
(awq/utils/packing_utils.py, found by AWQ_PACKING_UTILS) unpacks AWQ's where it is there. The rest is numpy after the
formats' descriptions. expected.json has the greedy tokens and the first logits of a plain model in float32 whose weights
are the unpacked ones.
"""
import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, Qwen3Config

NEW_TOKENS = 24
TEXTS = ["In the beginning", "And the LORD said unto Moses,", "Blessed are the", "The words of the Preacher, the son of",
         "Now it came to pass in the days when the judges ruled,", "A"]
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def words(fields, bits):
    """Integers [R, C] of so many bits, the first of each word lowest -> int32 [R, C * bits / 32]"""
    fields = fields.astype(np.uint32).reshape(fields.shape[0], -1, 32 // bits)
    shifts = np.arange(32 // bits, dtype=np.uint32) * bits
    return torch.from_numpy((fields << shifts).sum(-1, dtype=np.uint32).view(np.int32).copy())


def rounded(weight, group_of, groups, bits, symmetric, scale_dtype):
    """weight [out, in], group_of [in] -> q, zero [out, groups], scale [out, groups] with q - zero times scale near it"""
    scale = np.zeros((weight.shape[0], groups), np.float32)
    zero = np.zeros((weight.shape[0], groups), np.int64)
    top = 2**bits - 1
    for g in range(groups):
        part = weight[:, group_of == g]
        low, high = np.minimum(part.min(1), 0), np.maximum(part.max(1), 0)
        if symmetric:
            scale[:, g] = np.maximum(np.abs(low), np.abs(high)) / 2 ** (bits - 1)
            zero[:, g] = 2 ** (bits - 1)
        else:
            scale[:, g] = (high - low) / top
    scale = torch.from_numpy(scale).to(scale_dtype)
    wide = scale.float().numpy()
    if not symmetric:
        for g in range(groups):
            low = np.minimum(weight[:, group_of == g].min(1), 0)
            # from 1, which the older form of GPTQ, that stores one less, can hold
            zero[:, g] = np.clip(np.rint(-low / wide[:, g]), 1, top)
    q = np.clip(np.rint(weight / wide[:, group_of]) + zero[:, group_of], 0, top).astype(np.int64)
    return q, zero, scale


def unpacked(q, zero, scale, group_of):
    return torch.from_numpy((q - zero[:, group_of]).astype(np.float32) * scale.float().numpy()[:, group_of])


def gptq(weight, bits, group, symmetric, act_order, older):
    weight = weight.numpy()
    columns = weight.shape[1]
    group = columns if group == -1 else group
    group_of = np.arange(columns) // group
    if act_order:
        group_of = group_of[np.random.default_rng(columns).permutation(columns)]
    groups = columns // group
    q, zero, scale = rounded(weight, group_of, groups, bits, symmetric, torch.float16)
    tensors = {
        "qweight": words(q, bits).t().contiguous(),
        "qzeros": words(zero.T - (1 if older else 0), bits),
        "scales": scale.t().contiguous(),
        "g_idx": torch.from_numpy(group_of.astype(np.int32)),
    }
    return tensors, unpacked(q, zero, scale, group_of)


def awq(weight, group):
    weight = weight.numpy()
    columns = weight.shape[1]
    group = columns if group == -1 else group
    group_of = np.arange(columns) // group
    q, zero, scale = rounded(weight, group_of, columns // group, 4, False, torch.float16)

    def ordered(fields):
        return fields.reshape(fields.shape[0], -1, 8)[:, :, AWQ_ORDER].reshape(fields.shape)

    tensors = {"qweight": words(ordered(q.T), 4), "qzeros": words(ordered(zero.T), 4), "scales": scale.t().contiguous()}
    dense = unpacked(q, zero, scale, group_of)
    code = os.environ.get("AWQ_PACKING_UTILS")
    if code:
        spec = importlib.util.spec_from_file_location("packing_utils", code)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        theirs = module.dequantize_gemm(tensors["qweight"], tensors["qzeros"], tensors["scales"].float(), 4, group).t()
        assert torch.equal(theirs, dense), "AutoAWQ unpacks something else"
    return tensors, dense


def fp8(weight, block, scale_name, scale_dtype, static):
    """block: rows and columns that share a scale, or None for all of them"""
    block = block or weight.shape
    rows, columns = -(-weight.shape[0] // block[0]), -(-weight.shape[1] // block[1])
    scale = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            part = weight[i * block[0]:(i + 1) * block[0], j * block[1]:(j + 1) * block[1]]
            scale[i, j] = part.abs().max() / 448
    scale = scale.to(scale_dtype)
    wide = scale.float().repeat_interleave(block[0], 0).repeat_interleave(block[1], 1)
    wide = wide[: weight.shape[0], : weight.shape[1]]
    q = (weight / wide).clamp(-448, 448).to(torch.float8_e4m3fn)
    tensors = {"weight": q, scale_name: scale.reshape([]) if scale.numel() == 1 else scale}
    if static:
        tensors["input_scale"] = torch.tensor(0.05)
    return tensors, q.float() * wide


def compressed(weight, form, args, scale_dtype=torch.bfloat16):
    """By the code of compressed-tensors, as llm-compressor would."""
    args = QuantizationArgs(**args)
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    rows, columns = weight.shape
    strategy = args.strategy
    group = args.group_size if strategy == "group" else columns
    state = {}
    order = torch.arange(columns)
    if args.actorder == "group":
        order = torch.from_numpy(np.random.default_rng(columns).permutation(columns))
        state["weight_g_idx"] = torch.empty(columns, dtype=torch.int32)
        state["weight_g_idx"][order] = (torch.arange(columns) // group).int()
    parts = weight[:, order].reshape(rows, -1, group)
    if strategy == "tensor":
        parts = weight.reshape(1, 1, -1)
    low, high = parts.amin(-1).clamp(max=0), parts.amax(-1).clamp(min=0)
    top = 448.0 if args.type == "float" else 2.0 ** (args.num_bits - 1)
    zero = torch.zeros_like(low, dtype=torch.int8)
    if args.symmetric:
        scale = (torch.maximum(-low, high) / top).to(scale_dtype)
    else:
        scale = ((high - low) / (2 * top - 1)).to(scale_dtype)
        zero = (-top - low / scale.float()).round().clamp(-top, top - 1).to(torch.int8)
    if strategy == "tensor":
        scale, zero = scale.reshape(1), zero.reshape(1)
    state |= {"weight": weight, "weight_scale": scale.float(), "weight_zero_point": zero}
    compressor = BaseCompressor.get_value_from_registry(form)
    packed = compressor.compress(state, scheme)
    dense = compressor.decompress(packed, scheme)["weight"].float()
    return packed | {"weight_scale": scale}, dense


def scheme(form, weights, activations=None, ignore=("lm_head",), **others):
    return {
        "quant_method": "compressed-tensors", "format": form, "quantization_status": "compressed",
        "global_compression_ratio": None, "kv_cache_scheme": None, "ignore": list(ignore),
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": activations,
                                      "output_activations": None}},
    } | others


def weights(bits, kind, strategy, group=None, symmetric=True, actorder=None):
    return {"num_bits": bits, "type": kind, "strategy": strategy, "group_size": group, "symmetric": symmetric,
            "actorder": actorder, "dynamic": False}


def by_compressed_tensors(form, args, activations=None, **others):
    return scheme(form, args, activations, **others), lambda weight, name: compressed(weight, form, args)


def by_gptq(bits, group, symmetric, act_order, older=True):
    config = {"quant_method": "gptq", "bits": bits, "group_size": group, "sym": symmetric, "desc_act": act_order,
              "checkpoint_format": "gptq" if older else "gptq_v2"}
    return config, lambda weight, name: gptq(weight, bits, group, symmetric, act_order, older)


def by_awq(group):
    config = {"quant_method": "awq", "bits": 4, "group_size": group, "zero_point": True, "version": "gemm",
              "modules_to_not_convert": None}
    return config, lambda weight, name: awq(weight, group)


def by_fp8(config, block, scale_name, scale_dtype, static=False):
    config = {"quant_method": "fp8", "activation_scheme": "static" if static else "dynamic"} | config
    return config, lambda weight, name: fp8(weight, block, scale_name, scale_dtype, static)


def mixed():
    """Attention in 8 bits, the rest in 4, but for a layer that is left alone."""
    eight, four = weights(8, "int", "channel"), weights(4, "int", "group", 32)
    config = scheme("pack-quantized", four, ignore=["lm_head", "re:.*layers\\.1\\.mlp\\.(gate|up)_proj$"])
    config["config_groups"]["group_1"] = {"targets": ["re:.*self_attn\\..*"], "weights": eight}

    def one(weight, name):
        if "layers.1.mlp.gate" in name or "layers.1.mlp.up" in name:
            return None
        return compressed(weight, "pack-quantized", eight if "self_attn" in name else four)

    return config, one


DYNAMIC = {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True, "symmetric": True}
STATIC = DYNAMIC | {"strategy": "tensor", "dynamic": False}
# name: layers of the random model, the form
FORMS = {
    "ct-fp8-channel": (2, by_compressed_tensors("float-quantized", weights(8, "float", "channel"), DYNAMIC)),
    "ct-fp8-tensor": (1, by_compressed_tensors("naive-quantized", weights(8, "float", "tensor"), STATIC)),
    "ct-int8": (1, by_compressed_tensors("int-quantized", weights(8, "int", "channel"), DYNAMIC | {"type": "int"})),
    "ct-w4a16": (1, by_compressed_tensors("pack-quantized", weights(4, "int", "group", 128))),
    "ct-w4a16-asym": (1, by_compressed_tensors("pack-quantized", weights(4, "int", "group", 32, False))),
    "ct-w4a16-act-order": (1, by_compressed_tensors("pack-quantized", weights(4, "int", "group", 64, False, "group"))),
    "ct-w4a16-channel": (1, by_compressed_tensors("pack-quantized", weights(4, "int", "channel", None, False))),
    "ct-mixed": (2, mixed()),
    "fp8-block": (2, by_fp8({"weight_block_size": [128, 128], "modules_to_not_convert": ["lm_head"]}, (128, 128),
                            "weight_scale_inv", torch.bfloat16)),
    "fp8-tensor": (1, by_fp8({"ignored_layers": ["lm_head"], "kv_cache_scheme": None}, None,
                             "weight_scale", torch.float32, static=True)),
    "awq-g32": (1, by_awq(32)),
    "awq-g128": (2, by_awq(128)),
    "awq-channel": (1, by_awq(-1)),
    "gptq": (2, by_gptq(4, 128, True, False)),
    "gptq-act-order": (1, by_gptq(4, 64, False, True)),
    "gptq-channel": (1, by_gptq(4, -1, False, False)),
    "gptq-v2": (1, by_gptq(4, 32, False, True, older=False)),
    "gptq-int8": (1, by_gptq(8, 64, True, True)),
}


def random_model(name, layers, seed):
    """fp8-block has widths that blocks of 128 do not divide."""
    torch.manual_seed(seed)
    sizes = dict(vocab_size=256, hidden_size=128, intermediate_size=192 if name == "fp8-block" else 256,
                 num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
                 max_position_embeddings=256, initializer_range=0.12, tie_word_embeddings=True, bos_token_id=0,
                 eos_token_id=1, pad_token_id=2, dtype="bfloat16")
    config = Qwen3Config(**sizes) if name == "fp8-block" else LlamaConfig(**sizes)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if key.endswith("norm.weight"):
                weight.copy_(1 + 0.1 * torch.randn(weight.shape))
    state = {key: value.to(torch.bfloat16) for key, value in model.state_dict().items() if key != "lm_head.weight"}
    prompts = [torch.randint(3, 256, [length]).tolist() for length in (1, 5, 11, 23)]
    return config, state, prompts


def answers(config, dense, prompts):
    config.dtype = "float32"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    missing, unexpected = model.load_state_dict({key: value.float() for key, value in dense.items()}, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    cases = []
    for prompt in prompts:
        ids, gap = list(prompt), float("inf")
        with torch.no_grad():
            first = model(torch.tensor([ids])).logits[0, -1]
            for _ in range(NEW_TOKENS):
                top = model(torch.tensor([ids])).logits[0, -1].topk(2)
                gap = min(gap, float(top.values[0] - top.values[1]))
                ids.append(int(top.indices[0]))
        cases.append({"prompt_ids": prompt, "greedy_ids": ids[len(prompt):], "gap": gap,
                      "first_logits": [round(value, 6) for value in first.tolist()][:256]})
    return cases


def quantized(name, config, state, prompts):
    """-> tensors to store, cases"""
    quantize = FORMS[name][1][1]
    stored, dense, largest = {}, dict(state), 0
    for key, value in state.items():
        module = key.removesuffix(".weight")
        done = quantize(value.float(), module) if module.endswith(PROJECTIONS) else None
        if done is None:
            stored[key] = value
            continue
        tensors, dense[key] = done
        error = float((dense[key] - value.float()).norm() / value.float().norm())
        assert error < 0.3, (name, key, error)
        largest = max(largest, error)
        stored |= {f"{module}.{suffix}": tensor.contiguous() for suffix, tensor in tensors.items()}
    print(f"{name}: weights change by {largest:.3f}")
    return stored, answers(config, dense, prompts)


def write(out, name, source):
    if source:
        config = AutoConfig.from_pretrained(source)
        state = load_file(source / "model.safetensors")
        tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
        prompts = [tokenizer.encode(text).ids for text in TEXTS]
        stored, cases = quantized(name, config, state, prompts)
    else:
        # models whose best two tokens are never so near each other that rounding could change their order
        for seed in range(100):
            config, state, prompts = random_model(name, FORMS[name][0], seed)
            stored, cases = quantized(name, config, state, prompts)
            if min(case["gap"] for case in cases) > 0.003:
                break
    folder = out / f"quantized-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    config.dtype = state["model.norm.weight"].dtype
    config.save_pretrained(folder)
    text = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(text | {"quantization_config": FORMS[name][1][0]}, indent=1) + "\n")
    save_file(stored, folder / "model.safetensors", {"format": "pt"})
    (folder / "expected.json").write_text(json.dumps(
        {"transformers": transformers.__version__, "cases": cases}, separators=(",", ":")) + "\n")
    if source:
        for file in source.glob("*token*"):
            shutil.copy(file, folder)
    print(f"{name}: smallest gap {min(case['gap'] for case in cases):.5f}")


if __name__ == "__main__":
    for form in FORMS:
        write(Path(sys.argv[1]), form, Path(sys.argv[2]) if len(sys.argv) > 2 else None)
