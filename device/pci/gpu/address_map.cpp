// SPDX-License-Identifier: MIT
#include "device/pci/gpu/address_map.hpp"

#include "base/log.hpp"
#include "base/result.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace kite::dev::pci {

size_t MappingBudget::system_limit() {
    size_t all = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> all;
    // A range in the middle of another costs two more; a quarter stays for the process.
    return std::max<size_t>(all / 8 * 3, 1024);
}

AddressMap::AddressMap(mem::Window& window, const Vram& vram, const GuestMemory& guest,
                       const std::atomic<bool>& bus, MappingBudget& budget)
    : window_(window), vram_(vram), guest_(guest), bus_(bus), budget_(budget) {}

AddressMap::~AddressMap() {
    budget_.used -= counted_;
}

// Brings the budget up to date; ENOMEM if it is overdrawn.
int AddressMap::settle() {
    const size_t now = window_.mapped_ranges();
    const size_t used = budget_.used += now - counted_; // modulo 2^64
    counted_ = now;
    return used > budget_.limit ? -ENOMEM : 0;
}

int AddressMap::map_system(const Run& run) {
    for (uint64_t done = 0; done < run.size;) {
        uint64_t step = 4096;
        int error = 0;
        bool mapped = false;
        if (bus_.load(std::memory_order_acquire)) {
            guest_.with_place(run.address + done, [&](const GuestMemory::Place& place) {
                step = std::min(run.size - done, place.size);
                mapped = true;
                error = window_.map(run.va + done, step, place.fd, place.offset,
                                    run.read_only || !place.writable);
            });
        }
        if (!mapped) {
            error = window_.unmap(run.va + done, step);
        }
        if (error == 0) {
            error = settle();
        }
        if (error != 0) {
            return error;
        }
        done += step;
    }
    return 0;
}

int AddressMap::map(const Run& run) {
    switch (run.memory) {
    case Run::Memory::vram:
        return window_.map(run.va, run.size, vram_.fd(), run.address, run.read_only);
    case Run::Memory::zero:
        return window_.map_zero(run.va, run.size);
    case Run::Memory::system:
        return map_system(run);
    }
    return -EINVAL;
}

bool AddressMap::shows(const Run& run) const {
    const auto next = runs_.upper_bound(run.va);
    if (next == runs_.begin() || run.memory == Run::Memory::system) {
        return false;
    }
    const Run& old = std::prev(next)->second;
    return old.va + old.size >= run.va + run.size && old.continues(run);
}

bool AddressMap::overlaps(uint64_t from, uint64_t to) const {
    const auto next = runs_.lower_bound(to);
    if (next == runs_.begin()) {
        return false;
    }
    const Run& old = std::prev(next)->second;
    return old.va + old.size > from;
}

void AddressMap::forget(uint64_t from, uint64_t to) {
    auto it = runs_.upper_bound(from);
    if (it != runs_.begin()) {
        --it;
    }
    while (it != runs_.end() && it->first < to) {
        const Run old = it->second;
        const uint64_t end = old.va + old.size;
        if (end <= from) {
            ++it;
            continue;
        }
        it = runs_.erase(it);
        if (old.va < from) {
            Run left = old;
            left.size = from - old.va;
            runs_.emplace(left.va, left);
        }
        if (end > to) {
            Run right = old;
            right.va = to;
            right.size = end - to;
            right.address += old.memory == Run::Memory::zero ? 0 : to - old.va;
            it = runs_.emplace(to, right).first;
        }
    }
}

std::optional<std::string> AddressMap::apply(uint64_t from, uint64_t to,
                                             const std::vector<Run>& runs) {
    const std::lock_guard lock(mutex_);
    uint64_t at = from;
    int error = 0;
    for (const Run& run : runs) {
        if (at < run.va && overlaps(at, run.va)) {
            error = window_.unmap(at, run.va - at);
        }
        if (error == 0 && !shows(run)) {
            error = map(run);
        }
        if (error == 0) {
            error = settle();
        }
        if (error != 0) {
            break;
        }
        at = run.va + run.size;
    }
    if (error == 0 && at < to && overlaps(at, to)) {
        error = window_.unmap(at, to - at);
    }
    forget(from, to);
    if (error == 0) {
        for (const Run& run : runs) {
            runs_.emplace(run.va, run);
        }
        error = settle();
    }
    if (error != 0) {
        return "no host mapping for the page tables: " + base::errno_text(-error);
    }
    return std::nullopt;
}

uint64_t AddressMap::system_bytes(uint64_t va, uint64_t size) {
    const std::lock_guard lock(mutex_);
    auto it = runs_.upper_bound(va);
    if (it != runs_.begin()) {
        --it;
    }
    uint64_t bytes = 0;
    for (; it != runs_.end() && it->first < va + size; ++it) {
        const Run& run = it->second;
        const uint64_t from = std::max(run.va, va), to = std::min(run.va + run.size, va + size);
        bytes += run.memory == Run::Memory::system && from < to ? to - from : 0;
    }
    return bytes;
}

void AddressMap::refresh(uint64_t address, uint64_t size) {
    const std::lock_guard lock(mutex_);
    for (const auto& [va, run] : runs_) {
        const bool touched = run.memory == Run::Memory::system && run.address - address < size;
        const bool reaches = run.memory == Run::Memory::system && address - run.address < run.size;
        if ((touched || reaches) && map_system(run) != 0) {
            KITE_LOG(error, "GPU addresses from {:#x} lost their guest memory", va);
            (void)window_.unmap(run.va, run.size);
        }
    }
}

} // namespace kite::dev::pci
