// SPDX-License-Identifier: MIT
// Serving clients: the loop between a connection and the device.
//
// Used by kite-device's main thread and by tests, whose connection is a socket pair. What the loop
// watches besides are descriptors that become readable (signalfds, eventfds). Faults that are
// injected by time happen here too. A connection ends when the peer hangs up or breaks the
// protocol; the device lives on, and the caller decides what becomes of it.
#pragma once

#include "device/pci/pci_device.hpp"

namespace kite::dev::pci {

/// What else may happen while a client is served.
struct Watch {
    int quit = -1; ///< readable: serving shall end
    int pull = -1; ///< readable: the cable is pulled, the device is gone from now on
};

/// Waits until `fd` has input. False: serving shall end. With a device, watches over it.
[[nodiscard]] bool wait_for_input(int fd, const Watch& watch, PciDevice* device);

/// Serves one client until it goes. False: serving shall end.
[[nodiscard]] bool serve(base::UniqueFd socket, const Watch& watch, PciDevice& device);

} // namespace kite::dev::pci
