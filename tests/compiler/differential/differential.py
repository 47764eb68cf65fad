#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Evaluate GLSL expressions with two Vulkan drivers and compare the results.

Integers must be equal; floats may differ by 1e-4 relative (precision is the driver's choice). LOOSE names expressions on which
the reference itself takes liberties. Exit code: 0 equal, 1 different, 77 a driver is missing.
"""
import argparse
import math
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import expressions  # noqa: E402

LANES = 64
WORDS = 16384
# The reference folds int(float(a)) to a and 1/0 to finite, evaluates f16 in f32, and has a coarse asin.
LOOSE = {"int(float(a))", "int(isinf(x/0.0))", "asin(fract(x))", "acos(fract(x))", "float(float16_t(x))",
         "float(float16_t(x)*float16_t(y)+float16_t(z))"}


def source(head, ints, floats):
    lines = [head]
    for k, text in enumerate(ints + floats):
        value = text if k < len(ints) else f"floatBitsToInt({text})"
        lines.append(f"    O_[{k * LANES} + g] = {value};")
    return "\n".join(lines + ["}", ""])


def inputs(seed):
    rng = random.Random(seed)
    edges = [0, 1, -1, 2, -2**31, 2**31 - 1, 7, -7, 255, 256, -128, 65535, -32768]
    ints = [rng.choice([rng.choice(edges), rng.randint(-2**31, 2**31 - 1), rng.randint(-300, 300)])
            for _ in range(WORDS)]
    floats = [rng.choice([0.5, 1.0, -1.0, 2.0, 3.0]) if rng.random() < 0.2 else rng.uniform(-6, 6)
              for _ in range(WORDS)]
    return struct.pack(f"<{WORDS}i", *ints) + struct.pack(f"<{WORDS}f", *floats) + bytes(4 * WORDS)


def run(runner, icd, module, data, out):
    env = dict(os.environ, VK_DRIVER_FILES=icd, VK_ICD_FILENAMES=icd, LP_NATIVE_VECTOR_WIDTH="256")
    code = subprocess.run([runner, module, data, out], env=env, check=False, timeout=120).returncode
    if code == 77:
        print(f"no device behind {icd}")
        sys.exit(77)
    if code != 0:
        sys.exit(f"{icd}: the program failed")
    return pathlib.Path(out).read_bytes()[8 * WORDS:]


def same(kind, a, b):
    if kind == "i" or a == b:
        return a == b
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return abs(a - b) <= 1e-4 * max(1e-2, abs(b))


def compare(ints, floats, left, right):
    bad = 0
    for k, text in enumerate(ints + floats):
        kind = "i" if k < len(ints) else "f"
        a = struct.unpack_from(f"<{LANES}{kind}", left, 4 * LANES * k)
        b = struct.unpack_from(f"<{LANES}{kind}", right, 4 * LANES * k)
        wrong = [n for n in range(LANES) if not same(kind, a[n], b[n])]
        if wrong and text not in LOOSE:
            bad += 1
            print(f"{text}: {len(wrong)} lanes differ, lane {wrong[0]}: {a[wrong[0]]} and {b[wrong[0]]}")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", required=True, help="the run_buffers program")
    parser.add_argument("--icd", required=True, help="manifest of the driver under test")
    parser.add_argument("--reference", required=True, help="manifest of the reference driver")
    parser.add_argument("--suite", choices=["arithmetic", "subgroup"], default="arithmetic",
                        help="subgroup needs drivers with equal subgroup sizes")
    parser.add_argument("--seed", type=int, default=7, help="of the inputs")
    args = parser.parse_args()
    for manifest in (args.icd, args.reference):
        if not os.path.exists(manifest):
            print(f"{manifest} is missing")
            return 77
    name = args.suite.upper()
    head, ints, floats = (getattr(expressions, f"{name}_{part}") for part in ("HEAD", "INTS", "FLOATS"))
    with tempfile.TemporaryDirectory() as work:
        paths = {key: os.path.join(work, key) for key in ("t.comp", "t.spv", "in.bin", "a.bin", "b.bin")}
        pathlib.Path(paths["t.comp"]).write_text(source(head, ints, floats), encoding="utf-8")
        pathlib.Path(paths["in.bin"]).write_bytes(inputs(args.seed))
        subprocess.run(["glslangValidator", "-V", "--quiet", "--target-env", "vulkan1.1", "-o", paths["t.spv"],
                        paths["t.comp"]], check=True)
        left = run(args.runner, args.icd, paths["t.spv"], paths["in.bin"], paths["a.bin"])
        right = run(args.runner, args.reference, paths["t.spv"], paths["in.bin"], paths["b.bin"])
    bad = compare(ints, floats, left, right)
    print(f"seed {args.seed}: {len(ints + floats)} expressions, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
