# SPDX-License-Identifier: MIT
"""Test of the frame capture layer: lavapipe draws the same vkcube frame twice, another one differs.

Arguments: the folder of the layer's manifest. Exit status 77 means skipped, with the reason.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LAVAPIPE = "/usr/share/vulkan/icd.d/lvp_icd.json"


def capture(layer_dir, folder, name, frame):
    """Run vkcube for 20 frames and return (pixels, statistics) of one frame."""
    picture = folder / f"{name}.png"
    stats = folder / f"{name}.json"
    env = dict(os.environ, VK_DRIVER_FILES=LAVAPIPE, VK_ADD_LAYER_PATH=layer_dir,
               VK_INSTANCE_LAYERS="VK_LAYER_KITE_frame_capture", KITE_FRAME_CAPTURE_AT=str(frame),
               KITE_FRAME_CAPTURE_FILE=str(picture), KITE_FRAME_STATS=str(stats))
    subprocess.run(["xvfb-run", "-a", "vkcube", "--c", "20", "--present_mode", "1"], env=env,
                   check=True, timeout=60)
    return picture.read_bytes(), json.loads(stats.read_text())


def main():
    """Run the check."""
    for tool in ("vkcube", "xvfb-run"):
        if not shutil.which(tool):
            print(f"SKIP: {tool} is not installed")
            return 77
    if not os.path.exists(LAVAPIPE):
        print("SKIP: lavapipe is not installed")
        return 77
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        first, stats = capture(sys.argv[1], folder, "first", 20)
        second, _ = capture(sys.argv[1], folder, "second", 20)
        other, _ = capture(sys.argv[1], folder, "other", 3)
    assert first == second, "the same frame of two runs differs"
    assert first != other, "frames 3 and 20 are the same picture"
    assert stats["frames"] == 20 and "llvmpipe" in stats["device"], stats
    return 0


if __name__ == "__main__":
    sys.exit(main())
