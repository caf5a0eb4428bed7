#!/usr/bin/env python3
"""Prints the rope tables that rope_test.cpp expects, from the published formulas in plain Python.

Usage: rope_frequencies.py > tests/data/graph/rope_frequencies.txt
A line is a case's name, its magnitude and its frequencies. Sources: arXiv 2104.09864 (rope), arXiv 2306.15595 (linear),
arXiv 2309.00071 (yarn), Llama 3.1's published code (llama3).
"""
import math


def plain(base, dimensions):
    return [1.0 / base ** (2 * i / dimensions) for i in range(dimensions // 2)]


def linear(base, dimensions, factor):
    return [f / factor for f in plain(base, dimensions)]


def llama3(base, dimensions, factor, low, high, context):
    result = []
    for f in plain(base, dimensions):
        wavelength = 2 * math.pi / f
        if wavelength < context / high:
            result.append(f)
        elif wavelength > context / low:
            result.append(f / factor)
        else:
            smooth = (context / wavelength - low) / (high - low)
            result.append((1 - smooth) * f / factor + smooth * f)
    return result


def yarn(base, dimensions, factor, context, beta_fast=32.0, beta_slow=1.0, truncate=True):
    def dimension_of(rotations):
        return dimensions * math.log(context / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = dimension_of(beta_fast), dimension_of(beta_slow)
    if truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dimensions - 1)
    if low == high:
        high += 0.001
    result = []
    for i, f in enumerate(plain(base, dimensions)):
        ramp = min(max((i - low) / (high - low), 0), 1)
        extrapolated = 1 - ramp
        result.append(f / factor * (1 - extrapolated) + f * extrapolated)
    return result


def yarn_scale(factor, mscale=1.0):
    return 1.0 if factor <= 1 else 0.1 * mscale * math.log(factor) + 1.0


CASES = {
    "plain": (1.0, plain(10000.0, 64)),
    "plain_large_base": (1.0, plain(1e6, 256)),
    "linear": (1.0, linear(1e6, 256, 8.0)),
    "llama3": (1.0, llama3(500000.0, 128, 8.0, 1.0, 4.0, 8192)),
    "llama3_small": (1.0, llama3(500000.0, 64, 32.0, 1.0, 4.0, 8192)),
    "yarn": (yarn_scale(4.0), yarn(10000.0, 32, 4.0, 32)),
    "yarn_long": (yarn_scale(4.0), yarn(1e6, 128, 4.0, 32768)),
    "yarn_untruncated": (yarn_scale(32.0), yarn(150000.0, 64, 32.0, 4096, truncate=False)),
    "yarn_mscale": (yarn_scale(40.0, 1.0) / yarn_scale(40.0, 0.5), yarn(10000.0, 64, 40.0, 4096)),
    "yarn_betas": (1.25, yarn(10000.0, 64, 16.0, 4096, 16.0, 2.0)),
    "yarn_narrow": (yarn_scale(2.0), yarn(10000.0, 8, 2.0, 4, 32.0, 31.0)),
}


def main():
    print("# Made by tests/graph/rope_frequencies.py: name, magnitude, frequencies.")
    for name, (magnitude, frequencies) in CASES.items():
        print(name, repr(magnitude), *map(repr, frequencies))


if __name__ == "__main__":
    main()
