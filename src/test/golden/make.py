"""Writes a small random checkpoint of each family, with what transformers computes for it.

    python make.py OUT [FAMILY...]

Needs torch and transformers (made with 5.17.0 and 2.11.0, mixtures of experts with 2.13.0). Weights are rounded to bfloat16; expected.json has, for each of
some prompts, the greedy tokens and the first logits of eager attention in float32 on CPU, the whole sequence computed
anew for every token. Seeds are tried until the second best token is nowhere near the best.
"""
import json
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

LENGTHS = (14, 26, 1, 37, 9, 20)
NEW_TOKENS = 24
GAP = 2e-3
VOCABULARY = 384
LAYERS = 4
SLIDING = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"]


def rope(theta=10000.0, **more):
    return {"rope_type": "default", "rope_theta": theta, **more}


def sized(hidden, heads=6, kv_heads=2, **more):
    return dict(vocab_size=VOCABULARY, hidden_size=hidden, intermediate_size=80, num_hidden_layers=LAYERS,
                num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=256,
                rope_parameters=rope(), tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=None,
                **more)


# of widths that kernels take
def moe(experts="num_experts", **more):
    return dict(sized(64, head_dim=16), **{experts: 6, "intermediate_size": 64, "num_experts_per_tok": 2, **more})


def glm4_moe(n_group):
    return moe("n_routed_experts", moe_intermediate_size=64, n_shared_experts=1, n_group=n_group, topk_group=1,
               norm_topk_prob=True, routed_scaling_factor=1.5, first_k_dense_replace=1, attention_bias=True,
               use_qk_norm=True, partial_rotary_factor=0.5)


def llama4(**more):
    return dict(sized(64, head_dim=16), **{"intermediate_size": 64, "intermediate_size_mlp": 80, "num_local_experts": 6,
                                           "num_experts_per_tok": 1, "no_rope_layer_interval": 2, **more})


VISION = dict(depth=1, hidden_size=16, intermediate_size=16, num_heads=1, patch_size=2, spatial_merge_size=1)
MROPE = dict(rope_parameters=rope(mrope_section=[2, 3, 3]))

