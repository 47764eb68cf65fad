# SPDX-License-Identifier: MIT
"""Run a bench program on Kite as a test of its results: run_check.py MANIFEST PROGRAM [ARGUMENT...].

The validation layer watches where it is installed. Exit status 77: skipped, with the reason.
"""

import os
import subprocess
import sys


def main():
    """Run it; the program itself compares its results with the CPU's."""
    manifest, *command = sys.argv[1:]
    if not os.path.exists(manifest):
        print(f"SKIP: {manifest} does not exist")
        return 77
    env = dict(os.environ, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest)
    if os.path.exists("/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json"):
        env["VK_INSTANCE_LAYERS"] = "VK_LAYER_KHRONOS_validation"
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=200,
                          check=False)
    print(done.stdout + done.stderr)
    return 1 if done.returncode != 0 or "VUID" in done.stdout + done.stderr else 0


if __name__ == "__main__":
    sys.exit(main())
