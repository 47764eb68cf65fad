// SPDX-License-Identifier: MIT
// Transcendental functions as sequences of correctly rounded f32 operations.
//
// The device has no transcendental units: every function here is a range reduction plus a
// polynomial (fitted by weighted least squares to near-minimax), so that interpreter, JIT and
// folder agree bit for bit. Accuracy meets the Vulkan precision table
// ("Precision and Operation of SPIR-V Instructions"). All values are f32; callers convert f16.
// Stateless, thread-safe.
#pragma once

#include "shader-compiler/ir/builder.hpp"

namespace kite::cc::spirv::math {

/// 2^x; exact for integers, 0 and infinity at the ends.
ir::Inst* exp2(ir::Builder& b, ir::Inst* x);
/// Binary logarithm; -infinity at 0, NaN below.
ir::Inst* log2(ir::Builder& b, ir::Inst* x);
/// x^y for x >= 0.
ir::Inst* pow(ir::Builder& b, ir::Inst* x, ir::Inst* y);
/// Sine and cosine of one angle.
struct SinCos {
    ir::Inst* sin; ///< sine
    ir::Inst* cos; ///< cosine
};
/// Both, sharing the reduction; accurate to about 1e-7 for |x| < 1e5.
SinCos sin_cos(ir::Builder& b, ir::Inst* x);
/// Arc sine in [-pi/2, pi/2].
ir::Inst* asin(ir::Builder& b, ir::Inst* x);
/// Arc cosine in [0, pi].
ir::Inst* acos(ir::Builder& b, ir::Inst* x);
/// Arc tangent.
ir::Inst* atan(ir::Builder& b, ir::Inst* x);
/// Arc tangent of y/x with the quadrant of (x, y).
ir::Inst* atan2(ir::Builder& b, ir::Inst* y, ir::Inst* x);
/// Hyperbolic tangent.
ir::Inst* tanh(ir::Builder& b, ir::Inst* x);

/// n / c for unsigned 32-bit n and a constant c != 0, without a division.
ir::Inst* divide_u32(ir::Builder& b, ir::Inst* n, uint32_t c);
/// n / c (towards zero) for signed 32-bit n and a constant c != 0; MIN / -1 is MIN.
ir::Inst* divide_i32(ir::Builder& b, ir::Inst* n, int32_t c);

} // namespace kite::cc::spirv::math
