// SPDX-License-Identifier: MIT
// Storage image loads, stores and atomics of one wave. Out-of-bounds loads give 0, stores and
// atomics do nothing.
#pragma once

#include "device/exec/tex/texture.hpp"

namespace kite::dev::exec::tex {

/// imgld for lanes of exec.
void image_load(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes);
/// imgst for lanes of store.
void image_store(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes);
/// imgatom for lanes of store, in ascending order.
void image_atomic(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes);

} // namespace kite::dev::exec::tex
