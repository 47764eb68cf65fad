# SPDX-License-Identifier: MIT
"""The validation layer has nothing to say about vkcube on Kite, and does speak when it should.

The environment names the driver: KITE_TEST_MANIFEST. Exit status 77: skipped, with the reason.
"""

import os
import subprocess
import sys

LAYER = "/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json"


def complaints(env, *options):
    """(what the layer says about a run of vkcube, vkcube's exit status)."""
    command = ["xvfb-run", "-a", "vkcube", "--c", "30", "--present_mode", "1", "--suppress_popups"]
    done = subprocess.run([*command, *options], env=env, capture_output=True, text=True,
                          timeout=120, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if "VUID" in line or "Validation" in line or "SYNC-HAZARD" in line]
    return said, done.returncode


def main():
    """Run vkcube below the validation layer."""
    manifest = os.environ["KITE_TEST_MANIFEST"]
    if not os.path.exists(manifest):
        print(f"SKIP: {manifest} does not exist")
        return 77
    if not os.path.exists(LAYER):
        print("SKIP: the validation layer is not installed")
        return 77
    env = dict(os.environ, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest,
               VK_INSTANCE_LAYERS="VK_LAYER_KHRONOS_validation",
               VK_KHRONOS_VALIDATION_VALIDATE_SYNC="true")
    forced, _ = complaints(env, "--force_errors")
    if not forced:
        print("the validation layer said nothing about vkcube --force_errors: it is not at work")
        return 1
    said, status = complaints(env)
    print("\n".join(said[:20]))
    return 1 if said or status != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
