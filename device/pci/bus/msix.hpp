// SPDX-License-Identifier: MIT
// MSI-X: the table and the pending bits of BAR4, and the eventfds that stand for messages.
//
// QEMU emulates the table for the guest and hands over an eventfd per vector in use; the bytes here
// only keep what a client reads back. raise() may be called by any thread and never blocks; a
// vector without an eventfd becomes pending and fires when it gets one, as does every vector while
// the function may not send (hold()). Everything else is the server thread's. Nothing fails.
#pragma once

#include "base/unique_fd.hpp"
#include "device/pci/bus/config_space.hpp"

#include <mutex>

namespace kite::dev::pci {

/// The MSI-X block.
class Msix {
public:
    /// Reads BAR4; offset + size <= kMsixBarBytes.
    void read(uint64_t offset, std::span<std::byte> out);
    /// Writes BAR4; pending bits are read-only.
    void write(uint64_t offset, std::span<const std::byte> data);
    /// Sets the eventfd of a vector; an empty one takes it away.
    void set(uint32_t vector, base::UniqueFd eventfd);
    /// Sends the vector's message. Vectors that do not exist are ignored.
    void raise(uint32_t vector);
    /// Starts or stops keeping messages back; those kept are sent when it stops.
    void hold(bool held);
    /// Messages sent or made pending so far.
    [[nodiscard]] uint64_t raised();
    /// Forgets table and pending bits; eventfds stay with `keep_eventfds`.
    void reset(bool keep_eventfds);

private:
    std::mutex mutex_;
    std::array<base::UniqueFd, kMsixVectors> eventfds_;
    std::array<std::byte, kMsixVectors * 16> table_{};
    uint32_t pending_ = 0;
    uint64_t raised_ = 0;
    bool held_ = false;
};

} // namespace kite::dev::pci