# name of the folder: model_type and arguments of its configuration class
CASES = {
    "olmo3": ("olmo3", dict(sized(96), sliding_window=8, layer_types=SLIDING, rope_parameters=dict(
        sliding_attention=rope(), full_attention=rope(rope_type="yarn", factor=4.0, beta_fast=32.0, beta_slow=1.0,
                                                      original_max_position_embeddings=64)))),
    "seed_oss": ("seed_oss", dict(sized(64), head_dim=16, attention_bias=True, attention_out_bias=False)),
    "exaone4": ("exaone4", dict(sized(64), head_dim=16, sliding_window=8, layer_types=SLIDING)),
    "ministral": ("ministral", dict(sized(64), head_dim=16, sliding_window=8, layer_types=SLIDING)),
    "ministral3": ("ministral3", dict(sized(64), head_dim=16, rope_parameters=rope(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=64, beta_fast=32.0, beta_slow=1.0, mscale=1.0,
        mscale_all_dim=1.0, llama_4_scaling_beta=0.1))),
    "granite": ("granite", dict(sized(96), embedding_multiplier=6.0, residual_multiplier=0.22,
                                attention_multiplier=0.1, logits_scaling=3.0, tie_word_embeddings=True)),
    "glm": ("glm", dict(sized(64), head_dim=16, attention_bias=True, partial_rotary_factor=0.5)),
    "glm4": ("glm4", dict(sized(64), head_dim=16, attention_bias=True, partial_rotary_factor=0.5)),
    "helium": ("helium", dict(sized(96), head_dim=16)),
    "ernie4_5": ("ernie4_5", dict(sized(64), head_dim=16, use_bias=True, tie_word_embeddings=True)),
    "hunyuan_v1_dense": ("hunyuan_v1_dense", dict(sized(64), head_dim=16)),
    # not one of transformers' own, which has one with the same biases
    "internlm3": ("seed_oss", dict(sized(64), head_dim=16, attention_bias=True, attention_out_bias=True, mlp_bias=True,
                                   rope_parameters=rope(rope_type="dynamic", factor=6.0))),
    "arcee": ("arcee", dict(sized(96))),
    "apertus": ("apertus", dict(sized(96))),
    "cohere": ("cohere", dict(sized(96), logit_scale=0.25, use_qk_norm=True, tie_word_embeddings=True)),
    "cohere-plain": ("cohere", dict(sized(96), logit_scale=0.25, tie_word_embeddings=True)),
    "cohere2": ("cohere2", dict(sized(96), logit_scale=0.25, sliding_window=8, layer_types=SLIDING,
                                tie_word_embeddings=True)),
    "starcoder2": ("starcoder2", dict(sized(96), use_bias=True, sliding_window=8, tie_word_embeddings=True)),
    "stablelm": ("stablelm", dict(sized(96), use_qkv_bias=True, partial_rotary_factor=0.25)),
    "stablelm-parallel": ("stablelm", dict(sized(96), use_parallel_residual=True, qk_layernorm=True,
                                           partial_rotary_factor=0.5)),
    "nemotron": ("nemotron", dict(sized(96), head_dim=16, partial_rotary_factor=0.5)),
    "gpt_neox": ("gpt_neox", dict(sized(96), rotary_pct=0.25)),
    "gpt2": ("gpt2", dict(vocab_size=VOCABULARY, n_positions=128, n_embd=96, n_layer=LAYERS, n_head=6, bos_token_id=1,
                          eos_token_id=2)),
    "phi": ("phi", dict(sized(96, 6, 6), partial_rotary_factor=0.5)),
    "falcon": ("falcon", dict(vocab_size=VOCABULARY, hidden_size=96, num_hidden_layers=LAYERS, num_attention_heads=6,
                              multi_query=True, parallel_attn=True, bias=False, alibi=False, bos_token_id=1,
                              eos_token_id=2)),
    "falcon-grouped": ("falcon", dict(vocab_size=VOCABULARY, hidden_size=96, num_hidden_layers=LAYERS,
                                      num_attention_heads=6, num_kv_heads=2, new_decoder_architecture=True, bias=False,
                                      alibi=False, bos_token_id=1, eos_token_id=2)),
    "opt": ("opt", dict(vocab_size=VOCABULARY, hidden_size=96, ffn_dim=80, num_hidden_layers=LAYERS,
                        num_attention_heads=6, max_position_embeddings=128, word_embed_proj_dim=96, bos_token_id=1,
                        eos_token_id=2)),
    "qwen3_moe": ("qwen3_moe", moe(moe_intermediate_size=64, norm_topk_prob=True, decoder_sparse_step=1,
                                   mlp_only_layers=[1])),
    "mixtral": ("mixtral", moe("num_local_experts")),
    "olmoe": ("olmoe", dict(sized(64, 4), **{"intermediate_size": 64}, num_experts=6, num_experts_per_tok=2,
                            norm_topk_prob=False)),
    "qwen2_moe": ("qwen2_moe", dict(sized(64, 4), num_experts=6, num_experts_per_tok=2, moe_intermediate_size=64,
                                    shared_expert_intermediate_size=48, norm_topk_prob=False, qkv_bias=True)),
    "granitemoe": ("granitemoe", dict(sized(64, 4), **{"intermediate_size": 64}, num_local_experts=6, num_experts_per_tok=2,
                                      embedding_multiplier=1.5, residual_multiplier=0.22, attention_multiplier=0.25,
                                      logits_scaling=3.0, tie_word_embeddings=True)),
    "glm4_moe": ("glm4_moe", glm4_moe(n_group=1)),
    "glm4_moe-grouped": ("glm4_moe", glm4_moe(n_group=2)),
    "gpt_oss": ("gpt_oss", moe("num_local_experts", sliding_window=8, layer_types=SLIDING)),
    "llama4_text": ("llama4_text", llama4(use_qk_norm=True)),
    "llama4_text-plain": ("llama4_text", llama4(use_qk_norm=False, interleave_moe_layer_step=2)),
    "llama4": ("llama4", dict(text_config=llama4(use_qk_norm=True), vision_config=dict(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, image_size=4, patch_size=2,
        vision_output_dim=16, projector_input_dim=16, projector_output_dim=16, pixel_shuffle_ratio=0.5))),
    "qwen2_vl": ("qwen2_vl", dict(text_config=dict(sized(96), **MROPE), vision_config=dict(
        depth=1, embed_dim=16, hidden_size=96, num_heads=1, mlp_ratio=1, patch_size=2, spatial_merge_size=1))),
    "qwen2_5_vl": ("qwen2_5_vl", dict(text_config=dict(sized(96), **MROPE),
                                      vision_config=dict(VISION, out_hidden_size=96, fullatt_block_indexes=[0]))),
    "qwen3_vl": ("qwen3_vl", dict(text_config=dict(sized(64), head_dim=16, **dict(rope_parameters=rope(
        mrope_section=[2, 3, 3], mrope_interleaved=True))), vision_config=dict(
            VISION, out_hidden_size=64, num_position_embeddings=16, deepstack_visual_indexes=[0]))),
    "gemma3-vision": ("gemma3", dict(text_config=dict(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=80, num_hidden_layers=LAYERS, num_attention_heads=6,
        num_key_value_heads=2, head_dim=16, sliding_window=8, layer_types=SLIDING, query_pre_attn_scalar=16,
        max_position_embeddings=256), vision_config=dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                                                         num_attention_heads=1, image_size=4, patch_size=2),
        mm_tokens_per_image=4, image_token_index=380, boi_token_index=381, eoi_token_index=382)),
    "mistral3": ("mistral3", dict(text_config=dict(sized(64), model_type="mistral", head_dim=16, sliding_window=None),
                                  vision_config=dict(model_type="pixtral", hidden_size=16, intermediate_size=16,
                                                     num_hidden_layers=1, num_attention_heads=1, image_size=4,
                                                     patch_size=2, head_dim=16), image_token_index=380)),
}

