# SPDX-License-Identifier: MIT
"""The validation layer has nothing to say about a program on Kite: check_silence.py vkcube|vkmark.

That it speaks when it should is seen first. What vkmark itself does wrong (on every driver) is
listed in OWN_FAULTS; docs/testing.md tells of it. The environment names the driver: KITE_TEST_MANIFEST. Exit status 77: skipped,
with the reason.
"""

import os
import subprocess
import sys

LAYER = "/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json"
VKCUBE = ["vkcube", "--c", "30", "--present_mode", "1", "--suppress_popups"]
SCENES = ("vertex", "texture", "shading:shading=phong", "effect2d", "desktop", "cube", "clear")
PROGRAMS = {
    "vkcube": VKCUBE,
    "vkmark": ["vkmark", "--winsys", "xcb", "-s", "400x300", "-p", "mailbox",
               *(part for scene in SCENES for part in ("-b", scene + ":duration=0.3"))],
}
# vkmark acquires with a semaphore whose last wait may not be over.
OWN_FAULTS = {"vkcube": (), "vkmark": ("VUID-vkAcquireNextImageKHR-semaphore-01779",)}


def complaints(env, command):
    """(what the layer says about a run of a program, the program's exit status)."""
    done = subprocess.run(["xvfb-run", "-a", *command], env=env, capture_output=True, text=True,
                          timeout=220, check=False)
    texts = (done.stdout + done.stderr).split("Validation ")[1:]
    said = [text for text in texts if "VUID" in text or "SYNC-HAZARD" in text or "Error" in text]
    return [" ".join(text.split()) for text in said], done.returncode


def main():
    """Run the program below the validation layer."""
    manifest = os.environ["KITE_TEST_MANIFEST"]
    for needed in (manifest, LAYER):
        if not os.path.exists(needed):
            print(f"SKIP: {needed} does not exist")
            return 77
    env = dict(os.environ, VK_DRIVER_FILES=manifest, VK_ICD_FILENAMES=manifest,
               VK_INSTANCE_LAYERS="VK_LAYER_KHRONOS_validation")
    program = sys.argv[1]
    if program != "vkmark":  # whose depth attachment and swapchain images lack dependencies
        env["VK_KHRONOS_VALIDATION_VALIDATE_SYNC"] = "true"
    forced, _ = complaints(env, [*VKCUBE, "--force_errors"])
    if not forced:
        print("the validation layer said nothing about vkcube --force_errors: it is not at work")
        return 1
    said, status = complaints(env, PROGRAMS[program])
    said = [text for text in said if not any(own in text for own in OWN_FAULTS[program])]
    print("\n".join(text[:600] for text in said[:10]))
    return 1 if said or status != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
