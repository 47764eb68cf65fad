# SPDX-License-Identifier: MIT
"""Why a kernel module will or won't load: what it asks for, what the kernel offers."""
