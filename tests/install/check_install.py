# SPDX-License-Identifier: MIT
"""What `meson install` leaves works by itself: check_install.py BUILD_FOLDER SOURCE_FOLDER.

Installs into a temporary folder (DESTDIR) and runs a Vulkan program with the installed manifest, the
tools, and a program compiled with the installed header. Then the same Vulkan program in
`meson devenv`. Exit status 77: skipped, the reason is printed.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(command, **env):
    """Run a command that must succeed; its output."""
    done = subprocess.run([str(part) for part in command], env={**os.environ, **env},
                          capture_output=True, text=True, timeout=200, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                         f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def only(folder, pattern):
    """The one file of this name."""
    found = list(folder.rglob(pattern))
    assert len(found) == 1, f"{pattern}: {found}"
    return found[0]


def check_driver(root):
    """The manifest names a library that is there, and the loader gets a device from it."""
    manifest = only(root, "kite_icd.x86_64.json")
    library = json.loads(manifest.read_text())["ICD"]["library_path"]
    driver = (manifest.parent / library).resolve()
    assert driver.is_file() and root in driver.parents, f"{manifest}: {library}"
    assert only(root, "libkite-device.so").parent == driver.parent
    said = run(["vulkaninfo", "--summary"], VK_DRIVER_FILES=str(manifest),
               VK_ICD_FILENAMES=str(manifest))
    assert "Kite eGPU" in said, said
    return manifest


def check_compute(root, source, folder):
    """A program outside the build compiles, links and runs with what is installed."""
    header = only(root, "compute.hpp")
    library = only(root, "libkite-compute.so")
    flags = only(root, "kite-compute.pc").read_text()
    assert "-lkite-compute" in flags and "-std=c++23" in flags, flags
    run(["glslangValidator", "-V", "--quiet", "--vn", "saxpy_spirv", "-o",
         folder / "saxpy_spirv.hpp", source / "docs" / "examples" / "saxpy.comp"])
    program = folder / "saxpy"
    run(["g++", "-std=c++23", f"-I{header.parents[1]}", f"-I{folder}",
         source / "docs" / "examples" / "saxpy.cpp", f"-L{library.parent}", "-lkite-compute", "-o",
         program])
    said = run([program], LD_LIBRARY_PATH=str(library.parent))
    assert "right" in said, said


def main():
    """Install, use, and use in place."""
    build, source = map(pathlib.Path, sys.argv[1:])
    if not shutil.which("vulkaninfo"):
        print("SKIP: vulkaninfo is not installed")
        return 77
    os.environ.pop("VK_DRIVER_FILES", None)
    os.environ.pop("VK_ICD_FILENAMES", None)
    os.environ.pop("KITE_DEVICE_LIBRARY", None)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary).resolve()
        root = folder / "root"
        run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root])
        manifest = check_driver(root)
        program = build / "tests" / "vulkan" / "vulkan_copy"
        if program.exists():
            said = run([program, "--gtest_filter=*Buffer*"], VK_DRIVER_FILES=str(manifest),
                       VK_ICD_FILENAMES=str(manifest))
            assert "PASSED" in said, said
        for tool in ("kitecc", "kitedis", "kitereplay"):
            assert "--help" in run([only(root, tool), "--help"])
        check_compute(root, source, folder)
    said = run(["meson", "devenv", "-C", build, "vulkaninfo", "--summary"])
    assert "Kite eGPU" in said, said
    return 0


if __name__ == "__main__":
    sys.exit(main())
