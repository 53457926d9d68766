"""What transformers holds of given texts after prompts: examples/models/kjv-6m, float32 on CPU.

    python scores.py MODEL > scores-kjv-6m.json

Tokens are cut as lm-evaluation-harness cuts them: white space at a prompt's end goes to the text, and of both together those
tokens are the text's that come after as many as the prompt alone has.
"""
import json
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

CASES = [
    ("In the beginning God created", [" the heaven and the earth.", " the earth", " a computer", " man in his own image,"]),
    ("And God said, Let there be ", ["light", "light: and there was light.", "darkness"]),
    ("The LORD is my shepherd;", [" I shall not want.", " I shall want.", "\n\n I shall not want."]),
    ("", ["In the beginning God created the heaven and the earth.", "zebra"]),
    ("Blessed are the", [" poor in spirit", " Ünïcödé – 漢字", " meek: for they shall inherit the earth. " * 8]),
    ("And the LORD spake unto", [" Moses, saying, Speak unto", " Aaron"]),
    ("  ", ["and it came to pass"]),
]


def main():
    path = sys.argv[1]
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    first = model.config.eos_token_id
    cases = []
    for prompt, texts in CASES:
        context = tokenizer.encode(prompt.rstrip())
        for text in texts:
            whole = tokenizer.encode(prompt + text)
            ids = whole[len(context):]
            before = context or [first]
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([before + ids])).logits[0].float()
            each = torch.log_softmax(logits, -1)[len(before) - 1:-1]
            chosen = [float(each[i, token]) for i, token in enumerate(ids)]
            cases.append(dict(prompt=prompt, text=text, token_ids=ids, logprobs=[round(x, 6) for x in chosen],
                              logprob=round(sum(chosen), 5), greedy=each.argmax(-1).tolist() == ids))
    print('{"transformers":"%s","torch":"%s","cases":[' % (transformers.__version__, torch.__version__))
    print(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}")


if __name__ == "__main__":
    main()
