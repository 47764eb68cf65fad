# SPDX-License-Identifier: MIT
"""Running programs with a chosen Vulkan driver, with an X server made for them if there is none."""

import contextlib
import os
import pathlib
import select
import subprocess

from . import build, enter
from .ui import REPO, KiteError, build_dir, child, log_dir, say

SCREEN = "1280x1024x24"
PEERS = {
    "lavapipe": ("/usr/share/vulkan/icd.d/lvp_icd.json", {}),
    "lavapipe-512": ("/usr/share/vulkan/icd.d/lvp_icd.json", {"LP_NATIVE_VECTOR_WIDTH": "512"}),
    "swiftshader": ("/usr/lib/chromium/vk_swiftshader_icd.json", {}),
}
MANIFEST = pathlib.Path("icd") / "kite_icd.x86_64.json"
LAYER_TARGET = "tests/support/frame_capture/libkite_frame_capture.so"


def driver_environment(driver):
    """Variables that make the Vulkan loader see exactly one driver: "kite" or a peer."""
    if driver == "kite":
        manifest, extra = str(build_dir() / MANIFEST), {}
    elif driver in PEERS:
        manifest, extra = PEERS[driver]
    else:
        raise KiteError(f"no driver {driver}; there are kite, {', '.join(PEERS)}")
    return {"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest, **extra}


def ensure_driver(driver, *targets):
    """Build what the driver and `targets` need."""
    if driver != "kite":
        if targets:
            build.build(*targets)
        return
    if not (REPO / "icd" / "meson.build").exists():
        raise KiteError("this checkout has no icd/, so there is no Kite driver to build; "
                        "--peer lavapipe runs without it")
    folder = build.build()
    if not (folder / MANIFEST).exists():
        raise KiteError(f"the build left no {MANIFEST}", log=log_dir() / "build.log")


def layer_environment(**settings):
    """Variables that put the frame capture layer below the loader."""
    return {"VK_ADD_LAYER_PATH": str(build_dir() / "tests" / "support" / "frame_capture"),
            "VK_INSTANCE_LAYERS": "VK_LAYER_KITE_frame_capture", **settings}


def command_environment(command, extra, *, cwd=None):
    """(argv, environment) for `command` inside the tree with `extra` variables."""
    argv, env = enter.wrap(command, cwd=cwd)
    for name in ("VK_ADD_DRIVER_FILES", "VK_LOADER_DRIVERS_SELECT", "VK_LOADER_DRIVERS_DISABLE"):
        env.pop(name, None)
    env.update(extra)
    return argv, env


@contextlib.contextmanager
def display():
    """Yield the variables of a display: none if there is one already, else a private Xvfb's."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        yield {}
        return
    read_end, write_end = os.pipe()
    argv, env = enter.wrap(["Xvfb", "-displayfd", str(write_end), "-screen", "0", SCREEN,
                            "-nolisten", "tcp", "-noreset"])
    log = log_dir() / f"xvfb-{os.getpid()}.log"
    try:
        with open(log, "wb") as sink, child(argv, env=env, stdin=subprocess.DEVNULL, stdout=sink,
                                            stderr=sink, pass_fds=(write_end,)):
            os.close(write_end)
            write_end = -1
            ready, _, _ = select.select([read_end], [], [], 30.0)
            number = os.read(read_end, 16).decode().strip() if ready else ""
            if not number:
                raise KiteError("Xvfb did not start", log=log)
            yield {"DISPLAY": f":{number}"}
        log.unlink()
    finally:
        os.close(read_end)
        if write_end >= 0:
            os.close(write_end)


def cmd_run(args):
    """./kite run"""
    if not args.command:
        raise KiteError("nothing to run: ./kite run [--peer NAME] -- CMD...")
    driver = args.peer or "kite"
    ensure_driver(driver)
    with display() as variables:
        argv, env = command_environment(args.command, {**driver_environment(driver), **variables})
        process = subprocess.Popen(argv, env=env)
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:
                try:
                    process.wait(timeout=5.0)
                except subprocess.TimeoutExpired:
                    process.kill()
    if code < 0:
        say(f"{args.command[0]} ended by signal {-code}")
        return 128 - code
    return code
