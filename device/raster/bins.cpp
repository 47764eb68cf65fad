// SPDX-License-Identifier: MIT
#include "device/raster/bins.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace kite::dev::raster {

void FrameArena::Free::operator()(std::byte* p) const {
    std::free(p);
}

void FrameArena::grow(size_t bytes) {
    while (next_ < chunks_.size() && chunks_[next_].size < bytes) {
        ++next_;
    }
    if (next_ == chunks_.size()) {
        const size_t size = std::max(bytes, kChunk);
        auto* data = static_cast<std::byte*>(std::aligned_alloc(64, size));
        if (data == nullptr) {
            throw std::bad_alloc();
        }
        chunks_.push_back({std::unique_ptr<std::byte, Free>(data), size});
    }
    at_ = chunks_[next_].data.get();
    left_ = chunks_[next_].size;
    used_ += left_;
    ++next_;
}

void FrameArena::reset() {
    size_t kept = 0;
    size_t keep = 0;
    while (keep < chunks_.size() && kept + chunks_[keep].size <= kKeep) {
        kept += chunks_[keep++].size;
    }
    chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(keep), chunks_.end());
    next_ = 0;
    at_ = nullptr;
    left_ = 0;
    used_ = 0;
}

void WorkerBins::reset(size_t bins) {
    if (lists_.size() == bins) {
        for (const uint32_t bin : touched_) {
            lists_[bin] = {nullptr, nullptr};
        }
    } else {
        lists_.assign(bins, {nullptr, nullptr});
    }
    touched_.clear();
    arena.reset();
}

BinChunk* WorkerBins::append(size_t bin) {
    auto* chunk = static_cast<BinChunk*>(arena.allocate(sizeof(BinChunk)));
    chunk->next = nullptr;
    chunk->count = 0;
    List& list = lists_[bin];
    if (list.tail == nullptr) {
        list.head = chunk;
        touched_.push_back(static_cast<uint32_t>(bin));
    } else {
        list.tail->next = chunk;
    }
    list.tail = chunk;
    return chunk;
}

namespace {

constexpr uint32_t kAhead = 4; // primitives on their way to the cache

// All of it: drawing a small primitive touches nearly every line, walking a list all of a chunk's.
template <class T>
void prefetch(const T* object) {
    const auto* line = reinterpret_cast<const std::byte*>(object);
    for (size_t at = 0; at < sizeof(T); at += 64) {
        __builtin_prefetch(line + at);
    }
}

// The primitives of a chunk that `next` has no chance to ask for early enough.
void prefetch_chunk(const BinChunk* chunk) {
    if (chunk == nullptr) {
        return;
    }
    prefetch(chunk->next);
    for (uint32_t i = 0; i < std::min(kAhead, chunk->count); ++i) {
        prefetch(chunk->prims[i]);
    }
}

} // namespace

TileCursor::TileCursor(std::span<WorkerBins* const> workers, size_t bin) {
    for (const WorkerBins* worker : workers) {
        if (const BinChunk* chunk = worker->head(bin); chunk != nullptr && count_ < kMaxWorkers) {
            sources_[count_++] = {chunk, 0};
            prefetch_chunk(chunk);
        }
    }
    choose();
}

void TileCursor::choose() {
    current_ = count_;
    for (size_t i = 0; i < count_; ++i) {
        const Source& s = sources_[i];
        if (s.chunk == nullptr) {
            continue;
        }
        const uint32_t sequence = s.chunk->sequences[s.at];
        if (current_ == count_ || sequence < sequence_) {
            current_ = i;
            sequence_ = sequence;
        }
    }
}

const BinnedPrim* TileCursor::next() {
    if (current_ == count_) {
        return nullptr;
    }
    Source& s = sources_[current_];
    const BinnedPrim* prim = s.chunk->prims[s.at];
    if (++s.at == s.chunk->count) {
        s.chunk = s.chunk->next;
        s.at = 0;
        prefetch_chunk(s.chunk);
    } else if (s.at + kAhead <= s.chunk->count) {
        prefetch(s.chunk->prims[s.at + kAhead - 1]);
    }
    if (count_ > 1 && (s.chunk == nullptr || s.chunk->sequences[s.at] != sequence_)) {
        choose();
    } else if (s.chunk == nullptr) {
        current_ = count_;
    }
    return prim;
}

} // namespace kite::dev::raster
