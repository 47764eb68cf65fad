# SPDX-License-Identifier: MIT
"""Every reason for which a kernel refuses a module, found before insmod, each with its mend.

Nothing here changes a module: a version that does not fit is mended by building, never by editing.
"""

import re

from . import btf

REBUILD = "./kite build --module --kernel {release}"
REBUILD_HERE = "make -C drm-driver"  # Kite's module for the kernel it is made on


class Findings:
    """Collects findings; `report` is anything with good(), note() and bad()."""

    def __init__(self, report, target):
        self.report = report
        self.rebuild = REBUILD_HERE if target.running else REBUILD.format(release=target.release)
        if target.exports is None:
            self.rebuild = f"install linux-headers-{target.release}, then {self.rebuild}"

    def good(self, what):
        """As it should be."""
        self.report.good(what)

    def note(self, what):
        """Worth knowing, does not stop the module."""
        self.report.note(what)

    def bad(self, what, mend):
        """The kernel will refuse the module."""
        self.report.bad(what, mend)


def _shown(names, most=6):
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def check_vermagic(module, target, found):
    """Release and build flags, the way the kernel compares them."""
    have, want = module.info("vermagic"), target.vermagic
    if not have:
        found.bad("the module has no vermagic", found.rebuild)
        return
    if want is None:
        if have.split()[0] == target.release:
            found.good(f"vermagic names this kernel: {have.split()[0]}")
        else:
            found.bad(f"vermagic: the module was built for {have.split()[0]}, the kernel is "
                      f"{target.release}", found.rebuild)
        return
    have_release, _, have_flags = have.strip().partition(" ")
    want_release, _, want_flags = want.strip().partition(" ")
    if have_flags.split() != want_flags.split():
        odd = sorted(set(have_flags.split()) ^ set(want_flags.split()))
        found.bad(f"vermagic: \"{have.strip()}\" should be \"{want.strip()}\" "
                  f"(differs in {' '.join(odd)})", found.rebuild)
    elif have_release == want_release:
        found.good(f"vermagic: {want.strip()}")
    elif target.on("MODVERSIONS") and module.versions:
        found.note(f"vermagic: built for {have_release}; a kernel with symbol versions looks at "
                   "those instead")
    else:
        found.bad(f"vermagic: the module was built for {have_release}, the kernel is "
                  f"{want_release}", found.rebuild)


def check_compiler(module, target, found):
    """The compiler's kind and major version against the kernel's."""
    kernel = (target.config or {}).get("CC_VERSION_TEXT")
    if not kernel or not module.compiler:
        found.note("compiler: not recorded, can't be compared")
        return

    def major(text):
        clang = "clang" in text.lower()
        versions = re.findall(r"\b(\d+)\.\d+", re.sub(r"\([^)]*\)", "", text))
        return ("clang" if clang else "gcc", versions[-1] if versions else "?")

    ours, theirs = major(module.compiler), major(kernel)
    if ours == theirs:
        found.good(f"compiler: {theirs[0]} {theirs[1]}, as the kernel's")
    else:
        found.bad(f"compiler: the module was built by {' '.join(ours)}, the kernel by "
                  f"{' '.join(theirs)}: structures and calls may differ",
                  f"install {theirs[0]}-{theirs[1]}, then {found.rebuild}")


def check_symbols(module, target, found):
    """Does the kernel export all that the module wants, under the module's licence?"""
    if target.exports is None:
        found.note(f"symbols: no Module.symvers of {target.release} here, so exports can't be "
                   f"compared (install linux-headers-{target.release})")
        return
    missing = [name for name in module.undefined if name not in target.exports]
    if missing:
        found.bad(f"the kernel has no symbol {_shown(missing)}: insmod would say \"Unknown symbol\"",
                  f"build it for this kernel: {found.rebuild}")
    licence = module.info("license")
    free = licence.startswith(("GPL", "Dual"))
    fenced = [name for name in module.undefined
              if name in target.exports and target.exports[name].gpl and not free]
    if fenced:
        found.bad(f"licence \"{licence}\" may not use {_shown(fenced)} (GPL-only)",
                  "declare the licence the module really has, or do without these symbols")
    spaces = set(module.all_info("import_ns"))
    closed = sorted({target.exports[name].namespace for name in module.undefined
                     if name in target.exports} - spaces - {""})
    if closed:
        found.bad(f"the module does not import the namespace {_shown(closed)}",
                  "add MODULE_IMPORT_NS() for it and build again")
    if not missing and not fenced and not closed:
        found.good(f"symbols: all {len(module.undefined)} are exported")


