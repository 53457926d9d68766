"""Adapters that PEFT saves for the tiny models of families whose layers have names of their own, and what these compute with them.

    python lora_families.py GOLDEN

makes GOLDEN/lora/FAMILY, as PEFT's save_pretrained writes it, and GOLDEN/lora/families.json with the greedy tokens and the first logits
of transformers once PEFT has merged the adapter. Made with transformers 5.17.0 and peft 0.21.0, float32 on CPU.
"""
import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

from make import GAP, case

# which linear layers
TARGETS = {
    "qwen2_vl": r".*language_model.*\.(q_proj|v_proj|o_proj|gate_proj|down_proj)",
    "gpt_neox": ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"],
    "phi": ["q_proj", "k_proj", "dense", "fc1", "fc2"],
    "falcon-grouped": ["query_key_value", "dense", "dense_h_to_4h"],
    "opt": ["q_proj", "out_proj", "fc1", "fc2"],
    "gpt2": ["c_attn", "c_proj", "c_fc"],
}


def adapted(golden, name, seed):
    folder = golden / "family" / name
    images = "vision_config" in json.loads((folder / "config.json").read_text())
    kind = AutoModelForImageTextToText if images else AutoModelForCausalLM
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    config = LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS[name], task_type="CAUSAL_LM",
                        fan_in_fan_out=name == "gpt2")
    model = get_peft_model(model, config)
    model.peft_config["default"].base_model_name_or_path = "org/base"
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, value in model.named_parameters():
            if "lora_" in key:
                value.copy_(torch.randn(value.shape, generator=random) * (1 if "lora_A" in key else 0.05))
    return model.eval()


def main(golden):
    torch.set_num_threads(1)
    entries = []
    for name in TARGETS:
        base = json.loads((golden / "family" / name / "expected.json").read_text())["cases"]
        for seed in range(12):
            model = adapted(golden, name, seed)
            target = golden / "lora" / name
            shutil.rmtree(target, ignore_errors=True)
            model.save_pretrained(target)
            (target / "README.md").unlink(missing_ok=True)
            merged = model.merge_and_unload()
            made = [case(merged, each["prompt_ids"]) for each in base]
            gap = min(each[1] for each in made)
            if gap >= GAP:
                break
        cases = [each[0] for each in made]
        assert all(new["greedy_ids"] != old["greedy_ids"] for new, old in zip(cases, base)), "the adapter changes nothing"
        entries.append({"model": f"family/{name}", "adapters": [name], "cases": cases})
        print(f"{name}: seed {seed}, gap {gap:.5f}", flush=True)
    lines = ",\n".join(json.dumps(each) for each in entries)
    (golden / "lora" / "families.json").write_text("[" + lines + "]\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
