"""What transformers holds of given texts after prompts: examples/models/kjv-6m, float32 on CPU.

    python scores.py MODEL > scores-kjv-6m.json

Tokens are cut as lm-evaluation-harness cuts them: white space at a prompt's end goes to the text, and of both together those
tokens are the text's that come after as many as the prompt alone has. A text alone that is longer than the context is read in
windows, as its loglikelihood_rolling does: the first is the token that begins texts and all but one of as many tokens as the
context has, each further one ends with the next tokens that are scored and begins as far before them as the context goes.
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


# longer than the context of 1,024 tokens; the last word is one that no other begins with
LONG = " ".join(f"{7 * i} And the LORD spake unto Moses the {i}th time, saying, Speak unto" for i in range(120)) + " zebra"


def rolled(model, first, ids):
    """The log-probabilities of ids, and the likeliest token in the place of each."""
    most = model.config.max_position_embeddings
    everything = [first] + ids
    scores, best = [], []
    end = 0
    while end < len(ids):
        count = min(len(ids) - end, most)
        end += count
        begin = max(0, end - most)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([everything[begin:end]])).logits[0].float()
        each = torch.log_softmax(logits, -1)[-count:]
        scores += [float(each[i, token]) for i, token in enumerate(ids[end - count:end])]
        best += each.argmax(-1).tolist()
    return scores, best


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
    before = tokenizer.encode("") or [first]
    ids = tokenizer.encode(LONG)[len(tokenizer.encode("")):]
    scores, best = rolled(model, before[0], ids)
    rolling = dict(text=LONG, tokens=len(ids), logprobs=[round(x, 5) for x in scores], logprob=round(sum(scores), 4),
                   best=sum(b == i for b, i in zip(best, ids)))
    print('{"transformers":"%s","torch":"%s","cases":[' % (transformers.__version__, torch.__version__))
    print(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n],\n\"rolling\":" + json.dumps(rolling, separators=(",", ":")) + "}")


if __name__ == "__main__":
    main()
