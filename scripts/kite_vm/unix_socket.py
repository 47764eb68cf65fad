# SPDX-License-Identifier: MIT
"""Connecting to the sockets that QEMU makes."""

import socket
import time

from kite_cli.ui import KiteError


def connect(path, what, alive, deadline_seconds):
    """A connection to QEMU's socket at `path`, tried until the deadline or until `alive()` is false.

    The KiteError then says that QEMU did not open `what`.
    """
    link = socket.socket(socket.AF_UNIX)
    end = time.monotonic() + deadline_seconds
    while True:
        try:
            link.connect(str(path))
            return link
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end or not alive():
                link.close()
                raise KiteError(f"QEMU did not open {what}") from None
            time.sleep(0.02)
