"""What transformers makes of prompts: hidden states after the last norm of examples/models/kjv-6m, float32 on CPU.

    python embeddings.py MODEL > embeddings-kjv-6m.json

Of each prompt the last token's, the mean of all tokens' and the first token's, as sentence-transformers pools them, which are
divided by their length afterwards where that is wanted.
"""
import json
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch
import transformers
from transformers import AutoModel, AutoTokenizer

PROMPTS = [
    "In the beginning God created the heaven and the earth.",
    "In the beginning God created the heaven and the sea, and said that it was good.",
    "a",
    "Ünïcödé – 漢字",
    " ".join(f"And the LORD spake unto Moses the {i}th time, saying:" for i in range(40)),
]


def main():
    path = sys.argv[1]
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModel.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer.encode(prompt)
        with torch.no_grad():
            states = model(input_ids=torch.tensor([ids])).last_hidden_state[0]
        vectors = {"last": states[-1], "mean": states.mean(0), "cls": states[0]}
        cases.append({"prompt": prompt, "token_ids": ids} | {
            name: [round(float(x), 6) for x in vector] for name, vector in vectors.items()})
    json.dump({"transformers": transformers.__version__, "torch": torch.__version__, "cases": cases}, sys.stdout,
              ensure_ascii=False)
    print()


main()
