"""Compares a program with the models that make_held_out.py made.

  python check_held_out.py PROGRAM MODELS [--only TEXT]     (needs PyPI's safetensors, numpy and tokenizers)
Each model is computed from its folder and from the GGUF that `PROGRAM quantize --type f32` makes of it, on reference:0 (to
2e-4 of the largest logit) and on cpu:0 (2e-3); greedy ids are compared wherever the margin exceeds twice the error; and
both files must tokenize a dozen texts as PyPI's tokenizers does. Prints one line a model and source, and fails when one is
wrong. What GGUF cannot express is refused by quantize; those lines say why.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
from safetensors.numpy import load_file
from tokenizers import Tokenizer

BOUNDS = {"reference:0": 2e-4, "cpu:0": 2e-3}
TEXTS = ["", " ", "Hello  world", "don't we'LL 12345 3.14", "def f(x):\n\treturn x\n\n\n", "naïve 日本語 Straße e\u0301",
         "👩‍👩‍👧 🇫🇷", "<eos>a<bos> <pad>", "\u00a0x\u200b\ufeff", "trailing   ", "a\u0000b\u0007", "▁ ▁x"]


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


def logits_of(program, model, device, ids, scratch):
    out = scratch / "logits.safetensors"
    done = run(program, "logits", model, "--ids", ",".join(map(str, ids)), "--out", out, "--device", device, "--threads", 2)
    return (load_file(out)["logits"], "") if done.returncode == 0 else (None, done.stderr.strip())


def compare_logits(program, model, golden, scratch):
    prompt, greedy = golden["input_ids"], golden["greedy_ids"]
    problems, notes = [], []
    for device, bound in BOUNDS.items():
        got, why = logits_of(program, model, device, [*prompt, *greedy[:-1]], scratch)
        if got is None:
            problems.append(f"{device}: {why}")
            continue
        error = numpy.abs(got[:len(prompt)].astype(float) - golden["logits"]).max()
        relative = error / numpy.abs(golden["logits"]).max()
        notes.append(f"{device} {relative:.1e}")
        if not relative <= bound:
            problems.append(f"{device}: logits differ by {relative:.2e}")
        comparable = golden["greedy_margins"] > 2 * error
        wrong = comparable & (got[len(prompt) - 1:].argmax(axis=1) != greedy)
        if wrong.any() or comparable.mean() < 0.8:
            problems.append(f"{device}: {wrong.sum()} greedy ids differ, {comparable.sum()} are comparable")
    return problems, notes


def compare_tokens(program, model, tokenizer):
    problems = []
    for text in TEXTS:
        if "\0" in text:  # no argument of a program can hold it
            continue
        done = run(program, "tokenize", model, text, "--json")
        expected = tokenizer.encode(text, add_special_tokens=False).ids
        got = json.loads(done.stdout)["ids"] if done.returncode == 0 else done.stderr.strip()
        if got != expected:
            problems.append(f"tokens of {text!r}: {got} instead of {expected}")
    return problems


def check(program, folder, scratch):
    golden = load_file(folder / "reference.safetensors")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    gguf = scratch / "model.gguf"
    gguf.unlink(missing_ok=True)
    done = run(program, "quantize", folder, gguf, "--type", "f32")
    good = True
    for name, model in (("folder", folder), ("gguf", gguf)):
        if name == "gguf" and done.returncode != 0:
            print(f"{folder.name:24} {name:7} {done.stderr.strip()}", flush=True)
            continue
        problems, notes = compare_logits(program, model, golden, scratch)
        problems += compare_tokens(program, model, tokenizer)
        print(f"{folder.name:24} {name:7} {'WRONG' if problems else 'right'} {'  '.join(notes + problems)}", flush=True)
        good &= not problems
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("--only", default="")
    flags = parser.parse_args()
    folders = sorted(p.parent for p in flags.models.glob("*/reference.safetensors") if flags.only in p.parent.name)
    with tempfile.TemporaryDirectory() as scratch:
        wrong = [f.name for f in folders if not check(flags.program, f, pathlib.Path(scratch))]
    print(f"{len(folders)} models, {len(wrong)} of them wrong: {wrong}")
    sys.exit(1 if wrong or not folders else 0)


if __name__ == "__main__":
    main()
