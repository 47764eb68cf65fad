// SPDX-License-Identifier: MIT
// Programs of one address space, loaded and verified once, found again by (address, size, content
// hash).
//
// The image is copied out of GPU memory before it is verified, so later writes to it have no effect
// on a loaded program. Thread-safe: queues of the space share the cache. Bounded: when it is full
// it forgets everything (programs in use live on through their shared_ptr). Failure is a text for
// the fault record.
#pragma once

#include "base/result.hpp"
#include "device/exec/executor.hpp"
#include "device/mem/window.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>

namespace kite::dev::front {

/// The programs of an address space.
class ProgramCache {
public:
    explicit ProgramCache(const mem::Window& window) : window_(window) {}

    /// The program at a GPU address, loading it if it is new.
    [[nodiscard]] base::Result<std::shared_ptr<const exec::Program>>
    get(uint64_t address, uint32_t size_bytes, uint64_t hash);
    /// The hash that the header at a GPU address claims; the key to use when no packet names one.
    [[nodiscard]] base::Result<uint64_t> claimed_hash(uint64_t address, uint32_t size_bytes) const;
    /// Programs loaded since creation.
    [[nodiscard]] uint64_t loaded() const { return loaded_; }

private:
    struct Key {
        uint64_t address, hash;
        uint32_t size;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        size_t operator()(const Key& k) const {
            return static_cast<size_t>((k.address ^ k.hash) * 0x9e3779b97f4a7c15u + k.size);
        }
    };
    [[nodiscard]] base::Result<void> check(uint64_t address, uint32_t size_bytes) const;

    const mem::Window& window_;
    std::mutex mutex_;
    std::unordered_map<Key, std::shared_ptr<const exec::Program>, KeyHash> programs_;
    std::atomic<uint64_t> loaded_{0};
};

} // namespace kite::dev::front
