// SPDX-License-Identifier: MIT
// Owner of a file descriptor: closes it when destroyed. Move-only; one thread at a time.
//
// Example: UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC)); if (!fd) { return fail(...); }
#pragma once

#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace kite::base {

/// A file descriptor or none.
class UniqueFd {
public:
    UniqueFd() = default;
    /// Take ownership; negative means none.
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    /// The descriptor, -1 if none; ownership stays.
    int get() const { return fd_; }
    /// True if there is one.
    explicit operator bool() const { return fd_ >= 0; }
    /// Give up ownership.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    /// Close and take another.
    void reset(int fd = -1) {
        const int old = std::exchange(fd_, fd);
        if (old >= 0 && old != fd) {
            ::close(old);
        }
    }
    /// A second descriptor of the same file, close-on-exec; empty on failure (errno is set).
    [[nodiscard]] UniqueFd duplicate() const { return UniqueFd(::fcntl(fd_, F_DUPFD_CLOEXEC, 0)); }

private:
    int fd_ = -1;
};

} // namespace kite::base
