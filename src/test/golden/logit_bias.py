"""What transformers generates where single tokens' logits are raised or lowered: examples/models/kjv-6m, float32 on CPU.

    python logit_bias.py MODEL > logit_bias-kjv-6m.json

OpenAI's logit_bias is transformers' sequence_bias of sequences of one token.
"""
import json
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = ["In the beginning God", "And the LORD spake unto", "Blessed are the", "And it came to pass"]


def main():
    path = sys.argv[1]
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    model.generation_config = transformers.GenerationConfig(eos_token_id=1, pad_token_id=2)
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer.encode(prompt)

        def generated(bias):
            how = dict(sequence_bias={(token,): value for token, value in bias.items()}) if bias else {}
            with torch.no_grad():
                out = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=24, **how)
            return out[0, len(ids):].tolist()

        plain = generated({})
        often = max(set(plain), key=plain.count)
        for bias in [{plain[0]: -100.0}, {plain[0]: -2.5, plain[1]: -2.5, often: -1.25}, {often: 4.0}, {1: 100.0},
                     {261: -100.0, 14: 3.0, 4095: 1.5}]:
            cases.append(dict(prompt=prompt, prompt_ids=ids, logit_bias={str(k): v for k, v in bias.items()},
                              token_ids=generated(bias), without=plain))
    print('{"transformers":"%s","torch":"%s","cases":[' % (transformers.__version__, torch.__version__))
    print(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
    print("]}")


if __name__ == "__main__":
    main()
