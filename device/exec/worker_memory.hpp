// SPDX-License-Identifier: MIT
// What one worker thread keeps between waves: shared and scratch memory, interpreter waves, fiber
// stacks.
//
// Owned by WorkerMemory, used by one thread at a time. Buffers only grow; growing may throw
// bad_alloc, which ends the process as any exhausted allocation does.
#pragma once

#include "device/exec/interp/interp.hpp"

#include <deque>
#include <memory>

namespace kite::dev::exec {

class FiberPool;

/// Bytes, aligned to a cache line, with slack for vector accesses behind the end.
class Buffer {
public:
    /// At least `bytes` bytes, all zero.
    std::byte* zeroed(size_t bytes);
    /// At least `bytes` bytes, zero when first asked for, then as they were left.
    std::byte* kept(size_t bytes) { return size_ >= bytes ? data_.get() : zeroed(bytes); }

private:
    struct Free {
        void operator()(std::byte* p) const;
    };
    std::unique_ptr<std::byte, Free> data_;
    size_t size_ = 0;
};

/// See WorkerMemory.
struct WorkerMemory::Impl {
    Impl();
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    Buffer scratch;                    ///< private memory of all waves that run at once
    Buffer shared;                     ///< workgroup memory
    Buffer textures;                   ///< the JIT's remembered descriptors
    std::deque<interp::Wave> waves;    ///< interpreter waves, reused
    std::unique_ptr<FiberPool> fibers; ///< stacks of waves that wait at barriers

    /// The i-th interpreter wave.
    interp::Wave& wave(size_t i) {
        while (waves.size() <= i) {
            waves.emplace_back();
        }
        return waves[i];
    }
};

/// Bytes of scratch one wave needs.
inline size_t scratch_bytes(const ProgramInfo& info, unsigned width) {
    return static_cast<size_t>(info.scratch_bytes) * width;
}

/// Waves of a workgroup.
inline uint32_t wave_count(const ProgramInfo& info, unsigned width) {
    const uint32_t threads = info.workgroup[0] * info.workgroup[1] * info.workgroup[2];
    return (threads + width - 1) / width;
}

/// Active lanes of wave i of a workgroup.
inline uint32_t wave_lanes(const ProgramInfo& info, unsigned width, uint32_t i) {
    const uint32_t threads = info.workgroup[0] * info.workgroup[1] * info.workgroup[2];
    const uint32_t left = threads - i * width;
    return left >= width ? (1u << width) - 1u : (1u << left) - 1u;
}

} // namespace kite::dev::exec
