// SPDX-License-Identifier: MIT
// The texture unit's reference: every tex/txg/txf/txq/imgld/imgst/imgatom operation for one wave,
// lane by lane, in plain C++.
//
// This is the semantics (Vulkan spec, chapter Image Operations). The interpreter calls it for every
// image instruction, the JIT for whatever its generated routines (device/exec/tex/jit, keyed by
// descriptor state) do not cover. Descriptors are read from GPU memory and are hostile: sizes,
// formats and offsets are checked; an access never leaves the window (null or invalid descriptor:
// reads 0). Thread-safe, allocates nothing, never fails.
#pragma once

#include "device/exec/executor.hpp"

#include <cstdint>

namespace kite::dev::exec::tex {

/// Operands and results of one image instruction. Lane arrays; registers of a tuple are consecutive
/// rows.
struct alignas(64) Lanes {
    uint32_t exec = 0;                        ///< lanes whose result is wanted
    uint32_t store = 0;                       ///< lanes that may write (exec without helpers)
    unsigned width = kMaxLanes;               ///< W
    bool fragment = false;                    ///< implicit derivatives exist
    alignas(64) uint64_t image_va[kMaxLanes]; ///< descriptor address per lane; rows are whole lines
    uint64_t sampler_va[kMaxLanes];           ///< descriptor address per lane
    uint32_t coord[20][kMaxLanes]; ///< coordinate tuple, order of hw/isa/tex.toml (largest: 2D
                                   ///< array grad + ref + offsets)
    uint32_t data[8][kMaxLanes];   ///< imgst data; imgatom: data[0..1] = value, data[2..3] =
                                   ///< comparand (low, high)
    uint32_t result[8][kMaxLanes]; ///< results (64-bit: low, high pairs)
};

/// Executes one image instruction for all lanes of the wave.
void execute(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes);

} // namespace kite::dev::exec::tex
