// SPDX-License-Identifier: MIT
// Read-modify-write on memory that other threads (and the application) touch at the same time.
//
// Sequentially consistent, lock-free for every size. The address must be aligned to the size and
// inside a mapping; the caller guarantees both. Never fails.
#pragma once

#include "kite_hw/isa.hpp"

#include <cstddef>
#include <cstdint>

namespace kite::dev::exec {

/// What an atomic operation stores, given the value found.
uint64_t atomic_result(hw::Type ty, hw::AtomicOp op, uint64_t old, uint64_t value,
                       uint64_t comparand);

/// Performs the operation on 2, 4 or 8 bytes (by type) and returns the old value, zero-extended.
uint64_t atomic_rmw(std::byte* address, hw::Type ty, hw::AtomicOp op, uint64_t value,
                    uint64_t comparand);

} // namespace kite::dev::exec
