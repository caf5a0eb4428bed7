#!/usr/bin/env python3
"""Writes hal/format_codebooks.inc: the code grids of the IQ formats.

The numbers are facts of the GGUF format, taken from the Python package `gguf` (github.com/ggml-org/llama.cpp,
gguf-py, PyPI). Usage: generate_format_codebooks.py > hal/format_codebooks.inc
"""
import importlib.metadata

import numpy
from gguf import quants

GRIDS = [
    ("kIq2XxsGrid", quants.IQ2_XXS),
    ("kIq2XsGrid", quants.IQ2_XS),
    ("kIq2SGrid", quants.IQ2_S),
    ("kIq3XxsGrid", quants.IQ3_XXS),
    ("kIq3SGrid", quants.IQ3_S),
    ("kIq1Grid", quants.IQ1_S),
]


def main():
    print(f"// Made by tools/scripts/generate_format_codebooks.py from PyPI's gguf {importlib.metadata.version('gguf')}.")
    print("// An entry holds the indices of its values, the first one lowest, 16 / vector bits each.")
    for name, quant in GRIDS:
        quant.init_grid()
        grid = quant.grid.reshape(quant.grid_shape).astype(int)
        levels = sorted({int(value) for value in quant.grid_map})
        indices = numpy.searchsorted(levels, grid)
        bits = 16 // grid.shape[1]
        assert max(levels) < 128 and len(levels) <= 1 << bits and numpy.array_equal(numpy.array(levels)[indices], grid)
        entries = (indices << (numpy.arange(grid.shape[1]) * bits)).sum(axis=1)
        print(f"\nconstexpr int8_t {name}Levels[] = {{{', '.join(map(str, levels))}}};")
        print(f"constexpr uint16_t {name}[{len(entries)}] = {{")
        for start in range(0, len(entries), 14):
            print("    " + " ".join(f"0x{entry:04x}," for entry in entries[start : start + 14]))
        print("};")


main()
