// SPDX-License-Identifier: MIT
// VkPipelineCache: compiled binaries by content key, serialisable.
//
// Format: Vulkan's 32-byte header, then records {key, sizes, checksum, facts, binary}. Foreign,
// truncated or corrupt data is dropped record by record; it never fails creation. Binaries are
// verified by the device before they run, so even a forged record is harmless. Ownership: the
// application. Threading: internally locked. Failure: out of host memory.
#pragma once

#include "kite_cc/compiler.hpp"
#include "runtime/device/device.hpp"

#include <array>
#include <map>
#include <span>

namespace kite::rt {

/// 128-bit content key of one compilation.
using CacheKey = std::array<uint64_t, 2>;

/// What a cache stores: the compiler's result without dumps.
struct CachedProgram {
    std::vector<std::byte> binary; ///< header and instructions
    cc::ProgramFacts facts;        ///< facts
    uint64_t hash = 0;             ///< content hash
};

/// VkPipelineCache.
struct PipelineCache : Object<PipelineCache, VkPipelineCache> {
    std::mutex mutex;                                                 ///< guards entries
    std::map<CacheKey, std::shared_ptr<const CachedProgram>> entries; ///< content
    /// Finds an entry; null if absent.
    std::shared_ptr<const CachedProgram> find_entry(const CacheKey& key);
    /// Adds an entry.
    void add(const CacheKey& key, std::shared_ptr<const CachedProgram> program);
    /// Reads serialised data; wrong data is ignored.
    void load(const PhysicalDevice& p, std::span<const std::byte> data);
    /// Writes at most out.size() bytes of whole records; returns bytes written, sets complete.
    size_t store(const PhysicalDevice& p, std::span<std::byte> out, bool* complete);
    /// Bytes store() needs for everything.
    size_t stored_size();
};

} // namespace kite::rt