# what the folder's config.json has instead of keys of the class that computed it
RENAMED = {
    "internlm3": (("attention_bias", "attention_out_bias", "mlp_bias", "rope_parameters"), dict(
        model_type="internlm3", architectures=["InternLM3ForCausalLM"], qkv_bias=True, bias=True, rope_theta=10000.0,
        rope_scaling=dict(rope_type="dynamic", factor=6.0))),
}


def rename(file, gone, own):
    config = {key: value for key, value in json.loads(file.read_text()).items() if key not in gone}
    file.write_text(json.dumps(dict(sorted({**config, **own}.items())), indent=2) + "\n")


def random_model(config, seed):
    torch.manual_seed(seed)
    kind = AutoModelForImageTextToText if hasattr(config, "vision_config") else AutoModelForCausalLM
    model = kind.from_config(config, attn_implementation="eager")
    random = torch.Generator().manual_seed(seed)
    seen = set()
    with torch.no_grad():
        for name, value in list(model.named_parameters()) + list(model.named_buffers()):
            if value.data_ptr() in seen or not value.is_floating_point() or "inv_freq" in name or name.endswith(("embed_scale", "act_fn.beta", "act_fn.eps")):
                continue
            seen.add(value.data_ptr())
            noise = torch.randn(value.shape, generator=random)
            if value.dim() > 1:
                # rows are outputs, but for what is kept as [in, out] or by expert, whose sizes are not far apart
                # an embedding that is the output projection too would have each token follow itself
                embedding = 0.1 if model.get_input_embeddings().weight is model.get_output_embeddings().weight else 1.0
                scale = embedding if "emb" in name or "wte" in name or "wpe" in name else 1.3 / value.shape[-1] ** 0.5
                value.copy_(noise * scale)
            elif "norm" in name and name.endswith("weight") or "ln_" in name and name.endswith("weight"):
                value.add_(0.2 * noise)
            else:
                value.add_(0.2 * noise)
            value.copy_(value.bfloat16().float())
    return model.eval()


def case(model, ids):
    tokens = list(ids)
    gap = float("inf")
    first = None
    with torch.no_grad():
        for _ in range(NEW_TOKENS):
            logits = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1].float()
            first = logits if first is None else first
            best = torch.topk(logits, 2)
            gap = min(gap, float(best.values[0] - best.values[1]))
            tokens.append(int(best.indices[0]))
    return dict(prompt_ids=list(ids), greedy_ids=tokens[len(ids):],
                first_logits=[round(x, 5) for x in first[:16].tolist()]), gap


def make(out, name):
    torch.set_num_threads(1)
    kind, arguments = CASES[name]
    config = AutoConfig.for_model(kind, **arguments)
    random = torch.Generator().manual_seed(7)
    prompts = [torch.randint(3, VOCABULARY - 8, (n,), generator=random).tolist() for n in LENGTHS]
    for seed in range(12):
        model = random_model(config, seed)
        made = [case(model, prompt) for prompt in prompts]
        gap = min(each[1] for each in made)
        if gap >= GAP:
            break
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if name in RENAMED:
        rename(folder / "config.json", *RENAMED[name])
    expected = dict(family=kind, transformers=transformers.__version__, seed=seed, smallest_gap=round(gap, 5),
                    cases=[each[0] for each in made])
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    different = len({token for each, _ in made for token in each["greedy_ids"]})
    return f"{name}: seed {seed}, gap {gap:.5f}, {different} tokens, {sum(f.stat().st_size for f in folder.iterdir())} bytes"


def main():
    out = Path(sys.argv[1])
    names = sys.argv[2:] or list(CASES)
    with ProcessPoolExecutor(min(len(names), os.cpu_count())) as pool:
        tasks = {pool.submit(make, out, name): name for name in names}
        for task in as_completed(tasks):
            try:
                print(task.result(), flush=True)
            except Exception as e:
                print(f"{tasks[task]}: {type(e).__name__}: {str(e)[:300]}", flush=True)


if __name__ == "__main__":
    main()
