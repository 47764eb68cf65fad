# SPDX-License-Identifier: MIT
"""vkcube is recorded, then replayed without vkcube: every frame to the same bits.

The pictures of the frame capture layer are what the application presented; kitereplay must give
the same after the frame's draw, in both executors, and must tell damaged files from good ones. The
environment names the pieces: KITE_TEST_MANIFEST, KITE_TEST_LAYER_DIR, KITE_TEST_REPLAY. Exit status
77: skipped, the reason is printed.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

FRAMES = (1, 3)


def record(folder):
    """Run vkcube with recording and picture taking; the capture file."""
    manifest = os.environ["KITE_TEST_MANIFEST"]
    env = dict(os.environ, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest,
               VK_ADD_LAYER_PATH=os.environ["KITE_TEST_LAYER_DIR"],
               VK_INSTANCE_LAYERS="VK_LAYER_KITE_frame_capture",
               KITE_FRAME_CAPTURE_AT=",".join(map(str, FRAMES)),
               KITE_FRAME_CAPTURE_FILE=str(folder / "presented-%.png"), KITE_CAPTURE=str(folder))
    done = subprocess.run(["xvfb-run", "-a", "vkcube", "--c", str(max(FRAMES)), "--present_mode",
                           "1", "--suppress_popups"], env=env, capture_output=True, text=True,
                          timeout=120, check=False)
    files = list(folder.glob("*.kitecap"))
    if done.returncode != 0 or len(files) != 1:
        raise SystemExit(f"vkcube ended with {done.returncode}, {len(files)} recordings:\n"
                         f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return files[0]


def kitereplay(*arguments, status=0):
    """Run the tool; its output."""
    done = subprocess.run([os.environ["KITE_TEST_REPLAY"], *map(str, arguments)],
                          capture_output=True, text=True, timeout=200, check=False)
    if done.returncode != status:
        raise SystemExit(f"kitereplay {arguments} ended with {done.returncode}, not {status}:\n"
                         f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def pixels(path):
    """A picture as an array, without alpha."""
    return numpy.asarray(Image.open(path).convert("RGB"))


def main():
    """Record, replay, compare, damage."""
    if not os.path.exists(os.environ["KITE_TEST_MANIFEST"]):
        print("SKIP: there is no driver")
        return 77
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        file = record(folder)
        listed = kitereplay(folder, "--list")
        draws = sum(" draw " in line for line in listed.splitlines())
        assert draws == max(FRAMES), listed
        picture = folder / "replayed.png"
        for executor in ("jit", "interp"):
            for frame in FRAMES:
                kitereplay(file, "--draw", frame, "--executor", executor, "--png", picture)
                presented = pixels(folder / f"presented-{frame}.png")
                assert len(numpy.unique(presented.reshape(-1, 3), axis=0)) > 100
                if not numpy.array_equal(pixels(picture), presented):
                    raise SystemExit(f"frame {frame}, {executor}: another picture")
                print(f"frame {frame}, {executor}: the same bits")
            kitereplay(file, "--check", "--executor", executor)
        assert not numpy.array_equal(pixels(folder / f"presented-{FRAMES[0]}.png"),
                                     pixels(folder / f"presented-{FRAMES[1]}.png"))
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        broken = folder / "broken"
        broken.write_bytes(data)
        assert "damaged" in kitereplay(broken, status=1)
        assert "not a capture file" in kitereplay(picture, status=1)
        assert "draws" in kitereplay(file, "--draw", 99, status=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
