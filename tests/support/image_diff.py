# SPDX-License-Identifier: MIT
"""Compare two pictures: image_diff.py A.png B.png [TOLERANCE [SHARE]].

Equal enough means: of all pixels at most SHARE (default 0.005) differ by more than TOLERANCE
(default 8 of 255) in some channel. Exit status 1 when they differ more, and a line with numbers.
"""

import sys

import numpy
from PIL import Image


def difference(first, second, tolerance=8):
    """(share of pixels that differ by more than the tolerance, largest difference)."""
    a = numpy.asarray(Image.open(first).convert("RGB")).astype(int)
    b = numpy.asarray(Image.open(second).convert("RGB")).astype(int)
    if a.shape != b.shape:
        raise ValueError(f"sizes differ: {a.shape[1]}x{a.shape[0]} and {b.shape[1]}x{b.shape[0]}")
    worst = numpy.abs(a - b).max(axis=2)
    return float((worst > tolerance).mean()), int(worst.max())


def colours(path):
    """Number of distinct colours: a blank picture has one."""
    pixels = numpy.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    return len(numpy.unique(pixels, axis=0))


if __name__ == "__main__":
    limit = float(sys.argv[4]) if len(sys.argv) > 4 else 0.005
    share, largest = difference(sys.argv[1], sys.argv[2],
                                int(sys.argv[3]) if len(sys.argv) > 3 else 8)
    print(f"{100 * share:.3f} % of the pixels differ visibly, the largest difference is {largest}")
    sys.exit(0 if share <= limit else 1)
