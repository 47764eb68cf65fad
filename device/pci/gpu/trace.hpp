// SPDX-License-Identifier: MIT
// A text trace of what passes between driver and device: register accesses, ring entries,
// interrupts, faults, resets. One line each, with the device clock.
//
// Owned by the Gpu; on() is cheap when there is no trace. line() may be called by any thread; lines
// do not mix. A trace that cannot be written ends silently.
//
// Example: if (trace.on()) { trace.line("ring {} doorbell {}", ring, value); }
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <string>

namespace kite::dev::pci {

/// Where the trace goes.
class Trace {
public:
    /// No trace.
    Trace() = default;
    /// To a file (overwritten), or to standard output for "-".
    [[nodiscard]] static base::Result<Trace> open(const std::string& path);

    /// True if lines are written.
    [[nodiscard]] bool on() const { return static_cast<bool>(fd_); }
    /// Writes one line.
    template <class... Args>
    void line(fmt::format_string<Args...> text, Args&&... args) const {
        write(fmt::vformat(text, fmt::make_format_args(args...)));
    }

private:
    void write(const std::string& text) const;
    base::UniqueFd fd_;
};

} // namespace kite::dev::pci
