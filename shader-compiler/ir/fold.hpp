// SPDX-License-Identifier: MIT
// The constant folder: evaluates pure ALU operations exactly as the `sem` texts of hw/isa define
// them.
//
// Values are raw bits in 64-bit containers: 32-bit and narrower results are zero-extended (16-bit
// results in the low half); only the bits an operation reads are looked at. Must agree bit for bit
// with the device's interpreter (NaN payloads aside). Pure, thread-safe; every input is defined, so
// nothing here can fail except by declining to fold.
//
// Example: fold(hw::Op::iadd, hw::Type::u32, 0, {{2, 3}}) == 5
#pragma once

#include "kite_hw/isa.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace kite::cc::ir {

/// The result bits, or nothing if the operation is not a pure ALU operation or has missing
/// operands.
[[nodiscard]] std::optional<uint64_t> fold(hw::Op op, hw::Type ty, uint16_t sub,
                                           std::span<const uint64_t> operands);

/// Widens f16 bits to f32, exactly.
[[nodiscard]] float half_to_float(uint16_t bits);
/// Rounds to f16 (nearest even).
[[nodiscard]] uint16_t float_to_half(float value);

} // namespace kite::cc::ir
