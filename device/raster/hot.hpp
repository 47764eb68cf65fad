// SPDX-License-Identifier: MIT
// The pixel code: coverage, tests, fragment waves and output merge of one primitive inside one
// tile.
//
// hot.cpp is compiled once per instruction set (baseline, AVX2, AVX-512) into functions of this
// table; hot_code() chooses by CPU at first use. A TileContext belongs to one worker thread.
// Nothing here fails or allocates: all bounds were clamped by set-up.
#pragma once

#include "device/raster/types.hpp"

namespace kite::dev::raster {

/// Conversion tables of the sRGB curve, built once.
struct SrgbTables {
    alignas(64) uint32_t
        encode[128]; ///< 104 used: piecewise linear float -> 8 bit: bias in 16-31, scale in 0-15
    alignas(64) uint32_t decode[256]; ///< 8 bit -> float bits
};
/// The tables.
const SrgbTables& srgb_tables();

/// What one worker needs to draw into tiles.
struct TileContext {
    const Targets* targets;     ///< attachments
    exec::FragmentWave* wave;   ///< the wave (16 lanes used; W = 8: lower half and merged outputs)
    exec::FragmentWave* half;   ///< W = 8: second half
    exec::WorkerMemory* memory; ///< for routines
    unsigned wave_size;         ///< W
    const SrgbTables* srgb;     ///< tables
    const PixelState* current;  ///< state the wave's constant rows were prepared for
    uint64_t samples;           ///< samples passed for current, not yet added to its counter
    uint64_t invocations;       ///< fragment lanes likewise
    uint64_t waves;             ///< fragment waves run
};

/// Adds the context's pending counts to its current state's counters.
void settle_counts(TileContext& context);

/// One build of the pixel code.
struct HotCode {
    const char* name; ///< instruction set
    /// Repeats a 64-byte pattern over `bytes` bytes.
    void (*fill)(std::byte* out, size_t bytes, const std::byte* pattern);
    /// Draws the part of a primitive inside the tile whose first pixel is (tile_x, tile_y).
    void (*draw)(TileContext& context, const BinnedPrim& prim, int tile_x, int tile_y);
};

/// The best build this CPU runs.
const HotCode& hot_code();
/// A build by name ("base", "avx2", "avx512"), nullptr if this CPU can't run it. For tests.
const HotCode* hot_code(const char* name);

// Codec path of formats without vector code. Blocks are 16 texels, lanes in block order.

/// Texels to floats.
void decode_block(const Target& target, const std::byte* block, float (*rgba)[16]);
/// Floats to texels; out holds 16 * target.bytes.
void encode_block(const Target& target, const float (*rgba)[16], std::byte* out);
/// Integer output bits to texels.
void encode_int_block(const Target& target, const uint32_t (*rgba)[16], std::byte* out);

} // namespace kite::dev::raster
