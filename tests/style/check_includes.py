# SPDX-License-Identifier: MIT
"""Only the arrows of docs/architecture.md may be includes: a layer, a stage, a foreign library."""

import pathlib
import re
import sys

from sources import CPP, LAYERS, code_lines, files, report

# What a quoted include's first folder belongs to, and who may name it.
OWNER = {"kite_hw": "hw", "base": "base", "kite_device": "device-api", "device": "device",
         "kite_cc": "compiler-api", "shader-compiler": "shader-compiler", "kite_rt": "runtime",
         "runtime": "runtime", "icd": "icd", "drm-driver": "drm-driver", "tests": "tests"}
ALLOWED = {
    "hw": {"hw", "base"},
    "base": {"base"},
    "device": {"hw", "base", "device", "device-api"},
    "shader-compiler": {"hw", "base", "shader-compiler", "compiler-api"},
    "runtime": {"hw", "base", "runtime", "compiler-api"},
    "icd": {"runtime", "base", "icd"},
}
# Folders of one layer, lowest first: a folder may include itself and the ones below it.
STAGES = {
    "device": [{"mem", "regs", "trace", "display"}, {"exec"}, {"geometry"}, {"raster"}, {"front"}, {"pci"}],
    "shader-compiler": [{"ir", "mir"}, {"analysis"}, {"spirv", "lower", "opt", "isel", "ra",
                                                      "sched", "encode"}, {"driver"}, {"tools"}],
}
FOREIGN = {
    # The precompiled header stands in for the .cpp files of its folder.
    "llvm": lambda path: path.startswith("device/exec/jit/")
    and (path.endswith(".cpp") or path == "device/exec/jit/pch.hpp"),
    "spirv-tools": lambda path: path.startswith(("shader-compiler/", "tests/")),
    "vulkan": lambda path: path.startswith(("runtime/", "icd/", "tests/")),
    "xcb": lambda path: path.startswith(("runtime/", "icd/", "tests/")),
    "X11": lambda path: path.startswith(("runtime/", "icd/", "tests/")),
    "gtest": lambda path: "_test." in path or path.startswith("tests/"),
}


def stage(layer, folder):
    """Index of a folder in its layer's order, or None when it is not ordered."""
    for index, names in enumerate(STAGES.get(layer, [])):
        if folder in names:
            return index
    return None


def check_quoted(relative, layer, target):
    """Why a quoted include is not allowed, or None."""
    parts = target.split("/")
    owner = OWNER.get(parts[0])
    if owner is None or len(parts) == 1:
        return None  # beside the file, or generated into the layer's own folder
    if owner == "device-api" and layer == "runtime":
        if not relative.startswith("runtime/kmd/embedded"):
            return "the device's header is for runtime/kmd/embedded alone"
        return None
    if owner == "drm-driver" and layer == "runtime":
        if not relative.startswith("runtime/kmd/drm") or parts[1] != "uapi":
            return "the kernel's interface is for runtime/kmd/drm alone"
        return None
    is_test = pathlib.Path(relative).stem.endswith(("_test", "_fuzz"))
    if owner == "tests" and is_test:
        return None
    if owner not in ALLOWED[layer]:
        return f"{layer} may not include {owner}"
    own = relative.split("/")
    if owner == layer and len(parts) > 2 and len(own) > 2 and not is_test:
        from_stage, to_stage = stage(layer, own[1]), stage(layer, parts[1])
        if from_stage is not None and to_stage is not None and own[1] != parts[1]:
            if to_stage >= from_stage:
                return f"{layer}/{own[1]} may not include {layer}/{parts[1]}"
    return None


def problems(root):
    """All forbidden includes below root, as "file:line: why"."""
    found = []
    for layer in LAYERS:
        if layer in ("tests", "drm-driver"):
            continue
        for path in files(pathlib.Path(root) / layer, CPP):
            relative = str(path.relative_to(root))
            for number, line in code_lines(path):
                match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
                if not match:
                    continue
                why = check_quoted(relative, layer, match[2]) if match[1] == '"' else None
                library = match[2].split("/")[0]
                allowed = FOREIGN.get(library)
                if allowed and not allowed(relative):
                    why = f"<{library}/...> does not belong here"
                if why:
                    found.append(f"{relative}:{number}: {match[2]}: {why}")
    return found


if __name__ == "__main__":
    sys.exit(report(problems(pathlib.Path(sys.argv[1]).resolve())))
