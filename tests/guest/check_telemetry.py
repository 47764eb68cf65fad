# SPDX-License-Identifier: MIT
"""Sensors and cable as the guest and the device itself tell them: check_telemetry.py KERNEL.

hwmon, sysfs, /proc/swarm/gpu, fdinfo, kitectl and the device's own counters are compared with each
other under load; heat from outside throttles the GPU until it is taken away; copies are held to the
cable's cap, as the device's link is what it says in the guest.
"""

import contextlib
import pathlib
import re
import sys
import tempfile
import time

from guest_case import Skip, expect, find_kernel, run_cases, still_watched
from kite_cli.ui import build_dir
from kite_vm.machine import Settings
from outside import Outside, wait_until

KITECTL = build_dir() / "drm-driver/tools/kitectl/kitectl"
COPY = build_dir() / "tests/guest/kite_guest_copy"
VULKAN = {"KITE_KMD": "drm"}
LIMIT_MC = 87000
PATIENCE_SECONDS = 90
SLOW_MEGABITS = 400


class Bench:
    """The card under test, seen from both sides."""

    def __init__(self, folder):
        self.folder = folder
        self.outside = None
        self.plugs = 0

    def plug(self, machine, *options):
        """A new card in place of the last, with options."""
        if self.outside:
            machine.unplug()
        self.plugs += 1
        self.outside = Outside(self.folder, f"control{self.plugs}")
        machine.settings.device_options = ("--control", str(self.outside.socket), *options)
        machine.plug()
        machine.wait_render_node()

    def device(self):
        """What the device itself says."""
        lines = self.outside.ask("--send", "telemetry").splitlines()
        return {name: int(value) for name, value in (line.split() for line in lines)}

    @staticmethod
    def sysfs(machine, name):
        """A file of the card's in sysfs."""
        card = machine.card(max(machine.devices))
        return machine.check(f"cat {card}/{name}").strip()

    def hwmon(self, machine, name):
        """A sensor."""
        return int(self.sysfs(machine, f"hwmon/hwmon*/{name}"))

    @staticmethod
    def stats(machine):
        """The card's row of /proc/swarm/gpu/stats."""
        lines = machine.check("cat /proc/swarm/gpu/stats").splitlines()
        return dict(zip(lines[1].split(), lines[2].split()))


@contextlib.contextmanager
def copying(machine):
    """A client that copies between buffers in system memory meanwhile."""
    job = machine.start([str(COPY), "--system"], env=VULKAN)
    end = time.monotonic() + PATIENCE_SECONDS
    while "copying" not in job.stdout + job.stderr:
        expect(job.running and time.monotonic() < end, f"no copies: {job.stdout} {job.stderr}")
        time.sleep(0.2)
    try:
        yield
    finally:
        job.kill(9)
        job.wait(30)


def pid_of_copies(machine):
    """The client's process."""
    rows = re.findall(r"^.*\bkite_guest_co.*$", machine.check("cat /proc/swarm/gpu/agents"),
                      re.MULTILINE)
    return int(rows[0].split()[1])


def engine_ns(machine, pid):
    """Engine time of a process's clients, by fdinfo."""
    text = machine.check(f"for f in /proc/{pid}/fdinfo/*; do grep -q drm-driver:.kite $f "
                         "2>/dev/null && { cat $f; echo; }; done; true")
    busy = {}
    for block in text.split("\n\n"):
        client = re.search(r"drm-client-id:\s+(\d+)", block)
        if client:
            times = re.findall(r"drm-engine-\w+:\s+(\d+) ns", block)
            busy[client[1]] = sum(map(int, times))
    return sum(busy.values())


