# SPDX-License-Identifier: MIT
"""What ./kite cts has to say: counts, surprises, and the same list on other drivers."""

import collections

GOOD = ("Pass", "QualityWarning", "CompatibilityWarning", "Waiver")
COLUMNS = ("Pass", "Warning", "Fail", "Crash", "Timeout", "NotSupported")
MOST_ROWS = 60


def is_bad(result):
    """Neither passed nor not supported."""
    return result not in GOOD and result != "NotSupported"


def column(result):
    """The column of the table that a result counts in."""
    if result in COLUMNS:
        return result
    return "Warning" if result in GOOD else "Fail"


def counts(results):
    """Counter of the columns."""
    return collections.Counter(column(row[0]) for row in results.values())


class Report:
    """One run; `unexpected` is what the lists do not explain."""

    def __init__(self, device, results, last, peers, fails, flakes):
        self.device, self.results, self.last, self.peers = device, results, last, peers
        self.unexpected = []
        for name, (result, text, _) in sorted(results.items()):
            if name in flakes:
                continue
            known = fails.get(name, ("", ""))[0]
            if is_bad(result) and result != known:
                self.unexpected.append((name, result, text))
            elif known and not is_bad(result) and result != "NotSupported":
                self.unexpected.append((name, "UnexpectedPass", f"listed as {known}"))

    def _table(self):
        modules = collections.defaultdict(dict)
        for name, row in self.results.items():
            modules[name.split(".")[1]][name] = row
        yield "| module | " + " | ".join(c.lower() for c in COLUMNS) + " |"
        yield "| --- |" + " ---: |" * len(COLUMNS)
        for module, rows in sorted(modules.items()) + [("**all**", self.results)]:
            found = counts(rows)
            yield f"| {module} | " + " | ".join(str(found[c]) for c in COLUMNS) + " |"

    def _compare(self, name, other):
        both = self.results.keys() & other.keys()
        mine = {case: self.results[case] for case in both}
        theirs = {case: other[case] for case in both}
        ours, its = counts(mine), counts(theirs)
        yield f"## Against {name}"
        yield f"{len(both)} cases in both."
        yield ""
        yield "| driver | " + " | ".join(c.lower() for c in COLUMNS) + " |"
        yield "| --- |" + " ---: |" * len(COLUMNS)
        for title, found in (("this", ours), (name, its)):
            yield f"| {title} | " + " | ".join(str(found[c]) for c in COLUMNS) + " |"
        if its["NotSupported"]:
            ratio = ours["NotSupported"] / its["NotSupported"]
            yield ""
            yield f"Not supported: {ratio:.2f}x."
        worse = sorted(case for case in both
                       if is_bad(mine[case][0]) and not is_bad(theirs[case][0]))
        if worse:
            yield ""
            yield f"Bad here only ({len(worse)}):"
            yield ""
            yield from (f"- `{case}`: {mine[case][0]}, there {theirs[case][0]}"
                        for case in worse[:MOST_ROWS])
        reasons = collections.Counter(
            mine[case][1].split(" at ")[0] for case in both
            if mine[case][0] == "NotSupported" and theirs[case][0] != "NotSupported")
        if reasons:
            yield ""
            yield f"Not supported here only ({sum(reasons.values())}), commonest reasons:"
            yield ""
            yield from (f"- {count}: {reason}" for reason, count in reasons.most_common(25))
        yield ""

    def markdown(self):
        """The whole report."""
        found = counts(self.results)
        run_cases = sum(found.values()) - found["NotSupported"]
        good = found["Pass"] + found["Warning"]
        share = 100 * good / run_cases if run_cases else 0.0
        lines = [f"# VK-GL-CTS on {self.device}", "",
                 f"{sum(found.values())} cases; {good} of the {run_cases} that are supported pass "
                 f"({share:.2f} %).", "", *self._table(), ""]
        lines.append(f"## Unexpected ({len(self.unexpected)})")
        lines += [f"- `{case}`: {result} ({text})"
                  for case, result, text in self.unexpected[:MOST_ROWS]]
        lines.append("")
        if self.last:
            changed = sorted(case for case in self.results.keys() & self.last.keys()
                             if self.results[case][0] != self.last[case][0])
            lines.append(f"## Changed since the last run ({len(changed)})")
            lines += [f"- `{case}`: {self.last[case][0]} -> {self.results[case][0]}"
                      for case in changed[:MOST_ROWS]]
            lines.append("")
        for name, rows in self.peers.items():
            lines += self._compare(name, rows)
        slow = sorted(self.results.items(), key=lambda item: -item[1][2])[:10]
        lines.append("## Slowest")
        lines += [f"- {row[2]:.1f} s `{case}`" for case, row in slow]
        return "\n".join(lines) + "\n"
