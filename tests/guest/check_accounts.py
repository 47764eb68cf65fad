# SPDX-License-Identifier: MIT
"""Accounts, quotas and DMA rights as an administrator and a Vulkan application meet them.

kitectl, /proc/swarm/gpu and fdinfo are compared with each other while 1 MiB copies run; a quota and
a revocation reach the application as the Vulkan errors that are meant for it; a limit is still there
when another eGPU has been plugged.
"""

import re
import sys
import time

from guest_case import Skip, expect, find_kernel, run_cases, still_watched
from kite_cli.ui import build_dir
from kite_vm.machine import Settings

KITECTL = build_dir() / "drm-driver/tools/kitectl/kitectl"
COPY = build_dir() / "tests/guest/kite_guest_copy"
VULKAN = {"KITE_KMD": "drm"}
PROC = "/proc/swarm/gpu"
FILES = {"stats": "444", "quotas": "400", "allocations": "400", "dma_perms": "400",
         "contexts": "400", "agents": "400"}
LOST = 3
PATIENCE_SECONDS = 90
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"


def kitectl(machine, *words):
    """What kitectl says; it must succeed."""
    return machine.check([str(KITECTL), *words])


def table(text):
    """Rows of one of the files, as dictionaries."""
    names, *rows = (line.split() for line in text.splitlines())
    return [dict(zip(names, row)) for row in rows]


def copies(machine):
    """A running client; its job and its row of `agents`."""
    job = machine.start([str(COPY)], env=VULKAN)
    end = time.monotonic() + PATIENCE_SECONDS
    while "copying" not in job.stdout + job.stderr:
        expect(job.running and time.monotonic() < end, f"no copies: {job.stdout} {job.stderr}")
        time.sleep(0.2)
    rows = [row for row in table(machine.check(f"cat {PROC}/agents"))
            if row["process"].startswith("kite_guest_co")]
    expect(len(rows) >= 1, "the client is not among the agents")
    # One process may have opened the node more than once; the one with a VM is meant.
    owners = {row["client"] for row in table(machine.check(f"cat {PROC}/contexts"))}
    rows = [row for row in rows if row["client"] in owners]
    expect(len(rows) == 1, f"clients with a VM: {rows}")
    return job, rows[0]


def plugged(machine):
    """The eGPU with its driver, and a place that everybody may render on."""
    for program in (KITECTL, COPY):
        if not program.exists():
            raise Skip(f"{program.name} is not built")
    machine.load_module()
    machine.plug()
    print(machine.wait_render_node())
    print(kitectl(machine, "info"))


def files(machine):
    """The files are there; what tells about others is the administrator's."""
    for name, mode in FILES.items():
        expect(machine.check(f"stat -c %a {PROC}/{name}").strip() == mode, f"mode of {name}")
        code = machine.run(f"{NOBODY} cat {PROC}/{name}").code
        expect((code == 0) == (mode == "444"), f"{name} as nobody: {code}")
        print(machine.check(f"cat {PROC}/{name}"))


def figures(machine):
    """kitectl, the files and fdinfo tell the same of one client."""
    job, agent = copies(machine)
    client, pid = agent["client"], agent["pid"]
    quotas = {row["resource"]: row for row in table(machine.check(f"cat {PROC}/quotas"))
              if row["kind"] == "client" and row["id"] == client}
    memory, = (row for row in table(machine.check(f"cat {PROC}/allocations"))
               if row["client"] == client)
    for name in ("vram", "system"):
        expect(quotas[name]["used"] == memory[name], f"{name}: {quotas[name]} {memory}")
    expect(quotas["vms"]["used"] == "1" and int(quotas["queues"]["used"]) >= 1, f"{quotas}")
    info = machine.check(f"grep -l 'drm-client-id:.{client}$' /proc/{pid}/fdinfo/* | head -1 | "
                         "xargs cat")
    print(info)
    totals = [int(number) * (1024 if unit == "KiB" else 1048576 if unit == "MiB" else 1)
              for number, unit in re.findall(r"drm-total-\w+:\s+(\d+)\s*(\w*)", info)]
    charged = int(quotas["vram"]["used"]) + int(quotas["system"]["used"])
    tables = charged - sum(totals)
    print(f"charged {charged}, buffers {sum(totals)}, page tables {tables}")
    expect(sum(totals) > 0 and 0 < tables < 1 << 20 and tables % 4096 == 0, "page tables")
    text = kitectl(machine, "accounts", "--client", client)
    print(text)
    queues = re.search(r"queues +(\d+)", text)
    expect(queues and queues[1] == quotas["queues"]["used"], "kitectl disagrees")
    text = kitectl(machine, "top", "-n", "1", "-i", "1")
    print(text)
    expect(re.search(rf"^ *{client} +{pid} .*kite_guest_co.* \d+%", text, re.MULTILINE), "top")
    job.kill(9)
    job.wait(30)


