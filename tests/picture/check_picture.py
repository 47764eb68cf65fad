# SPDX-License-Identifier: MIT
"""One program's frames on Kite must look like lavapipe's: check_picture.py CASE, see CASES.

The environment names the pieces: KITE_TEST_MANIFEST, KITE_TEST_LAYER_DIR, KITE_TEST_STEP_CLOCK.
With KITE_TEST_KEEP=DIR the pictures are kept. Exit status 77: skipped, the reason is printed.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import image_diff  # noqa: E402

LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.json"
VISIBLE_SHARE = 0.005


def vkmark(options):
    """Command line of one scene."""
    return ["vkmark", "--winsys", "xcb", "-s", "800x600", "-p", "mailbox", "-b",
            f"{options}:duration=0.5"]


# name: (command, frames to compare, fewest colours that a picture must have)
CASES = {
    "vkcube": (["vkcube", "--c", "60", "--present_mode", "1"], (1, 60), 100),
    "vkmark_vertex": (vkmark("vertex"), (1, 20), 100),
    "vkmark_texture": (vkmark("texture"), (1, 20), 100),
    "vkmark_shading": (vkmark("shading:shading=phong"), (1, 20), 100),
    "vkmark_effect2d": (vkmark("effect2d"), (1, 20), 100),
    "vkmark_desktop": (vkmark("desktop"), (1, 20), 100),
    "vkmark_cube": (vkmark("cube"), (1, 20), 100),
    "vkmark_clear": (vkmark("clear"), (1, 20), 1),
}


def frames_of(command, manifest, numbers, folder):
    """Run the program on one driver; {frame number: path of its picture}."""
    env = dict(os.environ, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest,
               VK_ADD_LAYER_PATH=os.environ["KITE_TEST_LAYER_DIR"],
               VK_INSTANCE_LAYERS="VK_LAYER_KITE_frame_capture",
               KITE_FRAME_CAPTURE_AT=",".join(map(str, numbers)),
               KITE_FRAME_CAPTURE_FILE=str(folder / "%.png"))
    script = ["xvfb-run", "-a", "-s", "-screen 0 1280x1024x24", "env",
              "LD_PRELOAD=" + os.environ["KITE_TEST_STEP_CLOCK"], *command]
    done = subprocess.run(script, env=env, capture_output=True, text=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} on {manifest} ended with {done.returncode}:\n"
                         f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return {number: folder / f"{number}.png" for number in numbers}


def main():
    """Run one case."""
    command, numbers, fewest_colours = CASES[sys.argv[1]]
    manifest = os.environ["KITE_TEST_MANIFEST"]
    for needed in (manifest, LAVAPIPE):
        if not os.path.exists(needed):
            print(f"SKIP: {needed} does not exist")
            return 77
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        base = pathlib.Path(os.environ.get("KITE_TEST_KEEP") or temporary) / sys.argv[1]
        for name in ("kite", "lavapipe"):
            (base / name).mkdir(parents=True, exist_ok=True)
        theirs = frames_of(command, LAVAPIPE, numbers, base / "lavapipe")
        ours = frames_of(command, manifest, numbers, base / "kite")
        for number in numbers:
            if image_diff.colours(theirs[number]) < fewest_colours:
                raise SystemExit(f"frame {number}: lavapipe's picture is nearly blank")
            share, largest = image_diff.difference(ours[number], theirs[number])
            good = share <= VISIBLE_SHARE
            failures += not good
            print(f"frame {number}: {100 * share:.3f} % of the pixels differ by more than 8, "
                  f"largest difference {largest}: {'ok' if good else 'TOO MANY'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
