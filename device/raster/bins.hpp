// SPDX-License-Identifier: MIT
// Where binned primitives live: a worker's arena and its per-tile lists.
//
// Each worker appends to its own WorkerBins while it sets up batches in growing sequence order; a
// TileCursor later merges the lists of all workers back into API order. Memory is kept between
// flushes up to a bound. No locking: set-up and rasterization are separated by the pool's joins.
#pragma once

#include "device/raster/types.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace kite::dev::raster {

/// Bump allocator whose chunks survive reset (up to kKeep bytes), so that frames do not fault pages
/// in again.
class FrameArena {
public:
    /// Cache-line aligned memory, uninitialized.
    void* allocate(size_t bytes) {
        bytes = (bytes + 63) & ~size_t{63};
        if (bytes > left_) {
            grow(bytes);
        }
        void* at = at_;
        at_ += bytes;
        left_ -= bytes;
        return at;
    }
    /// Forgets everything.
    void reset();
    /// Bytes in chunks in use.
    [[nodiscard]] size_t used_bytes() const { return used_; }

private:
    static constexpr size_t kChunk = 1u << 20;
    static constexpr size_t kKeep = 64u << 20;
    struct Free {
        void operator()(std::byte* p) const;
    };
    struct Chunk {
        std::unique_ptr<std::byte, Free> data;
        size_t size;
    };
    void grow(size_t bytes);

    std::vector<Chunk> chunks_;
    size_t next_ = 0; // first chunk not in use
    std::byte* at_ = nullptr;
    size_t left_ = 0;
    size_t used_ = 0;
};

/// A run of a tile's list. Sequences are kept beside the pointers: merging lists must not wait for
/// the primitives themselves, which nobody has touched since set-up.
struct BinChunk {
    static constexpr uint32_t kEntries = 14;
    BinChunk* next;
    uint32_t count;
    uint32_t sequences[kEntries];
    const BinnedPrim* prims[kEntries];
};

/// One worker's primitives and lists.
class WorkerBins {
public:
    /// Empties all lists; there will be `bins` of them.
    void reset(size_t bins);
    /// Appends to a list.
    void push(size_t bin, const BinnedPrim* prim) {
        List& list = lists_[bin];
        BinChunk* tail = list.tail;
        if (tail == nullptr || tail->count == BinChunk::kEntries) {
            tail = append(bin);
        }
        tail->sequences[tail->count] = prim->sequence;
        tail->prims[tail->count++] = prim;
    }
    /// First chunk of a list or nullptr.
    [[nodiscard]] const BinChunk* head(size_t bin) const { return lists_[bin].head; }
    /// Bins that have entries.
    [[nodiscard]] const std::vector<uint32_t>& touched() const { return touched_; }

    FrameArena arena; ///< primitives, varyings, chunks

private:
    struct List {
        BinChunk* head;
        BinChunk* tail;
    };
    BinChunk* append(size_t bin);
    std::vector<List> lists_;
    std::vector<uint32_t> touched_;
};

/// Walks one bin over all workers in API order, fetching primitives into the cache a few ahead.
class TileCursor {
public:
    static constexpr size_t kMaxWorkers = 1024;
    /// Starts at the bin's beginning. At most kMaxWorkers workers.
    TileCursor(std::span<WorkerBins* const> workers, size_t bin);
    /// The next primitive or nullptr.
    const BinnedPrim* next();

private:
    struct Source {
        const BinChunk* chunk;
        uint32_t at;
    };
    void choose();

    Source sources_[kMaxWorkers];
    size_t count_ = 0;
    size_t current_ = 0;
    uint32_t sequence_ = 0;
};

} // namespace kite::dev::raster
