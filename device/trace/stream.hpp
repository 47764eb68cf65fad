// SPDX-License-Identifier: MIT
// A recorded submission as one straight command stream, whole or up to a draw.
//
// Calls are inlined, so that the stream can be cut anywhere; waits for events become barriers,
// because in an in-order replay what they wait for has happened or was the host's doing. The memory
// is hostile: a malformed packet ends the stream and is copied as it is, so that the device finds
// the same fault in it. Pure function of the memory it reads.
#pragma once

#include "base/result.hpp"
#include "device/trace/format.hpp"
#include "kite_hw/packets.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace kite::dev::trace {

/// The memory of an address space: `mask + 1` bytes.
struct SpaceMemory {
    const std::byte* base = nullptr; ///< of GPU address 0
    uint64_t mask = 0;               ///< size - 1
};

/// Something a stream does, for listings.
struct Action {
    size_t word = 0;       ///< where its packet starts
    uint32_t draw = 0;     ///< number of the draw in the stream, from 1; 0: not a draw
    bool in_scope = false; ///< inside a rendering scope
};

/// Images a stream wrote to last.
struct Targets {
    std::vector<hw::ImageDescriptor> colors;    ///< colour attachments, or a transfer's target
    std::optional<hw::ImageDescriptor> depth;   ///< depth attachment
    std::optional<hw::ImageDescriptor> stencil; ///< stencil attachment
};

/// See the head of this file.
struct FlatStream {
    std::vector<uint32_t> words; ///< packets
    std::vector<Action> actions; ///< draws, dispatches, transfers, scopes, labels
    uint32_t draws = 0;          ///< draws in it
    Targets targets;             ///< of the last scope or transfer
};

/// Builds it from a submission's buffers. With `draws` not 0 it ends after that many draws, its
/// rendering scope closed. Fails for streams beyond any sensible length.
[[nodiscard]] base::Result<FlatStream>
flatten(const SpaceMemory& memory, std::span<const BufferEntry> buffers, uint32_t draws = 0);

/// True for Draw, DrawIndexed and DrawIndirect.
[[nodiscard]] bool is_draw(hw::Packet id);

} // namespace kite::dev::trace
