# SPDX-License-Identifier: MIT
"""Swapchain tests in windows: check_windows.py PROGRAM, below an Xvfb and a Weston of their own.

Exit status: the program's; 77, with the reason, where one of the servers is not installed.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_SECONDS = 60


def wait_for(path, what):
    """Wait until a server made its socket or its answer."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() or (path.is_file() and path.stat().st_size == 0):
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not start")
        time.sleep(0.05)


def end(server):
    """End a server that this program started."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main():
    """Start both servers, run the tests, end the servers."""
    for needed in ("Xvfb", "weston"):
        if not shutil.which(needed):
            print(f"SKIP: no {needed}")
            return 77
    servers = []
    with tempfile.TemporaryDirectory(prefix="kite-windows-") as folder:
        folder = pathlib.Path(folder)
        env = dict(os.environ, XDG_RUNTIME_DIR=str(folder), WAYLAND_DISPLAY="kite-test")
        try:
            with open(folder / "number", "wb") as number, open(folder / "log", "wb") as log:
                servers.append(subprocess.Popen(
                    ["Xvfb", "-displayfd", str(number.fileno()), "-screen", "0", "640x480x24",
                     "-nolisten", "tcp", "-noreset"], pass_fds=(number.fileno(),), stderr=log))
                servers.append(subprocess.Popen(
                    ["weston", "--backend=headless", "--socket=kite-test", "--idle-time=0"],
                    env={**env, "WAYLAND_DISPLAY": ""}, stdout=log, stderr=log))
            wait_for(folder / "number", "Xvfb")
            wait_for(folder / "kite-test", "Weston")
            env["DISPLAY"] = ":" + (folder / "number").read_text().strip()
            # A case that is skipped there says that a window was missing.
            done = subprocess.run([sys.argv[1], "--gtest_filter=*/Xcb:*/Wayland"], env=env,
                                  capture_output=True, text=True, timeout=200, check=False)
            print(done.stdout + done.stderr)
            if "no window of" in done.stdout:
                print("a window could not be made")
                return 1
            return done.returncode
        finally:
            for server in servers:
                end(server)


if __name__ == "__main__":
    sys.exit(main())
