// SPDX-License-Identifier: MIT
#include "device/pci/gpu/trace.hpp"

#include "device/front/processor.hpp"

#include <cerrno>

namespace kite::dev::pci {

base::Result<Trace> Trace::open(const std::string& path) {
    Trace trace;
    trace.fd_.reset(path == "-"
                        ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                        : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!trace.fd_) {
        return base::fail(base::ErrorCode::io, "cannot open the trace {}: {}", path,
                          base::errno_text(errno));
    }
    return trace;
}

void Trace::write(const std::string& text) const {
    const uint64_t now = front::now_ns();
    const std::string whole =
        fmt::format("{}.{:06} {}\n", now / 1000000000, now / 1000 % 1000000, text);
    [[maybe_unused]] const ssize_t n = ::write(fd_.get(), whole.data(), whole.size());
}

} // namespace kite::dev::pci
