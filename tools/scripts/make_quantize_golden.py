#!/usr/bin/env python3
"""Writes tests/data/quantize.safetensors: f32 rows and the bytes that PyPI's gguf packs them into.

Usage: make_quantize_golden.py OUT
"""
import sys

import numpy
from gguf import GGMLQuantizationType, quantize
from safetensors.numpy import save_file

TYPES = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]
COLUMNS = 256


def rows():
    random = numpy.random.default_rng(1)
    for scale in (1e-3, 0.02, 1.0, 300.0):
        yield random.standard_normal(COLUMNS) * scale
    yield random.standard_cauchy(COLUMNS) * 0.01  # outliers
    yield numpy.zeros(COLUMNS)
    yield numpy.full(COLUMNS, -0.7)
    yield random.uniform(2.0, 3.0, COLUMNS)  # no sign change
    yield numpy.repeat(random.standard_normal(COLUMNS // 8), 8) * numpy.tile([1, -1], COLUMNS // 2)  # equal magnitudes
    yield (numpy.arange(COLUMNS) % 32 - 16) / 8.0  # halves between codes
    yield random.standard_normal(COLUMNS) * 1e-7  # scales below f16's normal numbers


def main():
    values = numpy.stack(list(rows())).astype(numpy.float32)
    tensors = {"values": values}
    for name in TYPES:
        packed = quantize(values, GGMLQuantizationType[name])
        tensors[name] = numpy.ascontiguousarray(packed).view(numpy.uint8)
    save_file(tensors, sys.argv[1])


main()