def check_versions(module, target, found):
    """Symbol CRCs, where the kernel has them; staleness where it has none."""
    if target.on("MODVERSIONS") is False:
        if module.versions:
            found.note("symbol versions: the module has some, this kernel ignores them")
        else:
            found.note("symbol versions: this kernel has none (MODVERSIONS is off), so it can't "
                       "tell a stale module from a fitting one; build again after each update of "
                       "the headers")
        return
    if target.exports is None:
        return
    if module.versions is None:
        if target.on("MODVERSIONS"):
            found.bad("symbol versions: the module has none, the kernel wants them "
                      "(\"no symbol version for module_layout\")", found.rebuild)
        return
    wrong = [name for name, crc in module.versions.items()
             if name in target.exports and target.exports[name].crc != crc]
    absent = [name for name in module.undefined
              if name in target.exports and name not in module.versions]
    if "module_layout" in wrong:
        found.bad("symbol versions: module_layout differs: the module was built against another "
                  "kernel's headers (a Makefile that asks uname -r?)", found.rebuild)
    elif wrong:
        found.bad(f"symbol versions: the kernel \"disagrees about version of symbol\" "
                  f"{_shown(wrong)}: built against headers of another revision", found.rebuild)
    if absent:
        found.bad(f"symbol versions: none for {_shown(absent)}", found.rebuild)
    if not wrong and not absent:
        found.good(f"symbol versions: all {len(module.versions)} CRCs match")


def check_freshness(module_time, target, found):
    """A module older than the headers, on a kernel that can't notice."""
    if module_time is None or target.headers_time is None or target.on("MODVERSIONS"):
        return
    if module_time < target.headers_time:
        found.note(f"the module is older than the installed headers: {found.rebuild}")


def check_btf(module, target, found):
    """Type information that the kernel validates, and may refuse."""
    if not target.on("DEBUG_INFO_BTF_MODULES"):
        found.good("BTF: this kernel does not look at modules' BTF")
    elif module.btf is None:
        found.good("BTF: the module has none, so there is nothing to refuse")
    elif module.has_base_btf:
        found.good("BTF: the module carries its base types")
    elif target.btf is None:
        found.note("BTF: the kernel's is not at hand, can't be compared")
    else:
        why = btf.problem(module.btf, target.btf)
        if why is None:
            found.good("BTF: fits the kernel's")
        elif target.on("MODULE_ALLOW_BTF_MISMATCH"):
            found.note(f"BTF does not fit ({why}); this kernel loads the module without it")
        else:
            found.bad(f"BTF does not fit the kernel's ({why}): \"failed to validate module BTF\"",
                      f"{found.rebuild}, or build without pahole, which leaves BTF out")


def check_dependencies(module, target, found):
    """The modules it builds on: on disk, and loaded?"""
    if target.available is None:
        found.note("dependencies: no module list of this kernel here")
        return
    needed = {bare for bare in (name.replace("-", "_") for name in module.depends)}
    for name in module.undefined:
        export = (target.exports or {}).get(name)
        if export and export.module != "vmlinux":
            needed.add(export.module.replace("-", "_"))
    missing = sorted(needed - target.available)
    if missing:
        found.bad(f"the kernel has no module {_shown(missing)}",
                  "take a kernel with the DRM helpers: linux-image-amd64, not the cloud flavour")
        return
    if target.loaded is not None:
        absent = sorted(name for name in needed - target.loaded)
        if absent:
            found.note(f"not loaded yet: {_shown(absent, 12)}; modprobe does it, before insmod: "
                       f"modprobe -a {' '.join(absent)}")
            return
    found.good(f"dependencies: {_shown(sorted(needed), 12) or 'none'}")


