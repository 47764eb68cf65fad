// SPDX-License-Identifier: MIT
// Specialization constant operations that SPIRV-Tools leaves alone: 8, 16 and 64-bit integers and
// half floats.
//
// Evaluated with the constant folder, component by component. Pure; throws Failure: unsupported
// with the operation's number for what is not a scalar or vector of integers or floats.
#pragma once

#include "shader-compiler/spirv/module.hpp"

#include <cstdint>
#include <vector>

namespace kite::cc::spirv {

/// Bits of the leaves of an OpSpecConstantOp's result.
[[nodiscard]] std::vector<uint64_t> fold_spec_constant(const Module& m, const Instr& inst);

} // namespace kite::cc::spirv
