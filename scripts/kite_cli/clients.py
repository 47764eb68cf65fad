# SPDX-License-Identifier: MIT
"""./kite clients: other people's programs on Kite that Debian 13 lacks, or that take long.

webgpu: Dawn in Node (tests/clients/webgpu.mjs), fetched from npm. ggml: the operator tests of
llama.cpp's tensor library. Both run in the Debian testing tree of scripts/packages-clients.txt, with
the driver that was built for Debian 13. pages: a WebGL and a WebGPU page in Chromium, in the Debian
13 tree. Each prints what it saw and says whether it went well; docs/clients.md has the results.
"""

import re
import shutil
import subprocess

from . import enter, run, tree
from .ui import REPO, KiteError, cache_dir, locked, log_dir, run_logged, say

WEBGPU_PACKAGE = "webgpu@0.6.2"
GGML = "/usr/libexec/x86_64-linux-gnu/ggml/test-backend-ops"
PAGES = REPO / "tests" / "clients" / "pages"
PAGE_SECONDS = 120
# Chromium composes by itself; WebGPU's canvas needs its own Vulkan device to do that, on a window system.
CHROMIUM = ["chromium", "--no-sandbox", "--disable-gpu-sandbox", "--ignore-gpu-blocklist",
            "--headless=new", "--use-gl=angle", "--use-angle=vulkan", "--window-size=400,400",
            "--hide-scrollbars", "--virtual-time-budget=30000", "--dump-dom"]


def _in_clients_tree(command, driver):
    argv, env = enter.wrap(command, kind=tree.CLIENTS)
    return argv, {**env, **run.driver_environment(driver), "NO_COLOR": "1"}


def _fetched(package):
    """The folder that npm put a package into, fetched once."""
    folder = cache_dir() / "npm" / package
    if (folder / "complete").exists():
        return folder
    if not shutil.which("npm"):
        raise KiteError(f"npm is needed on this machine to fetch {package}: apt-get install npm")
    with locked(folder.with_suffix(".lock"), f"waiting for another ./kite that fetches {package}"):
        folder.mkdir(parents=True, exist_ok=True)
        run_logged(f"fetching {package} from npm",
                   ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), package],
                   log_dir() / "npm.log")
        (folder / "complete").touch()
    return folder


def _webgpu(driver, out, _words):
    folder = _fetched(WEBGPU_PACKAGE)
    argv, env = _in_clients_tree(["node", str(REPO / "tests" / "clients" / "webgpu.mjs"),
                                  str(folder), str(out / "webgpu.ppm")], driver)
    return subprocess.run(argv, env=env, check=False).returncode == 0


def _ggml(driver, out, words):
    argv, env = _in_clients_tree([GGML, *(words or ["test"]), "-b", "Vulkan0"], driver)
    log = out / "ggml.log"
    counts = dict.fromkeys(("OK", "FAIL", "not supported"), 0)
    with open(log, "w", encoding="utf-8") as sink, subprocess.Popen(
            argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for number, line in enumerate(process.stdout):
            line = re.sub(r"\x1b\[[0-9;]*m", "", line)
            sink.write(line)
            for word in counts:
                counts[word] += re.search(rf": (\[.*\] )?{word}\b", line) is not None
            if words or "FAIL" in line:
                print(line, end="", flush=True)
            elif number % 500 == 499:
                say(", ".join(f"{count} {word}" for word, count in counts.items()))
    print(", ".join(f"{count} {word}" for word, count in counts.items()), f"(all lines: {log})")
    return process.returncode == 0


def _page(driver, out, name, more):
    picture = out / f"{name}.png"
    profile = out / f"{name}.profile"
    shutil.rmtree(profile, ignore_errors=True)
    with run.display() as variables:
        argv, env = run.command_environment(
            [*CHROMIUM, *more, f"--user-data-dir={profile}", f"--screenshot={picture}",
             (PAGES / f"{name}.html").as_uri()], {**run.driver_environment(driver), **variables})
        try:
            done = subprocess.run(argv, env=env, capture_output=True, text=True,
                                  timeout=PAGE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise KiteError(f"{name}.html: Chromium did not end in {PAGE_SECONDS} s") from None
    (out / f"{name}.log").write_text(done.stderr)
    shutil.rmtree(profile, ignore_errors=True)
    title = re.search("<title>(.*)</title>", done.stdout)
    title = title[1] if title else f"no page, exit status {done.returncode}"
    print(f"{name}: {title}; {picture}")
    return title.startswith("done") and ("Kite" in title or driver != "kite" or name != "webgl")


def _pages(driver, out, _words):
    gpu = ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--ozone-platform=x11"]
    return all([_page(driver, out, "webgl", []), _page(driver, out, "webgpu", gpu)])


CLIENTS = {"webgpu": _webgpu, "ggml": _ggml, "pages": _pages}


def add_arguments(sub):
    """The options of ./kite clients."""
    sub.add_argument("--peer", choices=sorted(run.PEERS), help="use this driver instead of Kite")
    sub.add_argument("--out", default="out/clients", metavar="DIR",
                     help="where pictures and logs go (out/clients)")
    sub.add_argument("client", choices=sorted(CLIENTS), help="which")
    sub.add_argument("words", nargs="*", metavar="WORD",
                     help="for ggml: the mode and options of test-backend-ops, as in "
                     "-- perf -o MUL_MAT (default: test)")


def cmd_clients(args):
    """./kite clients"""
    driver = args.peer or "kite"
    if args.words and args.client != "ggml":
        raise KiteError(f"{args.client} takes no further words")
    run.ensure_driver(driver)
    out = (REPO / args.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    return 0 if CLIENTS[args.client](driver, out, args.words) else 1
