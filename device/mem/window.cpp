// SPDX-License-Identifier: MIT
#include "device/mem/window.hpp"

#include "base/log.hpp"
#include "base/mapping.hpp"
#include "kite_hw/limits.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kite::dev::mem {

namespace {

constexpr uint64_t kPage = hw::limits::kPageBytes;
constexpr uint64_t kGuard = uint64_t{4} << 30;
constexpr unsigned kSmallestBits = 32;
constexpr unsigned kHolesPerDiscard = 256;

constexpr int kHoleFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
constexpr int kAccess = PROT_READ | PROT_WRITE;

// Holes: no huge pages (one stray byte would cost 2 MiB) and not in core dumps.
void advise_hole(std::byte* p, uint64_t size) {
    madvise(p, size, MADV_NOHUGEPAGE);
    madvise(p, size, MADV_DONTDUMP);
}

} // namespace

base::Result<std::unique_ptr<Window>> Window::create(unsigned bits) {
    for (; bits >= kSmallestBits; --bits) {
        const uint64_t size = uint64_t{1} << bits;
        void* p = mmap(nullptr, size + kGuard, kAccess, kHoleFlags, -1, 0);
        if (p != MAP_FAILED) {
            auto* bytes = static_cast<std::byte*>(p);
            advise_hole(bytes, size + kGuard);
            return std::unique_ptr<Window>(new Window(bytes, size));
        }
    }
    return base::fail(base::ErrorCode::out_of_host_memory,
                      "cannot reserve a window of GPU addresses: {}", base::errno_text(errno));
}

Window::~Window() {
    munmap(base_, mask_ + 1 + kGuard);
}

bool Window::valid_range(uint64_t va, uint64_t size) const {
    return size != 0 && va % kPage == 0 && size % kPage == 0 && contains(va, size);
}

void Window::forget(uint64_t va, uint64_t size) {
    const uint64_t end = va + size;
    auto it = mapped_.upper_bound(va);
    if (it != mapped_.begin()) {
        --it;
    }
    while (it != mapped_.end() && it->first < end) {
        const uint64_t old_start = it->first, old_end = it->second;
        if (old_end <= va) {
            ++it;
            continue;
        }
        it = mapped_.erase(it);
        if (old_start < va) {
            mapped_.emplace(old_start, va);
        }
        if (old_end > end) {
            it = mapped_.emplace(end, old_end).first;
        }
    }
}

int Window::map(uint64_t va, uint64_t size, int fd, uint64_t offset, bool read_only) {
    if (!valid_range(va, size) || offset % kPage != 0 || offset + size < offset) {
        return -EINVAL;
    }
    struct stat status{};
    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    if (S_ISREG(status.st_mode) && offset + size > static_cast<uint64_t>(status.st_size)) {
        return -EINVAL;
    }
    const std::lock_guard lock(mutex_);
    const int share = read_only ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
    if (mmap(base_ + va, size, kAccess, share | MAP_FIXED, fd, static_cast<off_t>(offset)) ==
        MAP_FAILED) {
        return -errno;
    }
    forget(va, size);
    mapped_.emplace(va, va + size);
    return 0;
}

int Window::unmap(uint64_t va, uint64_t size) {
    if (!valid_range(va, size)) {
        return -EINVAL;
    }
    const std::lock_guard lock(mutex_);
    if (mmap(base_ + va, size, kAccess, kHoleFlags | MAP_FIXED, -1, 0) == MAP_FAILED) {
        return -errno;
    }
    advise_hole(base_ + va, size);
    forget(va, size);
    return 0;
}

void Window::discard_strays() {
    const std::lock_guard lock(mutex_);
    const uint64_t end = mask_ + 1 + kGuard;
    uint64_t at = cursor_;
    for (unsigned i = 0; i < kHolesPerDiscard && at < end; ++i) {
        // Step over the mapping that holds `at`, then clear up to the next one.
        auto next = mapped_.upper_bound(at);
        if (next != mapped_.begin() && std::prev(next)->second > at) {
            at = std::prev(next)->second;
            continue;
        }
        const uint64_t stop = next == mapped_.end() ? end : next->first;
        madvise(base_ + at, stop - at, MADV_DONTNEED);
        at = stop;
    }
    cursor_ = at < end ? at : 0;
}

size_t Window::mapped_ranges() {
    const std::lock_guard lock(mutex_);
    return mapped_.size();
}

base::Result<int> create_vram(uint64_t size_bytes) {
    return base::create_memfd("kite-vram", size_bytes);
}

uint64_t default_vram_bytes() {
    const auto pages = static_cast<uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 1L));
    const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    constexpr uint64_t kAlign = uint64_t{2} << 20;
    return std::max((pages * page / 4 * 3) & ~(kAlign - 1), kAlign * 32);
}

} // namespace kite::dev::mem
