#!/usr/bin/env python3
"""Describes a model file for the graph tests: its metadata and its tensors' formats and shapes, no weights.

Usage: describe_model.py MODEL > tests/data/graph/NAME.json
MODEL is a GGUF file (needs PyPI's gguf) or a folder in the Hugging Face layout. Tokenizer keys are left out.
"""
import json
import pathlib
import struct
import sys


def describe_gguf(path):
    import gguf

    reader = gguf.GGUFReader(str(path))
    metadata = {}
    for key, field in reader.fields.items():
        if key.startswith(("tokenizer.", "GGUF.")):
            continue
        metadata[key] = field.contents()
    tensors = {t.name: [t.tensor_type.name, [int(n) for n in reversed(t.shape)]] for t in reader.tensors}
    factors = [t for t in reader.tensors if t.name == "rope_freqs.weight"]
    floats = {t.name: [float(x) for x in t.data] for t in factors}
    return {"source": "gguf", "metadata": metadata, "tensors": tensors, "floats": floats}


def describe_folder(path):
    tensors = {}
    for file in sorted(path.glob("*.safetensors")):
        if file.name.startswith("reference"):
            continue
        with open(file, "rb") as stream:
            (size,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(size))
        tensors |= {name: [t["dtype"], t["shape"]] for name, t in header.items() if name != "__metadata__"}
    return {"source": "hugging_face", "metadata": json.loads((path / "config.json").read_text()), "tensors": tensors,
            "floats": {}}


def main():
    path = pathlib.Path(sys.argv[1])
    json.dump(describe_folder(path) if path.is_dir() else describe_gguf(path), sys.stdout, indent=0)
    print()


if __name__ == "__main__":
    main()
