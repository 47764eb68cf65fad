// SPDX-License-Identifier: MIT
// Coverage of one primitive in one tile, from the 64x64 tile over 16x16 squares to 4x4 blocks.
// Compiled once per instruction set; KITE_HOT_TABLE names the table this build defines. No function
// of this file may be visible outside except that table.
#include "device/raster/hot_block.hpp"

namespace kite::dev::raster {
namespace {

using namespace simd;

/// Lanes of a block whose column (row) lies in [lo, hi].
constexpr uint32_t kColumn[4] = {0x0505, 0x0a0a, 0x5050, 0xa0a0};
constexpr uint32_t kRow[4] = {0x0033, 0x00cc, 0x3300, 0xcc00};

KITE_SIMD uint32_t rect_mask(int x0, int y0, int x1, int y1) {
    uint32_t columns = 0;
    uint32_t rows = 0;
    for (int i = 0; i < 4; ++i) {
        columns |= i >= x0 && i <= x1 ? kColumn[i] : 0u;
        rows |= i >= y0 && i <= y1 ? kRow[i] : 0u;
    }
    return columns & rows;
}

/// The primitive's edges relative to the tile's first pixel, those that do not cross the rectangle
/// removed.
struct TileEdges {
    I16 step[4];                   ///< a * lane x + b * lane y
    int32_t a[4], b[4];            ///< per pixel
    int32_t c[kMaxSamples][4];     ///< at the tile's first pixel, per sample
    int32_t lowest[4], highest[4]; ///< over samples and a unit square's corners:
                                   ///< (min(a,0)+min(b,0)), (max(a,0)+max(b,0))
    int32_t slack[4];  ///< largest sample offset from the centre (0 without multisampling)
    int32_t centre[4]; ///< at the centre of the first pixel
    unsigned count;
};

/// @return false if nothing of the rectangle [x0, x1] x [y0, y1] (tile relative) is covered
KITE_SIMD bool tile_edges(const BinnedPrim& p, int tile_x, int tile_y, int x0, int y0, int x1,
                          int y1, TileEdges& out) {
    const unsigned samples = p.state->samples;
    const SamplePattern& at = *p.state->pattern;
    const Edges& e = p.edges;
    unsigned n = 0;
    for (unsigned i = 0; i < e.count; ++i) {
        const int64_t a = e.a[i];
        const int64_t b = e.b[i];
        const int64_t scaled = e.c[i] + (a * tile_x + b * tile_y) * kSubPixel;
        const int64_t c = scaled >> hw::limits::kSubPixelBits;
        const int64_t slack =
            samples > 1 ? ((__builtin_llabs(a) + __builtin_llabs(b)) * kFarthestSample >> 8) + 1
                        : 0;
        const int64_t high = c + (a > 0 ? a * x1 : a * x0) + (b > 0 ? b * y1 : b * y0) + slack;
        if (high < 0) {
            return false;
        }
        const int64_t low = c + (a > 0 ? a * x0 : a * x1) + (b > 0 ? b * y0 : b * y1) - slack;
        if (low >= 0) {
            continue;
        }
        const auto a32 = static_cast<int32_t>(a);
        const auto b32 = static_cast<int32_t>(b);
        out.a[n] = a32;
        out.b[n] = b32;
        out.centre[n] = static_cast<int32_t>(c);
        out.slack[n] = static_cast<int32_t>(slack);
        out.lowest[n] = (a32 < 0 ? a32 : 0) + (b32 < 0 ? b32 : 0);
        out.highest[n] = (a32 > 0 ? a32 : 0) + (b32 > 0 ? b32 : 0);
        out.step[n] = kLaneX * a32 + kLaneY * b32;
        if (samples > 1) {
            for (unsigned s = 0; s < samples; ++s) {
                out.c[s][n] = static_cast<int32_t>((scaled + a * at.x[s] + b * at.y[s]) >>
                                                   hw::limits::kSubPixelBits);
            }
        }
        ++n;
    }
    out.count = n;
    return true;
}

/// Classifies the 16 squares of `size` pixels (a power of two) in the square at (x, y): bits of
/// rejected and of fully covered ones.
KITE_SIMD void classify(const TileEdges& e, int x, int y, int log2_size, uint32_t& rejected,
                        uint32_t& accepted) {
    I16 outside{};
    I16 partial{};
    const int32_t last = (1 << log2_size) - 1;
    for (unsigned i = 0; i < e.count; ++i) {
        const I16 value = (e.step[i] << log2_size) + (e.centre[i] + e.a[i] * x + e.b[i] * y);
        outside |= value + (e.highest[i] * last + e.slack[i]);
        partial |= value + (e.lowest[i] * last - e.slack[i]);
    }
    rejected = bits(outside);
    accepted = ~bits(partial) & 0xffffu;
}

/// Covered pixels of the block at (x, y) for the constants c.
KITE_SIMD uint32_t cover(const TileEdges& e, const int32_t* c, int x, int y) {
    I16 outside{};
    for (unsigned i = 0; i < e.count; ++i) {
        outside |= e.step[i] + (c[i] + e.a[i] * x + e.b[i] * y);
    }
    return ~bits(outside) & 0xffffu;
}

/// One primitive in one tile.
struct Walk {
    TileContext& t;
    const BinnedPrim& p;
    const TileEdges& e;
    int tile_x, tile_y;
    int x0, y0, x1, y1; ///< rectangle, tile relative, inclusive

