// SPDX-License-Identifier: MIT
// What the host CPU offers to the shader engine.
//
// Pure queries, thread-safe, never fail.
#pragma once

namespace kite::dev::exec {

/// True if waves of `width` lanes can be compiled for this CPU: 16 needs AVX-512 (F, BW, DQ, VL), 8
/// needs AVX2, FMA and F16C.
bool cpu_has_width(unsigned width);

/// Lanes per wave that suit this CPU; 8 where nothing can be compiled.
unsigned native_wave_size();

} // namespace kite::dev::exec
