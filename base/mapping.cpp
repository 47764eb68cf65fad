// SPDX-License-Identifier: MIT
#include "base/mapping.hpp"

#include <cerrno>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace kite::base {

Result<Mapping> Mapping::map(size_t size, int protection, int flags, int fd, uint64_t offset) {
    void* data = ::mmap(nullptr, size, protection, flags, fd, static_cast<off_t>(offset));
    if (data == MAP_FAILED) {
        const int error = errno;
        return fail(error == ENOMEM ? ErrorCode::out_of_host_memory : ErrorCode::io,
                    "cannot map {} bytes: {}", size, errno_text(error));
    }
    return Mapping(data, size);
}

Result<Mapping> Mapping::anonymous(size_t size_bytes) {
    return map(size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

Result<Mapping> Mapping::reserve(size_t size_bytes) {
    return map(size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

Result<Mapping> Mapping::file(int fd, size_t size_bytes, uint64_t offset, Access access) {
    const int protection = access == Access::none   ? PROT_NONE
                           : access == Access::read ? PROT_READ
                                                    : PROT_READ | PROT_WRITE;
    return map(size_bytes, protection, MAP_SHARED, fd, offset);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    if (this != &other) {
        reset();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

void Mapping::reset() {
    if (data_ != nullptr) {
        ::munmap(data_, size_);
    }
    data_ = nullptr;
    size_ = 0;
}

Result<int> create_memfd(const char* name, uint64_t size_bytes) {
    const int fd = ::memfd_create(name, MFD_CLOEXEC);
    if (fd < 0) {
        return fail(ErrorCode::io, "cannot create memory file {}: {}", name, errno_text(errno));
    }
    if (::ftruncate(fd, static_cast<off_t>(size_bytes)) != 0) {
        const int error = errno;
        ::close(fd);
        return fail(ErrorCode::out_of_host_memory, "cannot size memory file {} to {} bytes: {}",
                    name, size_bytes, errno_text(error));
    }
    return fd;
}

} // namespace kite::base