    /// The block at (x, y), tile relative; `inside` = every pixel is inside all edges.
    [[gnu::always_inline]] void block(int x, int y, bool inside) const {
        uint32_t clip = 0xffffu;
        if (x < x0 || y < y0 || x + 3 > x1 || y + 3 > y1) {
            clip = rect_mask(x0 - x, y0 - y, x1 - x, y1 - y);
        }
        const PixelState& s = *p.state;
        if (s.samples == 1) [[likely]] {
            const uint32_t mask = inside ? clip : cover(e, e.centre, x, y) & clip;
            if (mask != 0 && (s.sample_mask & 1u) != 0) {
                shade_single(t, p, tile_x + x, tile_y + y, mask);
            }
            return;
        }
        uint32_t masks[kMaxSamples];
        uint32_t any = 0;
        for (unsigned i = 0; i < s.samples; ++i) {
            masks[i] = inside ? clip : cover(e, e.c[i], x, y) & clip;
            any |= masks[i];
        }
        if (any != 0) {
            shade_multi(t, p, tile_x + x, tile_y + y, masks);
        }
    }

    /// All blocks of the rectangle, row by row: few blocks, or no edge left.
    void rows(bool inside) const {
        for (int y = y0 & ~3; y <= y1; y += kBlock) {
            for (int x = x0 & ~3; x <= x1; x += kBlock) {
                block(x, y, inside);
            }
        }
    }

    /// Squares of 16 pixels, then their blocks.
    void squares() const {
        uint32_t rejected;
        uint32_t accepted;
        classify(e, 0, 0, 4, rejected, accepted);
        for (uint32_t rest = ~rejected & 0xffffu; rest != 0; rest &= rest - 1) {
            const int i = __builtin_ctz(rest);
            const int sx = ((i & 1) | (i >> 1 & 2)) * 16;
            const int sy = ((i >> 1 & 1) | (i >> 2 & 2)) * 16;
            if (sx > x1 || sy > y1 || sx + 15 < x0 || sy + 15 < y0) {
                continue;
            }
            uint32_t block_rejected = 0;
            uint32_t block_accepted = 0xffffu;
            if ((accepted >> i & 1u) == 0) {
                classify(e, sx, sy, 2, block_rejected, block_accepted);
            }
            for (uint32_t blocks = ~block_rejected & 0xffffu; blocks != 0; blocks &= blocks - 1) {
                const int j = __builtin_ctz(blocks);
                const int x = sx + ((j & 1) | (j >> 1 & 2)) * kBlock;
                const int y = sy + ((j >> 1 & 1) | (j >> 2 & 2)) * kBlock;
                if (x > x1 || y > y1 || x + 3 < x0 || y + 3 < y0) {
                    continue;
                }
                block(x, y, (block_accepted >> j & 1u) != 0);
            }
        }
    }
};

/// Prepares what stays constant in the wave while one state is drawn.
[[gnu::noinline]] void change_state(TileContext& t, const PixelState& s) {
    settle_counts(t);
    t.current = &s;
    exec::FragmentWave& w = *t.wave;
    for (unsigned slot = 0; slot < exec::kFragmentOuts; ++slot) {
        if ((s.out_rows[slot / 32] >> (slot % 32) & 1u) == 0) {
            store(w.out[slot], U16{});
        }
    }
    w.sample_id = 0;
    w.log2_samples = static_cast<uint32_t>(__builtin_ctz(s.samples));
    t.half->log2_samples = w.log2_samples;
    w.sample_x = 0.5f;
    w.sample_y = 0.5f;
    store(w.z, F16{});
}

void draw(TileContext& t, const BinnedPrim& p, int tile_x, int tile_y) {
    const int x0 = p.x0 > tile_x ? p.x0 - tile_x : 0;
    const int y0 = p.y0 > tile_y ? p.y0 - tile_y : 0;
    const int x1 = p.x1 - tile_x < kTile ? p.x1 - tile_x : kTile - 1;
    const int y1 = p.y1 - tile_y < kTile ? p.y1 - tile_y : kTile - 1;
    if (x0 > x1 || y0 > y1) {
        return;
    }
    TileEdges e;
    if (!tile_edges(p, tile_x, tile_y, x0, y0, x1, y1, e)) {
        return;
    }
    if (t.current != p.state) {
        change_state(t, *p.state);
    }
    const Walk walk{t, p, e, tile_x, tile_y, x0, y0, x1, y1};
    const int blocks = ((x1 >> 2) - (x0 >> 2) + 1) * ((y1 >> 2) - (y0 >> 2) + 1);
    if (e.count == 0) {
        walk.rows(true);
    } else if (blocks <= 6) {
        walk.rows(false);
    } else {
        walk.squares();
    }
}

void fill(std::byte* out, size_t bytes, const std::byte* pattern) {
    const U16 value = load_bytes(pattern);
    size_t at = 0;
    for (; at + 64 <= bytes; at += 64) {
        store_bytes(out + at, value);
    }
    __builtin_memcpy(out + at, pattern, bytes - at);
}

} // namespace

extern const HotCode KITE_HOT_TABLE;
const HotCode KITE_HOT_TABLE{KITE_HOT_NAME, fill, draw};

} // namespace kite::dev::raster