def quota(machine):
    """A user's quota is VK_ERROR_OUT_OF_DEVICE_MEMORY, and gone again when it is lifted."""
    kitectl(machine, "limit", "--uid", "root", "vram", "1M")
    job = machine.run([str(COPY), "2"], env=VULKAN)
    print(job.stdout, job.stderr)
    expect(job.code == 1 and re.search(r"OUT_OF_DEVICE_MEMORY|\(-2\)|-2\b", job.stderr + job.stdout),
           f"exit status {job.code}")
    text = kitectl(machine, "accounts", "--uid", "root")
    print(text)
    expect(re.search(r"vram .* 1 MiB .* [1-9]\d*$", text, re.MULTILINE), "nothing was refused")
    kitectl(machine, "limit", "--uid", "root", "vram", "8M")
    text = machine.check("vulkaninfo | grep -A3 'memoryHeaps\\[0\\]'", env=VULKAN)
    print(text)
    expect(re.search(r"budget *= 8388608 ", text), "the budget is not the quota")
    kitectl(machine, "limit", "--uid", "root", "vram", "max")
    machine.check([str(COPY), "2"], env=VULKAN)


def refused(machine):
    """Nobody's kitectl changes nothing and says why."""
    machine.check("chmod 666 /dev/dri/renderD*")
    for words in ("limit vram max", "grant import-read", "accounts --uid 0"):
        job = machine.run(f"{NOBODY} {KITECTL} {words}")
        expect(job.code == 1 and "CAP_SYS_ADMIN" in job.stderr, f"{words}: {job.stderr}")
    machine.check(f"{NOBODY} {KITECTL} accounts")


def revoked(machine):
    """An application whose system memory is taken away loses its device; the next one is served."""
    job, agent = copies(machine)
    print(kitectl(machine, "revoke", "--pid", agent["pid"], "system"))
    code = job.wait(PATIENCE_SECONDS)
    expect(code == LOST, f"copies ended with {code}: {job.stdout} {job.stderr}")
    machine.check([str(COPY), "2"], env=VULKAN)


def kept(machine):
    """A limit set on one eGPU holds on the next."""
    kitectl(machine, "limit", "--uid", "4711", "vram", "3M")
    machine.unplug()
    machine.plug()
    machine.wait_render_node()
    expect(re.search(r"vram +0 B +3 MiB", kitectl(machine, "accounts", "--uid", "4711")), "lost")


def main():
    """Run all cases in one guest; returns the exit status."""
    kernel = find_kernel(sys.argv[1])
    settings = Settings(kernel=kernel.release, vram="64M", module_parameters=("proc_swarm=1",))
    return run_cases(f"GuestAccounts{kernel.name.replace('.', '_')}", settings, (
        ("Plugged", plugged), ("Files", files), ("FiguresAgree", figures), ("Quota", quota),
        ("Refused", refused), ("Revoked", revoked), ("KeptOverReplug", kept),
        ("StillWatched", still_watched)))


if __name__ == "__main__":
    sys.exit(main())
