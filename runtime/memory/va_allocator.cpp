// SPDX-License-Identifier: MIT
#include "runtime/memory/va_allocator.hpp"

#include <iterator>

namespace kite::rt {
namespace {
constexpr uint64_t kLarge = 2 * 1024 * 1024;
constexpr uint64_t round_up(uint64_t v, uint64_t a) {
    return (v + a - 1) / a * a;
}
} // namespace

VaAllocator::VaAllocator(uint64_t start, uint64_t end) {
    start = round_up(start, kVaGranule);
    end = end / kVaGranule * kVaGranule;
    if (start < end)
        free_.emplace(start, end);
}

std::optional<uint64_t> VaAllocator::allocate(uint64_t size, uint64_t at) {
    std::lock_guard lock(mutex_);
    if (size == 0 || size > (uint64_t{1} << 48))
        return std::nullopt;
    size = round_up(size, kVaGranule);
    uint64_t align = size >= kLarge ? kLarge : kVaGranule;
    for (auto it = free_.begin(); it != free_.end(); ++it) {
        auto [start, end] = *it;
        uint64_t a = at ? at : round_up(start, align);
        if (a < start || a >= end || end - a < size)
            continue;
        free_.erase(it);
        if (start < a)
            free_.emplace(start, a);
        if (a + size < end)
            free_.emplace(a + size, end);
        return a;
    }
    return std::nullopt;
}

void VaAllocator::release(uint64_t address, uint64_t size) {
    std::lock_guard lock(mutex_);
    uint64_t start = address, end = address + round_up(size, kVaGranule);
    auto next = free_.lower_bound(start);
    if (next != free_.end() && next->first == end) {
        end = next->second;
        next = free_.erase(next);
    }
    if (next != free_.begin()) {
        auto prev = std::prev(next);
        if (prev->second == start) {
            start = prev->first;
            free_.erase(prev);
        }
    }
    free_[start] = end;
}

uint64_t VaAllocator::free_bytes() const {
    std::lock_guard lock(mutex_);
    uint64_t n = 0;
    for (auto [s, e] : free_)
        n += e - s;
    return n;
}

} // namespace kite::rt
