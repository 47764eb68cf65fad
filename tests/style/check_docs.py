# SPDX-License-Identifier: MIT
"""The house rules about words: folder READMEs, header comments, licences, sizes, variables."""

import pathlib
import re
import sys

from sources import CPP, LAYERS, files, report

MAX_LINES = 800
CODE = CPP | {".c", ".h", ".py"}
# How a variable's name looks where it is read: in C and C++ any literal, in Python os.environ.
READ = (r'"(KITE_[A-Z0-9_]+)"', r"""environ(?:\.get\(|\[)["'](KITE_[A-Z0-9_]+)["']""")
MIN_COMMENT = 3
VARIABLES_PAGE = "docs/debugging.md"
INTERNAL_VARIABLES = {"KITE_IN_TREE"}  # set by ./kite for itself


def folder_problems(root):
    """Folders with a build file but without a README, or the other way round."""
    for name in (*LAYERS, "scripts"):
        base = root / name
        if not base.is_dir():
            continue
        for folder in (base, *(child for child in sorted(base.iterdir()) if child.is_dir())):
            holds_code = any(item.suffix in CODE for item in folder.iterdir())
            if holds_code and folder.name != "__pycache__" and not (folder / "README.md").exists():
                yield f"{folder.relative_to(root)}: no README.md"


def comment_lines(lines):
    """Length of the comment block a file opens with."""
    count = 0
    for line in lines:
        if not line.startswith("//"):
            break
        count += 1
    return count


def file_problems(root):
    """Licence line, size, open work and the header's opening comment, file by file."""
    for path in files(root, CODE):
        relative = path.relative_to(root)
        lines = path.read_text(errors="replace").splitlines()
        if not any("SPDX-License-Identifier:" in line for line in lines[:3]):
            yield f"{relative}: no SPDX-License-Identifier in the first lines"
        if len(lines) > MAX_LINES:
            yield f"{relative}: {len(lines)} lines, more than {MAX_LINES}"
        for number, line in enumerate(lines, 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line) and "check_docs" not in path.name:
                yield f"{relative}:{number}: open work belongs into an issue"
        if path.suffix == ".hpp" and comment_lines(lines) < MIN_COMMENT:
            yield f"{relative}: a header opens with a comment that says what it is for"
        if path.suffix == ".hpp" and "#pragma once" not in lines:
            yield f"{relative}: no #pragma once"


def variable_problems(root):
    """Environment variables that the code reads and the debugging guide does not explain."""
    page = root / VARIABLES_PAGE
    explained = page.read_text() if page.exists() else ""
    seen = {}
    for path in files(root, CODE):
        if path.is_relative_to(root / "tests" / "style"):
            continue
        for name in re.findall(READ[path.suffix == ".py"], path.read_text(errors="replace")):
            seen.setdefault(name, path.relative_to(root))
    for name, where in sorted(seen.items()):
        if name not in INTERNAL_VARIABLES and not re.search(rf"\b{name}\b", explained):
            yield f"{where}: {name} is not explained in {VARIABLES_PAGE}"


def problems(root):
    """All of them."""
    return [*folder_problems(root), *file_problems(root), *variable_problems(root)]


if __name__ == "__main__":
    sys.exit(report(problems(pathlib.Path(sys.argv[1]).resolve())))
