// SPDX-License-Identifier: MIT
#include "device/pci/gpu/page_walker.hpp"

#include "kite_hw/registers.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace kite::dev::pci {

namespace {

constexpr uint64_t kPage = 4096;
constexpr unsigned kEntries = 512; // of page and leaf tables
// Bytes that an entry of each level covers: directory, page table, leaf table.
constexpr std::array<uint64_t, 3> kCovers = {uint64_t{1} << 30, uint64_t{1} << 21, kPage};

class Walker {
public:
    Walker(const Vram& vram, uint64_t from, uint64_t to, size_t max_runs,
           const std::atomic<uint32_t>& stop)
        : vram_(vram), from_(from), to_(to), max_runs_(max_runs), stop_(stop) {}

    // False: the walk is over.
    bool table(unsigned level, uint64_t at, uint64_t va, unsigned entries);
    Walk result;

private:
    bool fail(unsigned level, uint64_t va, const char* why);
    bool entry(unsigned level, uint64_t va, const uint32_t* words);
    bool add(const Run& run);

    const Vram& vram_;
    const uint64_t from_, to_;
    const size_t max_runs_;
    const std::atomic<uint32_t>& stop_;
};

bool Walker::fail(unsigned level, uint64_t va, const char* why) {
    constexpr std::array<const char*, 3> kNames = {"directory", "page table", "leaf table"};
    result.fault = fmt::format("{} entry for {:#x}: {}", kNames[level], va, why);
    return false;
}

bool Walker::add(const Run& run) {
    // Only what the caller asked for.
    Run part = run;
    const uint64_t cut = part.va < from_ ? from_ - part.va : 0;
    part.va += cut;
    part.address += part.memory == Run::Memory::zero ? 0 : cut;
    part.size = std::min(part.size - cut, to_ - part.va);
    if (!result.runs.empty()) {
        Run& last = result.runs.back();
        if (last.va + last.size == part.va && last.continues(part)) {
            last.size += part.size;
            return true;
        }
    }
    if (result.runs.size() >= max_runs_) {
        result.fault = "more mappings than the device has";
        return false;
    }
    result.runs.push_back(part);
    return true;
}

bool Walker::entry(unsigned level, uint64_t va, const uint32_t* words) {
    const auto e = hw::PageTableEntry::unpack(words);
    if (!e.valid) {
        return true;
    }
    if (!hw::PageTableEntry::reserved_zero(words)) {
        return fail(level, va, "reserved bits are set");
    }
    const uint64_t address = uint64_t{e.address_low} << 12 | uint64_t{e.address_high} << 32;
    if (!e.leaf) {
        if (level == 2) {
            return fail(level, va, "not a leaf");
        }
        if (e.system || e.zero || e.read_only) {
            return fail(level, va, "a table has leaf bits");
        }
        if (!vram_.contains(address, kPage)) {
            return fail(level, va, "the table lies outside VRAM");
        }
        return table(level + 1, address, va, kEntries);
    }
    if (level == 0) {
        return fail(level, va, "a leaf in the directory");
    }
    const uint64_t size = kCovers[level];
    if (e.zero) {
        if (e.system || address != 0) {
            return fail(level, va, "a hole has an address");
        }
        return add({.va = va, .size = size, .address = 0, .memory = Run::Memory::zero});
    }
    if (address % size != 0) {
        return fail(level, va, "the page is misaligned");
    }
    if (!e.system && !vram_.contains(address, size)) {
        return fail(level, va, "the page lies outside VRAM");
    }
    if (e.system && address > UINT64_MAX - size) {
        return fail(level, va, "the bus address wraps");
    }
    return add({.va = va,
                .size = size,
                .address = address,
                .memory = e.system ? Run::Memory::system : Run::Memory::vram,
                .read_only = e.read_only});
}

bool Walker::table(unsigned level, uint64_t at, uint64_t va, unsigned entries) {
    const uint64_t covers = kCovers[level];
    const uint64_t first = from_ > va ? (from_ - va) / covers : 0;
    const uint64_t end = std::min<uint64_t>(entries, (to_ - va + covers - 1) / covers);
    std::array<uint64_t, kDirectoryBytes / 8> copy; // NOLINT: filled below
    for (uint64_t i = first; i < end; ++i) {
        copy[i] = vram_.load<uint64_t>(at + i * 8);
    }
    for (uint64_t i = first; i < end; ++i) {
        const std::array<uint32_t, 2> words = {static_cast<uint32_t>(copy[i]),
                                               static_cast<uint32_t>(copy[i] >> 32)};
        if (!entry(level, va + i * covers, words.data())) {
            return false;
        }
    }
    return stop_.load(std::memory_order_relaxed) == 0;
}

} // namespace

Walk walk_page_tables(const Vram& vram, uint64_t directory, uint64_t from, uint64_t to,
                      size_t max_runs, const std::atomic<uint32_t>& stop) {
    Walker walker(vram, from, to, max_runs, stop);
    (void)walker.table(0, directory, 0, static_cast<unsigned>(kDirectoryBytes / 8));
    return std::move(walker.result);
}

} // namespace kite::dev::pci
