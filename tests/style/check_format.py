# SPDX-License-Identifier: MIT
"""Every C++ file is as clang-format leaves it; says which lines would change."""

import pathlib
import re
import shutil
import subprocess
import sys

from sources import CPP, files, report


def main():
    """Run the check; exit status 77 when clang-format 19 is not there."""
    root = pathlib.Path(sys.argv[1]).resolve()
    tool = shutil.which("clang-format-19")
    if not tool:
        print("SKIP: clang-format-19 is not installed")
        return 77
    names = [str(path) for path in files(root, CPP)]
    done = subprocess.run([tool, "--dry-run", *names], capture_output=True, text=True, check=False)
    warned = {}
    for match in re.finditer(r"^(.*?):(\d+):\d+: warning: .*clang-format", done.stderr, re.M):
        warned.setdefault(match[1], []).append(int(match[2]))
    return report([f"{pathlib.Path(name).relative_to(root)}:{lines[0]}: clang-format would change "
                   f"{len(lines)} place(s)" for name, lines in sorted(warned.items())])


if __name__ == "__main__":
    sys.exit(main())
