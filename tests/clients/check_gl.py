# SPDX-License-Identifier: MIT
"""OpenGL through Zink: gl_scene.py's picture on Kite must look like the one on lavapipe.

The environment names Kite's manifest (KITE_TEST_MANIFEST); with KITE_TEST_KEEP=DIR the pictures
are kept. Exit status 77: skipped, the reason is printed.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import image_diff  # noqa: E402

LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.json"
VISIBLE_SHARE = 0.005
FEWEST_COLOURS = 1000


def draw(manifest, picture, **more):
    """Runs the scene on one driver; the line that names the renderer."""
    env = dict(os.environ, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest,
               MESA_LOADER_DRIVER_OVERRIDE="zink", GALLIUM_DRIVER="zink", **more)
    done = subprocess.run([sys.executable, HERE / "gl_scene.py", picture], env=env,
                          capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise SystemExit(f"gl_scene.py on {manifest} ended with {done.returncode}:\n"
                         f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout.splitlines()[0]


def main():
    """Draw twice and compare."""
    manifest = os.environ["KITE_TEST_MANIFEST"]
    for needed in (manifest, LAVAPIPE):
        if not os.path.exists(needed):
            print(f"skipped: no {needed}")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(os.environ.get("KITE_TEST_KEEP", scratch))
        ours, theirs = folder / "kite.png", folder / "lavapipe.png"
        renderer = draw(manifest, ours)
        print(renderer)
        if "zink" not in renderer or "Kite" not in renderer:
            raise SystemExit("this is not Zink on Kite")
        # Zink takes a CPU device only where software is asked for.
        draw(LAVAPIPE, theirs, LIBGL_ALWAYS_SOFTWARE="1")
        if (found := image_diff.colours(ours)) < FEWEST_COLOURS:
            raise SystemExit(f"the picture has {found} colours")
        share, largest = image_diff.difference(ours, theirs)
        print(f"{100 * share:.3f} % of the pixels differ visibly, largest difference {largest}")
        if share > VISIBLE_SHARE:
            raise SystemExit("too many")


if __name__ == "__main__":
    main()
