// SPDX-License-Identifier: MIT
// Transform feedback: what a draw's primitives leave in buffers, and the streams they are counted
// in.
//
// A CaptureLayout is state (SetTransformFeedback), a CaptureTarget lives from Begin- to
// EndTransformFeedback. Every captured draw owns a Capture. Workers take() the primitives of their
// batch into a CapturedBatch of that batch; afterwards the flusher's thread commit()s the batches
// in API order, which alone decides where a primitive lies and whether it still fits. So the order
// in buffers is the API's whatever the scheduling. Sizes were checked when capturing began; the
// buffers' contents are never read.
#pragma once

#include "device/geometry/batch.hpp"
#include "device/geometry/draw_state.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace kite::dev::geometry {

/// Primitives of one batch, stream by stream.
struct CapturedBatch {
    std::array<std::vector<uint32_t>, kStreams> words; ///< [primitive][vertex][word of the stream]
    std::array<uint64_t, kStreams> primitives{};       ///< all, also those that were not kept
};

/// What one draw captures and counts.
class Capture {
public:
    /// Null if the draw neither captures nor counts. `slots` receives the output slots that take()
    /// wants in ShadedBatch::varyings; `vertices` is the size of a primitive.
    static std::unique_ptr<Capture> make(const DrawState& state, uint32_t vertices,
                                         std::vector<uint8_t>& slots);

    /// Streams that take() wants.
    [[nodiscard]] uint32_t streams() const { return streams_; }
    /// Bytes that a batch of so many primitives keeps at most.
    [[nodiscard]] uint64_t worst_bytes(uint64_t primitives) const;
    /// Keeps the primitives of a stream.
    void take(const ShadedBatch& batch, uint32_t stream, CapturedBatch& out) const;
    /// Writes a batch behind those before it and counts it; leaves it empty.
    void commit(CapturedBatch& batch) const;

private:
    struct Word {
        uint8_t row;
        uint8_t buffer;
        uint16_t offset;
    };
    void write(const std::vector<uint32_t>& words, uint32_t stream, uint64_t primitives) const;
    [[nodiscard]] uint64_t room(uint32_t stream) const;

    uint32_t vertices_ = 0;
    uint32_t streams_ = 0;
    std::shared_ptr<CaptureTarget> target_;
    std::array<uint32_t, kCaptureBuffers> strides_{};
    std::array<uint32_t, kCaptureBuffers> extents_{}; // last byte captured of a vertex
    std::array<std::vector<Word>, kStreams> words_;
    std::array<uint32_t, kStreams> buffers_{}; // mask of those that the stream writes
    std::array<StreamCounters*, kStreams> counters_{};
    std::array<std::atomic<uint64_t>*, kStreams> generated_{};
};

} // namespace kite::dev::geometry
