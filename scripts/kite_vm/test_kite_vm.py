# SPDX-License-Identifier: MIT
"""Tests of the virtual machine's parts that need no QEMU."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from kite_cli import main, vm  # noqa: E402
from kite_cli.ui import KiteError  # noqa: E402
from kite_vm import agent_link, device, initramfs, kernels, machine, qmp  # noqa: E402

AGENT = pathlib.Path(__file__).parent / "guest" / "agent.py"


def fake_tree(root, releases):
    """A root file system with kernels of those releases."""
    for release in releases:
        modules = root / "usr/lib/modules" / release
        modules.mkdir(parents=True)
        (root / "boot").mkdir(exist_ok=True)
        (root / "boot" / f"vmlinuz-{release}").write_bytes(b"kernel")
        (modules / "modules.builtin").write_text("kernel/drivers/virtio/virtio_pci.ko\n")
        (modules / "modules.dep").write_text(
            "kernel/net/9p/9pnet.ko: kernel/fs/netfs/netfs.ko\n"
            "kernel/fs/netfs/netfs.ko:\n"
            "kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko\n")


class KernelsTest(unittest.TestCase):
    """Finding kernels and ordering modules."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        fake_tree(self.root, ["7.3.4+deb13-amd64", "6.12.9-amd64", "6.12.107+deb13-amd64"])

    def test_names(self):
        """The oldest is the default; of one version the newest release; others are refused."""
        names = [item.release for item in kernels.installed(self.root) if item.in_root]
        self.assertEqual(names, ["6.12.9-amd64", "6.12.107+deb13-amd64", "7.3.4+deb13-amd64"])
        self.assertEqual(kernels.find(None, self.root).release, "6.12.9-amd64")
        self.assertEqual(kernels.find("6.12", self.root).release, "6.12.107+deb13-amd64")
        self.assertEqual(kernels.find("7.3", self.root).name, "7.3")
        with self.assertRaisesRegex(KiteError, "no kernel 5.10 here.*7.3"):
            kernels.find("5.10", self.root)

    def test_module_order(self):
        """Dependencies come first, built-in ones are left out, unknown ones refused."""
        modules = kernels.find("7.3", self.root).modules
        order = [pathlib.PurePath(path).name
                 for path in kernels.module_order(modules, ["virtio-pci", "9p"])]
        self.assertEqual(order, ["netfs.ko", "9pnet.ko", "9p.ko"])
        with self.assertRaisesRegex(KiteError, "no module overlay"):
            kernels.module_order(modules, ["overlay"])


class PartsTest(unittest.TestCase):
    """Sizes, archives, logs, the command line."""

    def test_sizes(self):
        """K, M and G are powers of 1024."""
        self.assertEqual([device.parse_size(text) for text in ("4096", "256M", "1GiB", "2k")],
                         [4096, 256 << 20, 1 << 30, 2048])
        with self.assertRaises(KiteError):
            device.parse_size("much")

    def test_cpio(self):
        """The archive is one that cpio itself reads."""
        archive = initramfs.Cpio()
        archive.add("a", 0o040755)
        archive.add("a/text", 0o100644, b"hello")
        with tempfile.TemporaryDirectory() as folder:
            try:
                done = subprocess.run(["cpio", "-i", "--quiet"], input=archive.bytes(), cwd=folder,
                                      capture_output=True, check=False)
            except FileNotFoundError:
                self.skipTest("no cpio on this machine")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((pathlib.Path(folder) / "a/text").read_bytes(), b"hello")

    def test_splats(self):
        """Warnings count, the kernel's notes on the CPU's leaks do not."""
        log = ("[ 1.0] Spectre V2 : WARNING: Unprivileged eBPF is enabled\n[ 2.0] fine\n"
               "[ 3.0] WARNING: CPU: 0 PID: 1 at drivers/x.c\n[ 4.0] BUG: kernel NULL pointer\n")
        self.assertEqual(len(machine.splats(log)), 2)

    def test_command_line(self):
        """Options come before --, and contradictions are refused."""
        args = main.parser().parse_args(["vm", "--kernel", "7.3", "--unplug-after", "2",
                                         "--replug-after", "1", "--", "vkcube", "--c", "9"])
        self.assertEqual(args.kernel, "7.3")
        self.assertEqual(vm._unplugging(args), [(2.0, "pull"), (1.0, "plug")])
        self.assertEqual([word for word in args.command if word != "--"], ["vkcube", "--c", "9"])
        args = main.parser().parse_args(["vm", "--replug-after", "1", "true"])
        with self.assertRaisesRegex(KiteError, "needs"):
            vm._unplugging(args)


