// SPDX-License-Identifier: MIT
#include "device/pci/bus/msix.hpp"

#include <cstring>

namespace kite::dev::pci {

namespace {

void signal(const base::UniqueFd& eventfd) {
    // A counter that cannot take one more has an interrupt on its way already. The descriptor is
    // the client's: a pipe or a full socket must not block us either, hence no retry.
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(eventfd.get(), &one, sizeof(one));
}

} // namespace

void Msix::read(uint64_t offset, std::span<std::byte> out) {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < out.size(); ++i) {
        const uint64_t at = offset + i;
        out[i] = std::byte{0};
        if (at < table_.size()) {
            out[i] = table_[at];
        } else if (at >= kMsixPbaOffset && at < kMsixPbaOffset + sizeof(pending_)) {
            out[i] = static_cast<std::byte>(pending_ >> (8 * (at - kMsixPbaOffset)));
        }
    }
}

void Msix::write(uint64_t offset, std::span<const std::byte> data) {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < data.size() && offset + i < table_.size(); ++i) {
        table_[offset + i] = data[i];
    }
}

void Msix::set(uint32_t vector, base::UniqueFd eventfd) {
    if (eventfd) {
        const int flags = fcntl(eventfd.get(), F_GETFL);
        if (flags < 0 || fcntl(eventfd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
            return;
        }
    }
    const std::lock_guard lock(mutex_);
    eventfds_[vector] = std::move(eventfd);
    if (eventfds_[vector] && !held_ && (pending_ >> vector & 1u) != 0) {
        pending_ &= ~(1u << vector);
        signal(eventfds_[vector]);
    }
}

void Msix::raise(uint32_t vector) {
    const std::lock_guard lock(mutex_);
    if (vector >= kMsixVectors) {
        return;
    }
    ++raised_;
    if (eventfds_[vector] && !held_) {
        signal(eventfds_[vector]);
    } else {
        pending_ |= 1u << vector;
    }
}

void Msix::hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    for (uint32_t vector = 0; vector < kMsixVectors && !held_; ++vector) {
        if (eventfds_[vector] && (pending_ >> vector & 1u) != 0) {
            pending_ &= ~(1u << vector);
            signal(eventfds_[vector]);
        }
    }
}

uint64_t Msix::raised() {
    const std::lock_guard lock(mutex_);
    return raised_;
}

void Msix::reset(bool keep_eventfds) {
    const std::lock_guard lock(mutex_);
    table_ = {};
    pending_ = 0;
    for (base::UniqueFd& fd : eventfds_) {
        if (!keep_eventfds) {
            fd.reset();
        }
    }
}

} // namespace kite::dev::pci
