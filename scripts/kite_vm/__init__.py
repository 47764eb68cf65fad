# SPDX-License-Identifier: MIT
"""Kite's virtual machine: the guest, its kernels, the device process and QEMU around them."""