class AgentTest(unittest.TestCase):
    """Both halves of the control channel against each other, over a socket."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "agent"
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(path))
        server.listen()
        self.link = agent_link.AgentLink(path, lambda: True, 5)
        self.addCleanup(self.link.close)
        guest, _ = server.accept()
        source = (f"import sys; sys.path.insert(0, {str(AGENT.parent)!r}); import agent; "
                  f"agent.Agent({guest.fileno()}).run()")
        self.agent = subprocess.Popen([sys.executable, "-B", "-c", source],
                                      pass_fds=[guest.fileno()])
        guest.close()
        self.addCleanup(self.agent.wait)
        self.addCleanup(self.agent.kill)
        self.assertTrue(self.link.wait_hello(20, lambda: True))

    def test_output_and_status(self):
        """Both streams and the status arrive, several commands at once."""
        slow = self.link.start(["sh", "-c", "sleep 0.3; echo slow"])
        job = self.link.start(["sh", "-c", "echo out; echo err >&2; exit 7"], env={"A": "b"})
        self.assertEqual((job.wait(20), job.stdout, job.stderr), (7, "out\n", "err\n"))
        self.assertEqual((slow.wait(20), slow.stdout), (0, "slow\n"))
        big = self.link.start(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"])
        self.assertEqual((big.wait(20), len(big.stdout)), (0, 1000000))

    def test_failures(self):
        """A missing program is 127; a killed one 128 + signal; an orphan does not hold the end up."""
        self.assertEqual(self.link.start(["/nowhere"]).wait(20), 127)
        job = self.link.start(["sleep", "60"])
        job.kill()
        self.assertEqual(job.wait(20), 143)
        self.assertEqual(self.link.start(["sh", "-c", "sleep 5 & exit 3"]).wait(20), 3)
        late = self.link.start(["sleep", "60"])
        with self.assertRaisesRegex(KiteError, "did not end"):
            late.wait(0.1)
        self.agent.kill()
        with self.assertRaisesRegex(KiteError, "guest ended"):
            late.wait(20)


class QmpTest(unittest.TestCase):
    """The monitor's client against a QEMU of five lines."""

    def test_commands_and_events(self):
        """Events that come before an answer are kept; refusals carry QEMU's words."""
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
            path = os.path.join(folder, "qmp")
            server.bind(path)
            server.listen()

            def serve():
                peer, _ = server.accept()
                with peer, peer.makefile("rw") as stream:
                    print('{"QMP": {}}', file=stream, flush=True)
                    for line in stream:
                        name = json.loads(line)["execute"]
                        print('{"event": "DEVICE_DELETED", "data": {"device": "x"}}', file=stream)
                        answer = '{"error": {"desc": "no"}}' if name == "bad" else '{"return": 5}'
                        print(answer, file=stream, flush=True)

            thread = threading.Thread(target=serve)
            thread.start()
            client = qmp.Qmp(path)
            self.assertEqual(client.command("good", some_thing=1), 5)
            with self.assertRaisesRegex(qmp.QmpError, "bad: no"):
                client.command("bad")
            found = client.wait_event("DEVICE_DELETED", lambda data: data["device"] == "x", 1)
            self.assertEqual(found, {"device": "x"})
            self.assertIsNone(client.wait_event("SHUTDOWN", timeout_seconds=0.05))
            client.close()
            thread.join()


if __name__ == "__main__":
    unittest.main()