def cases(bench):
    """The cases, in order."""

    def plugged(machine):
        """The card's sensors and link are there."""
        for program in (KITECTL, COPY):
            if not program.exists():
                raise Skip(f"{program.name} is not built")
        machine.load_module(parameters=["proc_swarm=1", "autosuspend_ms=1500"])
        bench.plug(machine, "--link-bandwidth", str(SLOW_MEGABITS))
        print(machine.check([str(KITECTL), "info"]))
        print(machine.check("sensors 2>/dev/null || true"))
        expect(bench.sysfs(machine, "hwmon/hwmon*/name") == "kite", "name")
        expect(bench.sysfs(machine, "current_link_speed") == "16.0 GT/s PCIe", "link speed")
        expect(bench.sysfs(machine, "current_link_width") == "4", "link width")

    def figures(machine):
        """Everybody tells the same, under load and after it."""
        with copying(machine):
            time.sleep(3.0)
            before, hwmon = bench.device(), {
                name: bench.hwmon(machine, name)
                for name in ("temp1_input", "temp1_max", "temp1_crit", "temp1_max_alarm",
                             "power1_input", "energy1_input", "fan1_input")}
            row, after = bench.stats(machine), bench.device()
            print(before, hwmon, row, after, sep="\n")
            expect(hwmon["temp1_max"] == LIMIT_MC and hwmon["temp1_crit"] > LIMIT_MC, "limits")
            expect(hwmon["temp1_max_alarm"] == 0 and row["speed_percent"] == "100", "throttled")
            for name, value in (("temperature_mc", hwmon["temp1_input"]),
                                ("temperature_mc", int(row["temperature_mc"]))):
                expect(min(before[name], after[name]) - 1000 <= value <=
                       max(before[name], after[name]) + 1000, f"{name}: {value}")
            expect(before["energy_uj"] <= hwmon["energy1_input"] <= after["energy_uj"], "energy")
            expect(hwmon["power1_input"] > 3000000 < int(row["power_uw"]), "no power for the work")
            for name in ("link_in", "link_out"):
                expect(before[name] <= int(row[name]) <= after[name] and before[name] > 0, name)
            text = machine.check([str(KITECTL), "top", "-n", "1", "-i", "1"])
            print(text)
            expect(re.search(r"\d C +\d+\.\d W +fan \d+ rpm .*\d%", text), "top has no sensors")
            expect(re.search(r"link .* in [1-9].*iB/s +out [1-9].*iB/s", text), "top has no link")
            # Stand still to compare exactly: the client's time, the driver's and the device's.
            pid = pid_of_copies(machine)
            machine.check(f"kill -STOP {pid}")
            time.sleep(1.0)
            client, row, device = engine_ns(machine, pid), bench.stats(machine), bench.device()
            driver = sum(int(row[name]) for name in ("graphics_ns", "compute_ns", "copy_ns"))
            rings = sum(device[f"ring{i}_busy_ns"] for i in range(3))
            print(f"engine time: client {client}, driver {driver}, device {rings} ns")
            expect(0 < client <= driver <= rings, "a client has more than the driver or the device")
            expect(client > 0.9 * rings, "most of the time is nobody's")
            if row["link_in"] != "-":  # else it sleeps already
                expect(int(row["link_in"]) == device["link_in"] and
                       int(row["link_out"]) == device["link_out"], "the link's counters differ")
            machine.check(f"kill -CONT {pid}")

    def capped(machine):
        """Copies get what the cable carries and no more."""
        with copying(machine):
            time.sleep(2.0)
            before, started = bench.device(), time.monotonic()
            time.sleep(5.0)
            after, seconds = bench.device(), time.monotonic() - started
        for name in ("link_in", "link_out"):
            rate = (after[name] - before[name]) * 8e-6 / seconds
            print(f"{name}: {rate:.0f} of {SLOW_MEGABITS} Mb/s")
            expect(0 < rate <= SLOW_MEGABITS * 1.01, f"{name} beats the cap: {rate} Mb/s")
        expect(after["link_busy_ns"] - before["link_busy_ns"] <= 2.02e9 * seconds, "busy")

    def throttled(machine):
        """Heat slows it down; without, it recovers."""
        with copying(machine):
            bench.outside.ask("--send", "heat 600000")
            wait_until(lambda: bench.device()["throttling"], 60, "no throttling at 600 W")
            text = machine.check([str(KITECTL), "top", "-n", "1", "-i", "0.2"])
            print(text)
            expect(bench.hwmon(machine, "temp1_max_alarm") == 1, "no alarm")
            expect(bench.hwmon(machine, "temp1_input") >= LIMIT_MC, "not hot")
            expect(bench.hwmon(machine, "fan1_input") > 4000, "the fan does not help")
            expect(re.search(r"throttled to \d\d?%", text), "top says nothing")
            bench.outside.ask("--send", "heat 0")
            wait_until(lambda: not bench.device()["throttling"], 120, "it does not recover")
            expect(bench.hwmon(machine, "temp1_max_alarm") == 0, "the alarm stays")
            expect(bench.device()["throttle_count"] == 1, "throttled more than once")

    def asleep(machine):
        """Looking wakes nobody."""
        path = f"{machine.card(max(machine.devices))}/power/runtime_status"
        expect(machine.wait_for(f"[ $(cat {path}) = suspended ]", 30), "does not sleep")
        job = machine.run(f"cat {machine.card(max(machine.devices))}/hwmon/hwmon*/temp1_input")
        expect(job.code != 0 and "No data available" in job.stderr, f"{job.stdout} {job.stderr}")
        expect("asleep" in machine.check([str(KITECTL), "top", "-n", "1", "-i", "0.2"]), "kitectl")
        expect(bench.stats(machine)["temperature_mc"] == "-", "stats")
        expect(bench.sysfs(machine, "power/runtime_status") == "suspended", "looking woke it")

    def tunnel(machine):
        """A Thunderbolt-like cable says so everywhere, and its latency is felt."""
        bench.plug(machine, "--cable", "thunderbolt")
        text = machine.check([str(KITECTL), "info"])
        print(text)
        expect("8.0 GT/s x4, 31.5 Gb/s, adds 1500 ns, tunnelled" in text, "kitectl")
        expect(bench.sysfs(machine, "current_link_speed") == "8.0 GT/s PCIe", "link speed")
        log = machine.kernel_log()
        expect(re.search(r"kite .*31\.504 Gb/s available PCIe bandwidth", log), "no log line")
        machine.check([str(COPY), "3"], env=VULKAN)
        bench.plug(machine, "--pcie-gen", "1", "--pcie-width", "1", "--link-latency", "3000000")
        text = machine.check([str(KITECTL), "info"])
        expect("2.5 GT/s x1, 2.0 Gb/s, adds 3000000 ns" in text, text)
        started = time.monotonic()
        machine.check([str(KITECTL), "top", "-n", "5", "-i", "0.05"])
        # Six looks of more than twenty registers, three milliseconds each.
        expect(time.monotonic() - started > 6 * 20 * 0.003, "no latency")

    return [("Plugged", plugged), ("FiguresAgree", figures), ("CopiesAreCapped", capped),
            ("HeatThrottles", throttled), ("LookingWakesNobody", asleep), ("Tunnel", tunnel),
            ("StillWatched", still_watched)]


def main():
    """Run all cases in one guest; returns the exit status."""
    kernel = find_kernel(sys.argv[1])
    settings = Settings(kernel=kernel.release, vram="64M")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        path.chmod(0o777)  # kite-device drops to another user
        return run_cases(f"GuestTelemetry{kernel.name.replace('.', '_')}", settings,
                         cases(Bench(path)))


if __name__ == "__main__":
    sys.exit(main())
