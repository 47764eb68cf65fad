# SPDX-License-Identifier: MIT
"""The files that the style checks look at."""

import pathlib
import re

LAYERS = ("hw", "base", "device", "shader-compiler", "runtime", "icd", "drm-driver", "tests")
CPP = {".cpp", ".hpp"}
SKIPPED = {".git", "out", "subprojects", "__pycache__"}


def files(root, suffixes):
    """Every file with one of the suffixes, build folders and foreign sources apart."""
    for path in sorted(pathlib.Path(root).rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in SKIPPED or part.startswith("build") for part in parts[:-1]):
            continue
        if path.suffix in suffixes and path.is_file():
            yield path


def code_lines(path):
    """(number, text) of every line that is not inside a comment, comments removed."""
    text = path.read_text(errors="replace")
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group(0).count("\n"), text, flags=re.S)
    for number, line in enumerate(text.splitlines(), 1):
        yield number, re.sub(r"(^|\s)//.*", "", line)


def report(problems):
    """Print the problems and return the exit status."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")
    return 1 if problems else 0
