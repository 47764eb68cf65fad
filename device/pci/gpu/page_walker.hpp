// SPDX-License-Identifier: MIT
// Reads a context's page tables from VRAM and turns them into runs of contiguous memory.
//
// Stateless: a walk copies each table once and judges the copy, so a guest that rewrites tables
// meanwhile gets either mapping, never a mix that was not checked. Depth is fixed, so tables that
// point at each other cannot make it loop; `stop` ends a long walk. A malformed entry (reserved
// bits, a table or page outside VRAM, misalignment) ends it with a text that names the entry.
// Thread-safe.
#pragma once

#include "base/function_ref.hpp"
#include "device/pci/gpu/vram.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace kite::dev::pci {

/// Contiguous GPU addresses that show contiguous memory.
struct Run {
    /// What kind of memory.
    enum class Memory : uint8_t { vram, system, zero };
    uint64_t va = 0;      ///< first address, page-aligned
    uint64_t size = 0;    ///< bytes
    uint64_t address = 0; ///< VRAM offset or bus address; 0 for zero
    Memory memory = Memory::vram;
    bool read_only = false; ///< GPU writes fault
    bool operator==(const Run&) const = default;

    /// True if the same memory shows at `va` (inside this run) as in the run `other` begins.
    [[nodiscard]] bool continues(const Run& other) const {
        return memory == other.memory && read_only == other.read_only && other.va >= va &&
               other.va <= va + size &&
               (memory == Memory::zero || other.address - address == other.va - va);
    }
};

/// What a walk found.
struct Walk {
    std::vector<Run> runs;            ///< in order of address, neighbours merged
    std::optional<std::string> fault; ///< a malformed entry, or too many runs
};

inline constexpr uint64_t kDirectoryBytes = 8192;       ///< of a page directory
inline constexpr uint64_t kVaBytes = uint64_t{1} << 40; ///< GPU addresses

/// Walks [from, to), both page-aligned and at most kVaBytes, below the directory at a VRAM offset
/// (page-aligned, inside). At most `max_runs` runs.
[[nodiscard]] Walk walk_page_tables(const Vram& vram, uint64_t directory, uint64_t from,
                                    uint64_t to, size_t max_runs,
                                    const std::atomic<uint32_t>& stop);

} // namespace kite::dev::pci
