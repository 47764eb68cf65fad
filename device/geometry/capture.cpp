// SPDX-License-Identifier: MIT
#include "device/geometry/capture.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace kite::dev::geometry {

namespace {

constexpr size_t kKeptWords = size_t{1} << 18; // larger batches give their memory back

} // namespace

std::unique_ptr<Capture> Capture::make(const DrawState& state, uint32_t vertices,
                                       std::vector<uint8_t>& slots) {
    auto capture = std::make_unique<Capture>();
    Capture& c = *capture;
    c.vertices_ = vertices;
    c.target_ = state.capture_target;
    c.generated_ = state.primitives_generated;
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
        c.streams_ |= c.generated_[stream] != nullptr ? 1u << stream : 0u;
    }
    if (c.target_ != nullptr) {
        c.counters_ = state.stream_counters;
        for (uint32_t stream = 0; stream < kStreams; ++stream) {
            c.streams_ |= c.counters_[stream] != nullptr ? 1u << stream : 0u;
        }
        if (const CaptureLayout* layout = state.capture_layout.get(); layout != nullptr) {
            c.strides_ = layout->strides;
            for (const hw::CapturedWord& w : layout->words) {
                const auto slot = static_cast<uint8_t>(w.slot);
                auto at = std::find(slots.begin(), slots.end(), slot);
                if (at == slots.end()) {
                    at = slots.insert(slots.end(), slot);
                }
                c.words_[w.stream].push_back({static_cast<uint8_t>(at - slots.begin()),
                                              static_cast<uint8_t>(w.buffer),
                                              static_cast<uint16_t>(w.offset)});
                c.buffers_[w.stream] |= 1u << w.buffer;
                c.extents_[w.buffer] = std::max(c.extents_[w.buffer], w.offset + 4);
                c.streams_ |= 1u << w.stream;
            }
        }
    }
    return c.streams_ != 0 ? std::move(capture) : nullptr;
}

/// Primitives of the stream that still fit all buffers it writes.
uint64_t Capture::room(uint32_t stream) const {
    uint64_t fit = ~uint64_t{0};
    for (uint32_t mask = buffers_[stream]; mask != 0; mask &= mask - 1) {
        const auto b = static_cast<uint32_t>(std::countr_zero(mask));
        const CaptureTarget::Buffer& buffer = target_->buffers[b];
        // The last vertex need not have room for what lies behind its last word.
        const uint64_t end = buffer.written + extents_[b];
        const uint64_t vertices =
            end > buffer.size_bytes ? 0 : (buffer.size_bytes - end) / strides_[b] + 1;
        fit = std::min(fit, vertices / vertices_);
    }
    return fit;
}

uint64_t Capture::worst_bytes(uint64_t primitives) const {
    size_t most = 0;
    for (const auto& words : words_) {
        most += words.size();
    }
    return primitives * vertices_ * most * sizeof(uint32_t);
}

void Capture::take(const ShadedBatch& batch, uint32_t stream, CapturedBatch& out) const {
    const std::vector<Word>& words = words_[stream];
    if (!words.empty()) {
        // More than fits at all is never written. Batches before this one may be under way, so
        // what is left then is not known here.
        const uint64_t fit = room(stream);
        const uint64_t kept = out.words[stream].size() / (words.size() * vertices_);
        const uint64_t count =
            std::min<uint64_t>(batch.primitive_count, fit > kept ? fit - kept : 0);
        std::vector<uint32_t>& to = out.words[stream];
        to.reserve(to.size() + count * vertices_ * words.size());
        for (uint64_t p = 0; p < count; ++p) {
            const Assembled& a = batch.primitives[p];
            for (uint32_t k = 0; k < vertices_; ++k) {
                const uint16_t v = a.v[(a.lead + k) % vertices_];
                for (const Word& w : words) {
                    to.push_back(batch.varyings[size_t{w.row} * kBatchVertices + v]);
                }
            }
        }
    }
    out.primitives[stream] += batch.primitive_count;
}

void Capture::write(const std::vector<uint32_t>& words, uint32_t stream,
                    uint64_t primitives) const {
    const std::vector<Word>& layout = words_[stream];
    const uint32_t* from = words.data();
    std::array<std::byte*, kCaptureBuffers> at{};
    for (uint32_t mask = buffers_[stream]; mask != 0; mask &= mask - 1) {
        const auto b = static_cast<uint32_t>(std::countr_zero(mask));
        CaptureTarget::Buffer& buffer = target_->buffers[b];
        at[b] = buffer.base + buffer.written;
        buffer.written += primitives * vertices_ * strides_[b];
    }
    for (uint64_t v = 0; v < primitives * vertices_; ++v) {
        for (const Word& w : layout) {
            std::memcpy(at[w.buffer] + w.offset, from++, sizeof(uint32_t));
        }
        for (uint32_t b = 0; b < kCaptureBuffers; ++b) {
            at[b] += at[b] != nullptr ? strides_[b] : 0;
        }
    }
}

void Capture::commit(CapturedBatch& batch) const {
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
        const uint64_t needed = std::exchange(batch.primitives[stream], 0);
        std::vector<uint32_t>& words = batch.words[stream];
        if (std::atomic<uint64_t>* count = generated_[stream]; count != nullptr) {
            count->fetch_add(needed, std::memory_order_relaxed);
        }
        uint64_t written = 0;
        if (!words_[stream].empty()) {
            const uint64_t kept = words.size() / (words_[stream].size() * vertices_);
            written = std::min(kept, room(stream));
            write(words, stream, written);
        }
        if (StreamCounters* counters = counters_[stream]; counters != nullptr) {
            counters->needed.fetch_add(needed, std::memory_order_relaxed);
            counters->written.fetch_add(written, std::memory_order_relaxed);
        }
        words.clear();
        if (words.capacity() > kKeptWords) {
            words.shrink_to_fit();
        }
    }
}

} // namespace kite::dev::geometry
