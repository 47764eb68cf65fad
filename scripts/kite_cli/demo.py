# SPDX-License-Identifier: MIT
"""./kite demo: set up, build, run vkcube, and keep one frame of it as a picture."""

import json
import pathlib
import tempfile

from . import run
from .ui import KiteError, log_dir, run_logged, say


def cmd_demo(args):
    """./kite demo"""
    if args.frames < 1:
        raise KiteError("--frames is at least 1")
    driver = args.peer or "kite"
    run.ensure_driver(driver, run.LAYER_TARGET)
    out = pathlib.Path(args.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    picture = out / "vkcube.png"
    log = log_dir() / f"demo-{driver}.log"
    with run.display() as variables, tempfile.TemporaryDirectory(prefix="kite-demo-") as folder:
        frame = pathlib.Path(folder) / "frame.png"
        stats_file = pathlib.Path(folder) / "stats.json"
        where = f"a private {run.SCREEN} X server" if variables else "a window"
        say(f"vkcube on {driver}, {args.frames} frames, in {where}")
        layer = run.layer_environment(KITE_FRAME_CAPTURE_AT=str(args.frames),
                                      KITE_FRAME_CAPTURE_FILE=str(frame),
                                      KITE_FRAME_STATS=str(stats_file))
        argv, env = run.command_environment(
            ["vkcube", "--c", str(args.frames), "--present_mode", "1", "--suppress_popups"],
            {**run.driver_environment(driver), **variables, **layer})
        run_logged("vkcube", argv, log, env=env)
        if not frame.exists() or not stats_file.exists():
            raise KiteError("vkcube ended without the wanted frame", log=log)
        stats = json.loads(stats_file.read_text())
        unfinished = picture.with_suffix(".png.new")
        unfinished.write_bytes(frame.read_bytes())
        unfinished.rename(picture)
    print(f"device: {stats['device']} ({stats['type']})")
    print(f"frames: {stats['frames']}, {stats['frames_per_second']:.0f} frames/s")
    print(f"frame {args.frames}: {picture}")
