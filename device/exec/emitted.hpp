// SPDX-License-Identifier: MIT
// What the `emit` and `cut` instructions of a geometry program leave behind.
//
// One worker owns an EmittedVertices and prepares it before each wave; the executors append to it,
// the geometry stage reads it after the wave. Grows as needed, never fails otherwise.
#pragma once

#include "device/exec/executor.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace kite::dev::exec {

/// Vertices of a wave, lane after lane, `limit` each; the slots in ProgramInfo::outputs are kept,
/// in order. Vertices beyond the limit are dropped.
struct EmittedVertices {
    static constexpr uint8_t kCut = 0x80;    ///< mark: the strip ends after this vertex
    static constexpr uint8_t kStream = 0x03; ///< mark: its stream

    uint32_t limit = 0;             ///< vertices of a lane
    std::vector<uint8_t> slots;     ///< slots kept
    std::vector<uint32_t> words;    ///< [lane][vertex][slot]
    std::vector<uint8_t> marks;     ///< [lane][vertex]: stream, and kCut after the last of a strip
    uint32_t count[kMaxLanes] = {}; ///< vertices a lane emitted

    /// Ready for a wave of the program.
    void prepare(const ProgramInfo& info) {
        slots.clear();
        for (unsigned slot = 0; slot < kVertexOuts; ++slot) {
            if (info.outputs[slot]) {
                slots.push_back(static_cast<uint8_t>(slot));
            }
        }
        limit = info.workgroup[1];
        if (const size_t need = size_t{kMaxLanes} * limit; marks.size() < need) {
            marks.resize(need);
        }
        if (const size_t need = size_t{kMaxLanes} * limit * slots.size(); words.size() < need) {
            words.resize(need);
        }
        std::fill(std::begin(count), std::end(count), 0u);
    }
    /// emit: appends out[slot][lane] for the lanes of the mask.
    void emit(const uint32_t (*out)[kMaxLanes], uint32_t lanes, uint32_t stream) {
        for (; lanes != 0; lanes &= lanes - 1) {
            const auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
            if (count[lane] >= limit) {
                continue;
            }
            const size_t at = size_t{lane} * limit + count[lane]++;
            marks[at] = static_cast<uint8_t>(stream & kStream);
            uint32_t* to = words.data() + at * slots.size();
            for (const uint8_t slot : slots) {
                *to++ = out[slot][lane];
            }
        }
    }
    /// cut: ends the strip of the stream for the lanes of the mask.
    void cut(uint32_t lanes, uint32_t stream) {
        for (; lanes != 0; lanes &= lanes - 1) {
            const auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
            for (size_t n = count[lane]; n-- > 0;) { // the stream's last vertex
                uint8_t& mark = marks[size_t{lane} * limit + n];
                if ((mark & kStream) == (stream & kStream)) {
                    mark |= kCut;
                    break;
                }
            }
        }
    }
};

} // namespace kite::dev::exec
