# SPDX-License-Identifier: MIT
"""Medians, ratios, the Markdown table and the plot of ./kite bench."""

import json
import math
import shutil
import statistics
import tempfile
from pathlib import Path

from . import enter
from .ui import REPO, log_dir, run_logged

# The limit that a compute or copy case is a share of.
LIMIT_OF_UNIT = {"GFLOP/s": "fma", "GB/s": "memcpy"}


def summarise(samples):
    """The documented list of dictionaries, from {(suite, case, driver): (unit, better, values)}."""
    return [{"suite": suite, "case": case, "driver": driver, "unit": unit, "better": better,
             "median": statistics.median(values), "samples": values}
            for (suite, case, driver), (unit, better, values) in samples.items()]


def ratio(mine, base):
    """How many times better `mine` is than `base`: above 1 is better whichever way."""
    if mine is None or base is None or mine["median"] <= 0 or base["median"] <= 0:
        return None
    value = mine["median"] / base["median"]
    return value if mine["better"] == "higher" else 1 / value


def number(value):
    """Three significant digits, without an exponent."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:.0f}"
    digits = 3 - 1 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:.{max(0, digits)}f}"


def _limits(results):
    return {row["case"]: row for row in results if row["suite"] == "limits"}


def table(results, drivers, base="lavapipe"):
    """Markdown: one row a case, one column a driver, the ratio of the first driver to `base`."""
    limits = _limits(results)
    first = drivers[0]
    by_case = {}
    for row in results:
        if row["suite"] != "limits":
            by_case.setdefault((row["suite"], row["case"]), {})[row["driver"]] = row
    names = " | ".join(drivers)
    lines = [f"| case | unit | {names} | {first} vs {base} | {first}: share of limit |",
             "| --- | --- |" + " ---: |" * (len(drivers) + 2)]
    ratios = {}
    for (suite, case), rows in by_case.items():
        any_row = next(iter(rows.values()))
        unit = any_row["unit"] + (" (lower is better)" if any_row["better"] == "lower" else "")
        times = ratio(rows.get(first), rows.get(base))
        if times:
            ratios.setdefault(suite, []).append(times)
        limit = limits.get(LIMIT_OF_UNIT.get(any_row["unit"]))
        share = "-"
        if limit and first in rows:
            share = f"{100 * rows[first]['median'] / limit['median']:.0f} %"
        cells = [number(rows[d]["median"]) if d in rows else "-" for d in drivers]
        lines.append(f"| {suite}: {case} | {unit} | {' | '.join(cells)} | "
                     f"{f'{times:.2f}x' if times else '-'} | {share} |")
    lines.append("")
    for suite, values in ratios.items():
        mean = math.exp(sum(map(math.log, values)) / len(values))
        lines.append(f"{suite}: geometric mean {mean:.2f}x {base}, worst {min(values):.2f}x.  ")
    if limits:
        lines.append("Machine limits of this run: " + ", ".join(
            f"{name} {number(row['median'])} {row['unit']}" for name, row in limits.items()) + ".")
    return "\n".join(lines) + "\n"


def write(results, drivers, notes, out, json_file):
    """Write bench.json, bench.md and bench.png below `out`; returns the Markdown."""
    out.mkdir(parents=True, exist_ok=True)
    text = table(results, drivers)
    if notes:
        text += "\n" + "".join(f"- {note}\n" for note in notes)
    (out / "bench.md").write_text(text)
    raw = json.dumps(results, indent=1) + "\n"
    data = json_file or out / "bench.json"
    data.write_text(raw)
    # The tree sees the temporary folder, but not every one of the host.
    with tempfile.TemporaryDirectory() as inside:
        seen, picture = Path(inside) / "bench.json", Path(inside) / "bench.png"
        seen.write_text(raw)
        command, env = enter.wrap(
            ["python3", str(REPO / "scripts" / "kite_cli" / "bench_plot.py"), str(seen),
             str(picture), *drivers], cwd=inside)
        run_logged("drawing the plot", command, log_dir() / "bench-plot.log", env=env)
        shutil.copyfile(picture, out / "bench.png")
    return text
