# SPDX-License-Identifier: MIT
"""The virtual machine: QEMU around a guest from the tree, and an eGPU that comes and goes.

A Machine is a context manager: leaving it in whatever way ends QEMU and the device. The guest is
untrusted: what it says is data. One thread at a time uses a Machine; its jobs may be waited for
from others.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from kite_cli import enter
from kite_cli.ui import REPO, KiteError, build_dir, kill_group, log_dir

from . import device, initramfs, kernels, kvm
from .agent_link import AgentLink
from .qmp import Qmp, QmpError

PORT_SLOT = 0x10  # PCI slot of the first eight root ports
SPLAT = re.compile(r"BUG:|Oops|WARNING:|KASAN:|KCSAN:|UBSAN:|INFO: task|possible circular locking|"
                   r"suspicious RCU usage|general protection fault|Kernel panic|"
                   r"refcount_t:|list_(?:add|del) corruption|sleeping function called|"
                   r"kmemleak: \d+ new|DMA-API:|Call Trace:|soft lockup|rcu: INFO")
# Lines a healthy stock kernel prints that look like the above.
HARMLESS = re.compile(r"Spectre|RETBleed|MDS: |MMIO Stale Data|ITS: |TSA: |VMSCAPE|"
                      r"DMA-API: (?:preallocated|debugging enabled)")
# An emulated CPU may wait long for its turn on a busy machine, which is nobody's fault in the guest;
# its clocks agree all the same.
TCG_WORDS = ("no_timer_check tsc=reliable rcupdate.rcu_cpu_stall_timeout=300 watchdog_thresh=60 "
             "sysctl.kernel.hung_task_timeout_secs=300")
# The checkers' kernel: KASAN finds what slab debugging would, and emulated page walks are slow.
CHECKED_WORDS = "slab_debug=- no5lvl"
BOOT_SECONDS = 400.0
CHECKED_BOOT_SECONDS = 600.0
EXTRA_DEVICES = {"virtio-gpu": "virtio-gpu-pci", "bochs": "bochs-display"}


@dataclasses.dataclass
class Settings:
    """What a machine is made of."""

    kernel: str | None = None     # see kernels.find()
    memory: str = "2G"
    cpus: int = 2
    accel: str = "auto"           # auto, kvm or tcg
    vram: str = "256M"
    faults: tuple = ()            # kite-device --inject, one each
    device_options: tuple = ()    # further options of kite-device
    extra: str | None = None      # a display device of QEMU's own: see EXTRA_DEVICES
    out: pathlib.Path | None = None     # folder shared with the guest, writable
    serial: pathlib.Path | None = None  # where the serial log goes
    root: pathlib.Path | None = None    # the guest's root file system; the private tree if None
    ports: int = 4                # root ports: how often an eGPU can be plugged in, see plug()
    append: str = ""              # more words for the kernel command line
    module_parameters: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)


def splats(text):
    """Lines of a kernel log that say something went wrong."""
    return [line for line in text.splitlines() if SPLAT.search(line) and not HARMLESS.search(line)]


def cpu_seconds(group):
    """CPU time that a process group has used, all threads."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Machine:
    """One guest; boot(), then plug(), run(), unplug() as often as wanted."""

    def __init__(self, settings=None):
        self.settings = settings or Settings()
        self.kernel = kernels.find(self.settings.kernel)
        self.accel = None
        self.device = None   # the one plugged last
        self.devices = {}    # port -> those plugged now
        self.boot_seconds = None
        self.boot_cpu_seconds = None
        self._process = None
        self._qmp = None
        self._agent = None
        self._used_ports = 0
        self._folder = None
        name = f"vm-{self.kernel.name}-{os.getpid()}"
        self.serial = self.settings.serial or log_dir() / f"{name}.serial.log"
        self.qemu_log = log_dir() / f"{name}.qemu.log"
        self.device_log = log_dir() / f"{name}.device.log"

    # -- life -----------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self.boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def boot(self):
        """Start QEMU and wait for the guest's agent."""
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="kite-vm-"))
        os.chmod(self._folder, 0o755)  # kite-device drops to another user
        self.accel = kvm.accelerator(self.settings.accel, self.kernel)
        for log in (self.serial, self.qemu_log, self.device_log):
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(b"")
        started = time.monotonic()
        argv, env = enter.wrap(self._command())
        with open(self.qemu_log, "ab") as sink:
            self._process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=sink,
                                             stderr=sink, start_new_session=True)
        try:
            self._qmp = Qmp(self._folder / "qmp", 30.0, self._alive)
            self._agent = AgentLink(self._folder / "agent", self._alive, 10.0)
        except KiteError as error:
            raise KiteError(f"QEMU did not start: {error}", log=self.qemu_log) from error
        patience = BOOT_SECONDS if self.kernel.in_root else CHECKED_BOOT_SECONDS
        if not self._agent.wait_hello(patience, self._alive):
            raise KiteError("the guest did not come up", log=self.serial)
        self.boot_seconds = time.monotonic() - started
        self.boot_cpu_seconds = cpu_seconds(self._process.pid)

    def close(self):
        """End everything; never raises for what is gone already."""
        if self._agent and self._process and self._alive():
            with contextlib.suppress(KiteError):
                self._agent.send({"poweroff": True})
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(5.0)
        if self._process and self._process.poll() is None:
            kill_group(self._process)
        if self._agent:
            self._agent.close()
        if self._qmp:
            self._qmp.close()
        for plugged in self.devices.values():
            plugged.stop()
        self.devices = {}
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._process = self._agent = self._qmp = self._folder = None

    @property
    def alive(self):
        """True while QEMU runs."""
        return self._process is not None and self._alive()

    def _alive(self):
        return self._process.poll() is None

    # -- commands in the guest --------------------------------------------------------------------

    def environment(self):
        """Variables every command in the guest gets."""
        manifest = str(build_dir() / "icd" / "kite_icd.x86_64.json")
        env = {"PATH": enter.INNER_PATH, "HOME": "/root", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
               "XDG_RUNTIME_DIR": "/run/user/0", "VK_DRIVER_FILES": manifest,
               "VK_ICD_FILENAMES": manifest, "KITE_IN_GUEST": self.kernel.release}
        if self.settings.out:
            env["KITE_OUT"] = "/out"
        return {**env, **self.settings.env}

    def start(self, command, *, env=None, cwd=None, sink=None):
        """Start a command: a list of words, or a string for the shell; returns a Job."""
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        return self._agent.start(argv, env={**self.environment(), **(env or {})},
                                 cwd=str(cwd or REPO), sink=sink)

    def run(self, command, timeout_seconds=120.0, **options):
        """Run a command to its end; returns the finished Job."""
        job = self.start(command, **options)
        try:
            job.wait(timeout_seconds)
        except KiteError as error:
            if error.code == 124:
                job.kill(9)
            error.log = error.log or self.serial
            raise
        return job

    def check(self, command, timeout_seconds=120.0, **options):
        """Run a command that has to succeed; returns its standard output."""
        job = self.run(command, timeout_seconds, **options)
        if job.code != 0:
            text = (job.stderr or job.stdout).strip()[-2000:]
            raise KiteError(f"in the guest: {command}: exit status {job.code}: {text}",
                            log=self.serial)
        return job.stdout

    def wait_for(self, condition, timeout_seconds=30.0):
        """Wait until the shell command `condition` succeeds in the guest; True if it did."""
        now = "read now _ < /proc/uptime; now=${now%.*}"  # by the clock: a slow guest's sleep is long
        script = (f"{now}; end=$((now + {int(timeout_seconds)})); while :; do "
                  f"if {condition}; then exit 0; fi; {now}; [ $now -lt $end ] || exit 1; "
                  "sleep 0.1; done")
        return self.run(script, timeout_seconds * 4 + 30).code == 0

    # -- the module and the device ----------------------------------------------------------------

    def module_path(self):
        """kite.ko for this kernel as ./kite build --module leaves it."""
        return build_dir() / "module" / self.kernel.release / "kite.ko"

    def load_module(self, path=None, parameters=None):
        """Load kite.ko with what it depends on."""
        path = path or self.module_path()
        words = " ".join(parameters if parameters is not None
                         else self.settings.module_parameters)
        self.check(f"for m in $(modinfo -F depends {path} | tr , ' '); do modprobe $m || exit 1; "
                   f"done; insmod {path} {words}")

    def plug(self, timeout_seconds=60.0, *, wait=True):
        """Start a kite-device and put it on the next free port; returns the port's number.

        Waits until the guest sees the PCI device. A port takes one card in a machine's life: QEMU
        11.1 aborts when it deletes a vfio-user device with MSI-X, so a card that was unplugged
        stays in its port, dead, and the next one goes to the next port.
        """
        port = self._used_ports
        if port >= self.settings.ports:
            raise KiteError(f"all {port} ports of this machine were used (Settings.ports)")
        self._used_ports += 1
        self.device = device.DeviceProcess(
            self._folder / f"egpu{port}", self.device_log, vram=self.settings.vram,
            faults=self.settings.faults, options=self.settings.device_options)
        self.devices[port] = self.device
        try:
            self._qmp.command("device_add", timeout_seconds, driver="vfio-user-pci",
                              id=f"egpu{port}", bus=f"rp{port}",
                              socket={"type": "unix", "path": str(self.device.socket)})
        except QmpError:
            raise
        except KiteError as error:
            raise KiteError(f"QEMU ended while the eGPU was plugged in: {error}; "
                            f"device's log: {self.device_log}", log=self.qemu_log) from error
        if wait and not self.wait_for(f"ls {self.card(port)}/vendor", timeout_seconds):
            raise KiteError("the guest did not see the eGPU", log=self.serial)
        return port

    @staticmethod
    def card(port):
        """Shell pattern of the PCI device behind a port, in the guest's sysfs."""
        return f"/sys/bus/pci/devices/0000:00:{PORT_SLOT + port // 8:02x}.{port % 8}/0000:??:00.0"

    def _last(self, port):
        if port is None:
            port = max(self.devices, default=None)
        if port not in self.devices:
            raise KiteError("no eGPU is plugged in")
        return port

    def wait_render_node(self, timeout_seconds=60.0, port=None):
        """Wait for kite.ko's render node of the last plugged card; returns its path."""
        pattern = f"{self.card(self._last(port))}/drm/renderD*"
        if not self.wait_for(f"[ -e {pattern} ]", timeout_seconds):
            raise KiteError("kite.ko made no render node", log=self.serial)
        return "/dev/dri/" + self.check(f"basename {pattern}").strip()

    def _remove(self, port, timeout_seconds):
        self.check(f"echo 1 > $(ls -d {self.card(port)})/remove", timeout_seconds)

    def unplug(self, timeout_seconds=60.0, port=None):
        """Orderly: the guest's driver lets go first, then the device ends."""
        port = self._last(port)
        self._remove(port, timeout_seconds)
        self.devices.pop(port).stop()

    def pull(self, timeout_seconds=60.0, port=None):
        """Surprise removal: every read gives ones all of a sudden; then the guest drops the card."""
        port = self._last(port)
        self.devices[port].vanish()
        self._remove(port, timeout_seconds)
        self.devices.pop(port).kill()

    def wake(self):
        """Wake a guest that sleeps, from suspend to idle by its power button."""
        status = self._qmp.command("query-status")["status"]
        self._qmp.command("system_wakeup" if status == "suspended" else "system_powerdown")

    # -- what the kernel said ---------------------------------------------------------------------

    def kernel_log(self):
        """The serial log so far."""
        return self.serial.read_text(errors="replace")

    def splats(self):
        """Warnings, oopses and the like in the kernel log so far."""
        return splats(self.kernel_log())

    # -- QEMU's command line ----------------------------------------------------------------------

    def _root(self):
        return self.settings.root or kernels.guest_root()

    def _shares(self):
        """(tag, path in the guest, "ro" or "rw", host folder), the root first."""
        shares = [("root", "/", "ro", self._root())]
        folders = [REPO, build_dir(), *map(pathlib.Path, filter(None, os.environ.get(
            "KITE_BIND", "").split(":")))]
        for folder in folders:
            covered = [item[3] for item in shares[1:]]
            if folder.is_dir() and not any(folder.is_relative_to(item) for item in covered):
                shares.append((f"share{len(shares)}", str(folder), "ro", folder))
        if not self.kernel.in_root or self.settings.root:
            shares.append(("modules", f"/usr/lib/modules/{self.kernel.release}", "ro",
                           self.kernel.modules))
        if self.settings.out:
            self.settings.out.mkdir(parents=True, exist_ok=True)
            shares.append(("out", "/out", "rw", self.settings.out))
        return shares

    def _start_script(self):
        return "\n".join([
            f"export PATH={enter.INNER_PATH} HOME=/root",
            "mkdir -p -m 700 /run/user/0; hostname kite; ip link set lo up",
            "dmesg -n 8; modprobe virtio_console || echo 'kite: no virtio_console'",
            f"python3 {REPO}/scripts/kite_vm/guest/agent.py",
            "sync; exec busybox poweroff -f", ""])

    def _command(self):
        shares = self._shares()
        archive = self._folder / "initramfs"
        archive.write_bytes(initramfs.build(
            self.kernel, self._root() / "usr/bin/busybox",
            [share[:3] for share in shares], self._start_script()))
        memory = device.parse_size(self.settings.memory)
        aperture = 1 << max(28, (device.parse_size(self.settings.vram) - 1).bit_length() + 1)
        accel = "tcg,thread=multi" if self.accel == "tcg" else "kvm"
        # An AMD CPU in QEMU reserves the addresses below 1 TiB that SeaBIOS gives to 64-bit BARs.
        cpu = "max,vendor=GenuineIntel" if self.accel == "tcg" else "host"
        words = [TCG_WORDS] if self.accel == "tcg" else []
        if not self.kernel.in_root:
            words.append(CHECKED_WORDS)
        command = [
            kvm.QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-name", f"kite-{self.kernel.name}", "-machine", "q35,memory-backend=mem",
            "-accel", accel, "-cpu", cpu, "-smp", str(self.settings.cpus), "-m", str(memory >> 20),
            "-object", f"memory-backend-memfd,id=mem,share=on,size={memory}",
            "-kernel", str(self.kernel.image), "-initrd", str(archive),
            "-append", " ".join(["console=ttyS0 panic=-1", *words, self.settings.append]),
            "-serial", f"file:{self.serial}",
            "-qmp", f"unix:{self._folder}/qmp,server=on,wait=off",
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,path={self._folder}/agent,server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=kite.agent"]
        for port in range(self.settings.ports):
            multi = ",multifunction=on" if port % 8 == 0 else ""
            command += ["-device", f"pcie-root-port,id=rp{port},chassis={port + 1},slot={port + 1},"
                        f"addr={PORT_SLOT + port // 8:#x}.{port % 8}{multi},io-reserve=0,"
                        f"mem-reserve=2M,pref64-reserve={aperture}"]
        for tag, _, mode, folder in shares:
            readonly = "on" if mode == "ro" else "off"
            command += ["-fsdev", f"local,id={tag},path={folder},security_model=none,"
                                  f"multidevs=remap,readonly={readonly}",
                        "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        if self.settings.extra:
            if self.settings.extra not in EXTRA_DEVICES:
                raise KiteError(f"no device {self.settings.extra}; "
                                f"there are {', '.join(EXTRA_DEVICES)}")
            command += ["-device", EXTRA_DEVICES[self.settings.extra]]
        return command
