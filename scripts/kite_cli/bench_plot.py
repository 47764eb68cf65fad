# SPDX-License-Identifier: MIT
"""Draw a bench's ratios to lavapipe as bars: bench_plot.py RESULTS.json PICTURE.png DRIVER..."""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

BASE = "lavapipe"


def main(source, target, drivers):
    """One group of bars a case, logarithmic, 1 = the base driver."""
    with open(source, encoding="utf-8") as file:
        results = json.load(file)
    by_case = {}
    for row in results:
        if row["suite"] != "limits":
            by_case.setdefault((row["suite"], row["case"]), {})[row["driver"]] = row
    cases = [key for key, rows in by_case.items() if BASE in rows]
    shown = [driver for driver in drivers if driver != BASE]
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.16 * len(cases) * max(1, len(shown))))
    height = 0.8 / max(1, len(shown))
    for index, driver in enumerate(shown):
        places, values = [], []
        for place, key in enumerate(cases):
            rows = by_case[key]
            if driver not in rows or rows[driver]["median"] <= 0 or rows[BASE]["median"] <= 0:
                continue
            value = rows[driver]["median"] / rows[BASE]["median"]
            places.append(place + index * height)
            values.append(value if rows[driver]["better"] == "higher" else 1 / value)
        bars = axes.barh(places, [v - 1 for v in values], height=height, left=1, label=driver)
        axes.bar_label(bars, [f"{v:.2g}x" for v in values], fontsize=7, padding=2)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks([place + 0.4 - height / 2 for place in range(len(cases))],
                    [f"{suite}: {case}" for suite, case in cases], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(f"times as good as {BASE} (right of the line is better)")
    axes.margins(x=0.12)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(target, dpi=120)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
