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

base::Result<std::unique_ptr<Window>> Window::create(unsigned bits, Holes holes) {
    const int access = holes == Holes::zero ? kAccess : PROT_NONE;
    for (; bits >= kSmallestBits; --bits) {
        const uint64_t size = uint64_t{1} << bits;
        void* p = mmap(nullptr, size + kGuard, access, kHoleFlags, -1, 0);
        if (p != MAP_FAILED) {
            auto* bytes = static_cast<std::byte*>(p);
            advise_hole(bytes, size + kGuard);
            return std::unique_ptr<Window>(new Window(bytes, size, holes));
        }
    }
    return base::fail(base::ErrorCode::out_of_host_memory,
                      "cannot reserve a window of GPU addresses: {}", base::errno_text(errno));
}

Window::~Window() {
    munmap(base_, span_bytes());
}

bool Window::valid_range(uint64_t va, uint64_t size) const {
    return size != 0 && va % kPage == 0 && size % kPage == 0 && contains(va, size);
}

void Window::forget(Ranges& ranges, uint64_t va, uint64_t size) {
    const uint64_t end = va + size;
    auto it = ranges.upper_bound(va);
    if (it != ranges.begin()) {
        --it;
    }
    while (it != ranges.end() && it->first < end) {
        const uint64_t old_start = it->first, old_end = it->second;
        if (old_end <= va) {
            ++it;
            continue;
        }
        it = ranges.erase(it);
        if (old_start < va) {
            ranges.emplace(old_start, va);
        }
        if (old_end > end) {
            it = ranges.emplace(end, old_end).first;
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
    const bool copy = read_only && holes_ == Holes::zero;
    const int share = copy ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
    const int access = read_only && !copy ? PROT_READ : kAccess;
    if (mmap(base_ + va, size, access, share | MAP_FIXED, fd, static_cast<off_t>(offset)) ==
        MAP_FAILED) {
        return -errno;
    }
    forget(zero_, va, size);
    forget(mapped_, va, size);
    mapped_.emplace(va, va + size);
    return 0;
}

int Window::make_hole(uint64_t va, uint64_t size, int protection) {
    if (mmap(base_ + va, size, protection, kHoleFlags | MAP_FIXED, -1, 0) == MAP_FAILED) {
        return -errno;
    }
    advise_hole(base_ + va, size);
    forget(zero_, va, size);
    forget(mapped_, va, size);
    return 0;
}

int Window::unmap(uint64_t va, uint64_t size) {
    if (!valid_range(va, size)) {
        return -EINVAL;
    }
    const std::lock_guard lock(mutex_);
    return make_hole(va, size, holes_ == Holes::zero ? kAccess : PROT_NONE);
}

int Window::map_zero(uint64_t va, uint64_t size) {
    if (!valid_range(va, size)) {
        return -EINVAL;
    }
    const std::lock_guard lock(mutex_);
    const int result = make_hole(va, size, kAccess);
    if (result == 0 && holes_ == Holes::fault) {
        zero_.emplace(va, va + size);
    }
    return result;
}

bool Window::drown() noexcept {
    drowned_.store(true, std::memory_order_release);
    return mmap(base_, span_bytes(), kAccess, kHoleFlags | MAP_FIXED, -1, 0) != MAP_FAILED;
}

uint64_t Window::span_bytes() const {
    return mask_ + 1 + kGuard;
}

void Window::discard_strays() {
    const std::lock_guard lock(mutex_);
    if (drowned_.load(std::memory_order_acquire)) {
        madvise(base_, span_bytes(), MADV_DONTNEED);
        return;
    }
    if (holes_ == Holes::fault) {
        for (const auto& [start, end] : zero_) {
            madvise(base_ + start, end - start, MADV_DONTNEED);
        }
        return;
    }
    const uint64_t end = span_bytes();
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
    return mapped_.size() + zero_.size();
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
