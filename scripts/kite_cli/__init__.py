# SPDX-License-Identifier: MIT
"""Parts of the ./kite command; stdlib only, Python 3.11 or newer (Debian 12's)."""
