"""What EleutherAI's lm-evaluation-harness asks of a model, asked of transformers and of Lockstep, and every number compared.

    python src/test/bench/harness.py [MODEL [TASK ...]] [--limit N] [--ranks N]

MODEL is a checkpoint's directory (examples/models/kjv-6m). The harness makes the requests of its TASKs and has its own
Hugging Face model answer them, in float32 on CPU; the same requests then go through launch/mpjrun.sh, scores with --score.
Exits with 1 where a log-probability differs by more than 1e-4, or a greedy choice or a text differs at all.

Tasks are the harness's, which downloads their data. Without any, four of the harness's kinds are made of
examples/first-lines.jsonl, for which no network is needed: choices with two shots, choices after a prompt that ends in white
space, whole texts and generation until a stop string.

All of it is done twice: without the tokenizer's special tokens (add_bos_token=False there, --no-special-tokens here) and with
them, but for whole texts, where the harness then scores the token that texts begin with after itself.

Needs lm_eval 0.4.13, transformers 5.17 and torch: pip install lm_eval==0.4.13 transformers==5.17.0 torch
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HOME = pathlib.Path(__file__).resolve().parents[3]
CLOSE = 1e-4

CHOICES = """task: lockstep_{name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
fewshot_split: test
output_type: multiple_choice
doc_to_text: "{prompt}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: 0
num_fewshot: {shots}
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""
ROLLING = """task: lockstep_texts
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{whole}}}}"
metric_list: [{{metric: word_perplexity}}, {{metric: bits_per_byte}}]
"""
UNTIL = """task: lockstep_until
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{begin}}}}"
doc_to_target: "{{{{end}}}}"
generation_kwargs: {{until: [".", ";"], max_gen_toks: 40, do_sample: false}}
metric_list: [{{metric: exact_match}}]
"""


def own_tasks(folder):
    """Tasks of the harness's kinds in a folder, of data that are here."""
    lines = [json.loads(line)["prompt"] for line in open(HOME / "examples/first-lines.jsonl")]
    halves = [line.rsplit(" ", max(1, line.count(" ") // 2)) for line in lines]
    halves = [(half[0], " " + " ".join(half[1:])) for half in halves]
    with open(folder / "lines.jsonl", "w") as out:
        for i, (begin, end) in enumerate(halves):
            choices = [halves[(i + j) % len(halves)][1] for j in range(4)]
            whole = lines[i] if i % 10 else " ".join(lines)  # some are longer than a context
            out.write(json.dumps({"begin": begin, "end": end, "choices": choices, "whole": whole if i else whole * 3}) + "\n")
    data = folder / "lines.jsonl"
    (folder / "shots.yaml").write_text(CHOICES.format(name="shots", data=data, prompt="{{begin}}", shots=2))
    (folder / "spaces.yaml").write_text(CHOICES.format(name="spaces", data=data, prompt="{{begin}}  ", shots=0))
    (folder / "texts.yaml").write_text(ROLLING.format(data=data))
    (folder / "until.yaml").write_text(UNTIL.format(data=data))
    return ["lockstep_shots", "lockstep_spaces", "lockstep_texts", "lockstep_until"]


def asked(model, tasks, limit, include, special):
    """The harness's requests of each kind, each with the answer of its own Hugging Face model."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    seen = {"loglikelihood": [], "loglikelihood_rolling": [], "generate_until": []}

    class Recorder(HFLM):
        def loglikelihood(self, requests, **more):
            answers = super().loglikelihood(requests, **more)
            seen["loglikelihood"] += [(request.args, answer) for request, answer in zip(requests, answers)]
            return answers

        def loglikelihood_rolling(self, requests, **more):
            answers = super().loglikelihood_rolling(requests, **more)
            seen["loglikelihood_rolling"] += [(request.args, answer) for request, answer in zip(requests, answers)]
            return answers

        def generate_until(self, requests, **more):
            answers = super().generate_until(requests, **more)
            seen["generate_until"] += [(request.args, answer) for request, answer in zip(requests, answers)]
            return answers

    lm = Recorder(pretrained=str(model), dtype="float32", device="cpu", batch_size=1, add_bos_token=special)
    # a checkpoint's own limit would win over the task's
    lm.model.generation_config.max_new_tokens = None
    lm_eval.simple_evaluate(model=lm, tasks=tasks, limit=limit, bootstrap_iters=0,
                            task_manager=TaskManager(include_path=str(include)))
    return seen


def answered(model, rows, folder, ranks, *options):
    """Lockstep's results of the rows, in order."""
    prompts, results = folder / "rows.jsonl", folder / "results.jsonl"
    prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    status = subprocess.run([HOME / "launch/mpjrun.sh", "-q", "-np", str(ranks), "--device", "cpu", "generate", "--model", model,
                             "--dtype", "float32", "--prompts", prompts, "--output", results, *options]).returncode
    if status not in (0, 3):  # 3: some rows failed, which are shown
        sys.exit(f"generate ended with exit code {status}")
    return [json.loads(line) for line in open(results)]


def scores(kind, requests, model, folder, ranks, options):
    """Prints how far the scores are apart; whether any is too far."""
    rows = [{"prompt": args[0], "completion": args[1]} if len(args) == 2 else {"prompt": "", "completion": args[0]}
            for args, _ in requests]
    apart, greedy, failed = 0.0, 0, 0
    for (args, answer), result in zip(requests, answered(model, rows, folder, ranks, "--score", *options), strict=True):
        if "error" in result:
            failed += 1
            print(f"{args!r}: {result['error']}")
            continue
        expected, is_greedy = answer if isinstance(answer, tuple) else (answer, None)
        # a sum of many terms is as exact as these are
        apart = max(apart, abs(result["score"]["logprob"] - expected) / max(1, len(result["token_ids"]) / 100))
        greedy += is_greedy is not None and is_greedy != result["score"]["greedy"]
    print(f"{kind}: {len(rows)} requests, {failed} failed; log-probabilities apart by at most {apart:.1e};"
          f" {greedy} greedy flags differ")
    return apart > CLOSE or greedy or failed


def texts(requests, model, folder, ranks, options):
    """Prints how many generated texts differ; whether any does."""
    rows = [{"prompt": context, "stop": list(how["until"]), "max_new_tokens": how.get("max_gen_toks", 256), "temperature": 0}
            for (context, how), _ in requests]
    wrong = 0
    for (args, answer), result in zip(requests, answered(model, rows, folder, ranks, *options), strict=True):
        if "error" in result or result["text"] != answer:
            wrong += 1
            print(f"{args[0]!r}: {answer!r}, not {result.get('error', result['text'])!r}")
    print(f"generate_until: {len(rows)} requests; {wrong} texts differ")
    return wrong


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", nargs="?", default=str(HOME / "examples/models/kjv-6m"))
    options.add_argument("tasks", nargs="*")
    options.add_argument("--limit", type=int, help="requests are of the first N documents of a task")
    options.add_argument("--ranks", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        tasks = given.tasks or own_tasks(folder)
        wrong = 0
        for special in (False, True):
            print("with special tokens" if special else "without special tokens")
            options = [] if special else ["--no-special-tokens"]
            for kind, requests in asked(given.model, tasks, given.limit, folder, special).items():
                if requests and kind == "generate_until":
                    wrong += bool(texts(requests, given.model, folder, given.ranks, options))
                elif requests and not (special and kind == "loglikelihood_rolling"):
                    wrong += bool(scores(kind, requests, given.model, folder, given.ranks, options))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
