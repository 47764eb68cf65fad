// SPDX-License-Identifier: MIT
// The command processor's state and the packets that change nothing else: Set*, BindProgram,
// ResetState.
//
// Owned by a queue's command processor and used by its thread only. apply() expects a packet that
// passed check_packet(); it adds the checks that depend on limits (index ranges, counts). An error
// is the text of a fault and leaves the state unspecified.
#pragma once

#include "base/result.hpp"
#include "device/front/program_cache.hpp"
#include "device/geometry/draw_state.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>

namespace kite::dev::front {

/// State of the compute bind point.
struct ComputeState {
    std::shared_ptr<const exec::Program> program;        ///< BindProgram, compute
    std::array<uint64_t, hw::limits::kMaxSets> set_va{}; ///< SetDescriptorSets
    uint64_t push_va = 0;                                ///< SetPushConstants
    uint64_t dynamic_va = 0;                             ///< SetDynamicBuffers
};

/// Conditional rendering.
struct Predicate {
    uint64_t address = 0;  ///< dword, 0 = off
    bool inverted = false; ///< skip while non-zero
};

/// All state packets can set.
struct State {
    DrawState draw;       ///< graphics; its query pointers belong to the query unit
    ComputeState compute; ///< compute
    Predicate predicate;  ///< SetPredicate

    State() { reset(); }
    /// ResetState; keeps the active queries.
    void reset();
    /// True if this packet only changes state.
    [[nodiscard]] static bool handles(hw::Packet id);
    /// Applies such a packet.
    [[nodiscard]] base::Result<void> apply(std::span<const uint32_t> words, ProgramCache& programs);
};

} // namespace kite::dev::front
