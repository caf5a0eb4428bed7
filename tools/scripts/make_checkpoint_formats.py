#!/usr/bin/env python3
"""Writes tests/data/checkpoint_formats.safetensors: packed tensors of published checkpoint layouts and their values.

Usage: make_checkpoint_formats.py BITNET_FOLDER GPT_OSS_FOLDER OUT, where the folders hold tiny models in the Hugging
Face layout, the latter also model.gguf, which llama.cpp's converter made from it and PyPI's gguf decodes here.
"""
import sys

import numpy
from gguf import GGUFReader, dequantize
from safetensors.numpy import load_file, save_file


def unpack_ternary(packed, scale):
    """Byte row r holds the output rows r, r + n, r + 2n, r + 3n, lowest bits first."""
    codes = numpy.concatenate([(packed >> shift) & 3 for shift in (0, 2, 4, 6)], axis=0)
    return (codes.astype(numpy.float32) - numpy.float32(1)) * scale


def main():
    bitnet_folder, gpt_oss_folder, out = sys.argv[1:]
    bitnet = load_file(f"{bitnet_folder}/model.safetensors")
    prefix = "model.layers.0.self_attn.q_proj.weight"
    packed, scale = bitnet[prefix], bitnet[prefix + "_scale"]

    # numpy has no bfloat16, so only the U8 tensors of the second file are read.
    from safetensors import safe_open

    experts = "model.layers.0.mlp.experts.down_proj_"
    with safe_open(f"{gpt_oss_folder}/model.safetensors", "np") as file:
        blocks, scales = file.get_tensor(experts + "blocks")[:2], file.get_tensor(experts + "scales")[:2]
    tensor = next(t for t in GGUFReader(f"{gpt_oss_folder}/model.gguf").tensors if t.name == "blk.0.ffn_down_exps.weight")
    values = dequantize(tensor.data, tensor.tensor_type)[:2]
    columns = values.shape[-1]
    save_file(
        {
            "ternary.packed": packed,
            "ternary.scale": scale,
            "ternary.values": unpack_ternary(packed, scale),
            "mxfp4.packed": numpy.ascontiguousarray(blocks).reshape(-1, columns // 2),
            "mxfp4.scales": numpy.ascontiguousarray(scales).reshape(-1, columns // 32),
            "mxfp4.values": numpy.ascontiguousarray(values).reshape(-1, columns),
        },
        out,
    )


main()