def check_signature(module, target, found):
    """Is the module signed, and does that matter here?"""
    force = target.on("MODULE_SIG_FORCE")
    enforced = force or target.signatures_enforced
    strict = enforced or target.secure_boot
    mend = ("make a key (dkms does: /var/lib/dkms/mok.key), enroll it with mokutil --import "
            "/var/lib/dkms/mok.pub and a reboot, sign with the headers' scripts/sign-file; "
            "or switch Secure Boot off in the firmware")
    if module.signed:
        found.note("signature: the module is signed; the key must be enrolled "
                   "(mokutil --list-enrolled)") if strict else \
            found.good("signature: the module is signed, and this kernel does not insist")
    elif strict:
        why = "Secure Boot is on" if target.secure_boot else "the kernel enforces signatures"
        found.bad(f"signature: the module is not signed and {why} "
                  "(\"Key was rejected by service\")", mend)
    elif target.running:
        found.good("signature: not signed; this kernel loads it and marks itself tainted (E)")
    else:
        found.note("signature: not signed; under Secure Boot this kernel would refuse it")


def check_loaded(module, target, found):
    """Another build of the same module that is in already."""
    if target.loaded_srcversion is None:
        return
    name = module.info("name")
    if target.loaded_srcversion == module.info("srcversion"):
        found.note(f"{name} is loaded already, this very build")
    else:
        found.bad(f"another build of {name} is loaded (srcversion {target.loaded_srcversion})",
                  f"unplug the eGPU, then rmmod {name}")


def check_retpoline(module, target, found):
    """A kernel with retpolines complains about a module without."""
    if target.on("MITIGATION_RETPOLINE") and module.info("retpoline") != "Y":
        found.note("built without retpolines: the kernel will warn about Spectre v2")


def check_all(module, target, report, module_time=None):
    """Every check in turn."""
    found = Findings(report, target)
    for check in (check_vermagic, check_compiler, check_symbols, check_versions, check_btf,
                  check_dependencies, check_signature, check_retpoline, check_loaded):
        check(module, target, found)
    check_freshness(module_time, target, found)


# What the kernel says when it refused a module -> what that means and what to do.
MESSAGES = (
    (r"version magic '(.*?)' should be '(.*?)'",
     "built for another kernel or with other options: {rebuild}"),
    (r"disagrees about version of symbol (\S+)",
     "built against headers of another revision: {rebuild}"),
    (r"no symbol version for (\S+)", "built without symbol versions: {rebuild}"),
    (r"failed to validate module \[(\w+)\] BTF", "its BTF was made for another kernel: {rebuild}"),
    (r"Unknown symbol (\S+)", "a module it needs is not loaded (modprobe, not insmod), or the kernel "
     "lacks the symbol: {rebuild}"),
    (r"module uses symbol (\S+) from namespace (\S+), but does not import it",
     "MODULE_IMPORT_NS() is missing in the source"),
    (r"(?:Loading of unsigned module is rejected|Lockdown: .* unsigned module loading)",
     "Secure Boot: sign it with an enrolled key (mokutil --import)"),
    (r"module verification failed: signature and/or required key missing",
     "harmless: the kernel is marked tainted"),
    (r"(?:invalid module format|Invalid ELF|Invalid relocation target)",
     "the file is broken or for another machine: {rebuild}"),
)


def explain(log, release):
    """(line, what it means) for every line of a kernel log that tells why a module was refused."""
    rebuild = REBUILD.format(release=release)
    found = []
    for line in log.splitlines():
        for pattern, meaning in MESSAGES:
            if re.search(pattern, line):
                found.append((line.strip(), meaning.format(rebuild=rebuild)))
                break
    return found
