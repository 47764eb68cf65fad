// SPDX-License-Identifier: MIT
// Serving clients: the loop between a connection and the device.
//
// Used by kite-device's main thread and by tests, whose connection is a socket pair. `quit` is a
// descriptor that becomes readable when serving shall end (a signalfd, an eventfd). Faults that are
// injected by time happen here too. A connection ends when the peer hangs up or breaks the
// protocol; the device lives on, and the caller decides what becomes of it.
#pragma once

#include "device/pci/pci_device.hpp"

namespace kite::dev::pci {

/// Waits until `fd` has input. False: `quit` has. With a device, watches over its injected faults.
[[nodiscard]] bool wait_for_input(int fd, int quit, PciDevice* device);

/// Serves one client until it goes. False: `quit` asks to end.
[[nodiscard]] bool serve(base::UniqueFd socket, int quit, PciDevice& device);

} // namespace kite::dev::pci
