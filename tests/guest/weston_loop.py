# SPDX-License-Identifier: MIT
"""Pull the cable below a compositor, many times: weston_loop.py KERNEL [--pulls N] [--renderer gl]
[--keep DIR].

Each cycle plugs a card with a screen, starts Weston on it with a client that moves, sees from outside
that the screen shows it and that it changes, and pulls the cable. Weston has to end or to go on, and
to end when it is told to; the kernel's log has to be clean. The next cycle's card shows the picture
again.
"""

import argparse
import contextlib
import pathlib
import sys
import tempfile
import time

from guest_case import (Skip, expect, find_kernel, need_device, need_module, skip_program,
                        still_watched)
from kite_cli.ui import KiteError
from kite_vm.machine import Machine, Settings
from outside import Outside

PORTS = 50
MODE = (640, 480)
PICTURE_SECONDS = 120.0
COLOURS = 50      # weston-simple-shm has thousands, a console two
END_SECONDS = 30.0
WESTON = ("exec weston --backend=drm --renderer={} --shell=kiosk --no-config "
          "--continue-without-input --idle-time=0 --socket=kite --drm-device={}")
ENV = {"LIBSEAT_BACKEND": "noop", "XDG_RUNTIME_DIR": "/run/user/0"}
RENDERERS = {
    "pixman": {},
    # Mesa knows Zink for nodes of its own drivers only.
    "gl": {"GALLIUM_DRIVER": "zink", "MESA_LOADER_DRIVER_OVERRIDE": "zink"},
}


def shown(outside, number):
    """Wait for the client's picture, twice and not the same; returns the seconds it took."""
    started = time.monotonic()
    first = None
    while time.monotonic() - started < PICTURE_SECONDS:
        picture = outside.screenshot(f"pull-{number}.png")
        if len(picture.getcolors(1 << 24)) >= COLOURS:
            if first is not None and first != picture.tobytes():
                return time.monotonic() - started
            first = first or picture.tobytes()
        time.sleep(0.3)
    raise AssertionError("Weston's client does not move on the screen")


def ended(job):
    """End a job that may be there still; returns what it did by itself."""
    if not job.running:
        return f"had ended with {job.code}"
    job.kill(15)
    try:
        job.wait(END_SECONDS)
    except KiteError as error:
        job.kill(9)
        raise AssertionError(f"Weston does not end: {job.stderr[-2000:]}") from error
    return f"went on, and ended with {job.code} when told to"


def cycle(machine, outside, number, renderer):
    """One card's life."""
    machine.settings.device_options = outside.options(MODE)
    port = machine.plug()
    machine.wait_render_node()
    card = machine.check(f"basename {machine.card(port)}/drm/card*").strip()
    machine.run("rm -f /run/user/0/kite*")
    weston = machine.start(WESTON.format(renderer, card), env={**ENV, **RENDERERS[renderer]})
    client = None
    try:
        expect(machine.wait_for("[ -S /run/user/0/kite ]", 60),
               f"Weston does not start: {weston.stdout[-2000:]} {weston.stderr[-3000:]}")
        client = machine.start("exec weston-simple-shm", env={**ENV, "WAYLAND_DISPLAY": "kite"})
        took = shown(outside, number)
        machine.pull()
        time.sleep(1.0)
        expect(machine.run(f"[ ! -e /sys/class/drm/{card} ]").code == 0, f"{card} is there still")
        return f"picture after {took:.0f} s; Weston {ended(weston)}"
    finally:
        for job in (client, weston):
            if job and job.running:
                job.kill(9)


def loop(machine, folder, pulls, renderer):
    """All cycles in one guest."""
    machine.load_module()
    for number in range(pulls):
        started = time.monotonic()
        text = cycle(machine, Outside(folder, f"control-{number}"), number, renderer)
        wrong = machine.splats()
        expect(not wrong, "guest kernel: " + "\n".join(wrong[:20]))
        print(f"  {number + 1}: {time.monotonic() - started:.0f} s: {text}", flush=True)
    machine.check("rmmod kite")
    with contextlib.suppress(Skip):
        still_watched(machine)
    expect(not machine.splats(), "the kernel complained")


def main():
    """Parse, run, report; 0, 1 or 77."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("--pulls", type=int, default=2)
    parser.add_argument("--renderer", choices=RENDERERS, default="pixman")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the screenshots")
    args = parser.parse_args()
    kernel = find_kernel(args.kernel)
    try:
        with contextlib.ExitStack() as stack:
            folder = args.keep or pathlib.Path(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="kite-weston-")))
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)
            for start in range(0, args.pulls, PORTS):
                pulls = min(PORTS, args.pulls - start)
                need_device()
                with Machine(Settings(kernel=kernel.release, vram="64M", ports=pulls)) as machine:
                    need_module(machine)
                    loop(machine, folder, pulls, args.renderer)
    except Skip as reason:
        skip_program(str(reason))
    print(f"{args.pulls} pulled below Weston on {kernel.release}: clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
