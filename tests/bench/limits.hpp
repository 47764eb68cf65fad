// SPDX-License-Identifier: MIT
//
// What this machine can do at most: fused multiply-adds and memory copies on all usable CPUs.
//
// Compute results are quoted as a share of these, measured in the same run, because absolute
// numbers on shared machines swing by a factor of two. Both calls start and join their own threads
// and take about half a second. They can't fail; without AVX2 the FMA limit is that of plain code.
#pragma once

namespace kite::bench {

/// Single-precision GFLOP/s of independent FMAs in registers, on all CPUs of the affinity mask.
double fma_limit_gflops();

/// GB/s read plus written by memcpy of blocks far larger than the caches, on all those CPUs.
double memcpy_limit_gbytes();

} // namespace kite::bench
