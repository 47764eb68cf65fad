// SPDX-License-Identifier: MIT
#include "runtime/kmd/embedded/vram.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>

namespace kite::rt::kmd::embedded {

Result<std::shared_ptr<Vram>> Vram::open(int fd, uint64_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (p == MAP_FAILED)
        return base::fail(base::ErrorCode::out_of_host_memory, "cannot map {} bytes of VRAM: {}",
                          bytes, base::errno_text(errno));
    return std::make_shared<Vram>(fd, bytes, p);
}

Vram::Vram(int fd, uint64_t bytes, void* host)
    : fd_(fd), bytes_(bytes), host_(host), ranges_(kVaGranule, kVaGranule + bytes) {}

Vram::~Vram() {
    munmap(host_, bytes_);
}

Result<uint64_t> Vram::allocate(uint64_t size) {
    auto at = ranges_.allocate(size);
    if (!at)
        return base::fail(base::ErrorCode::out_of_device_memory, "VRAM exhausted: {} bytes asked",
                          size);
    return *at - kVaGranule;
}

void Vram::release(uint64_t offset, uint64_t size) {
    if (fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(size)) != 0)
        __builtin_memset(host(offset), 0, size);
    ranges_.release(offset + kVaGranule, size);
}

} // namespace kite::rt::kmd::embedded
