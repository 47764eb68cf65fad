// SPDX-License-Identifier: MIT
// Plain data shared by set-up, binning and the pixel code.
//
// The pixel code is compiled several times for different vector widths (see hot.hpp), so nothing
// here may have out-of-line members or non-trivial constructors. A PixelState is built once per
// draw and is immutable afterwards; BinnedPrims live in a worker's arena from set-up until the
// flush ends. Coordinates are framebuffer pixels, y down; sub-pixel ones are 1/256.
#pragma once

#include "device/exec/executor.hpp"
#include "kite_hw/limits.hpp"
#include "kite_hw/packets.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace kite::dev::raster {

inline constexpr int kTile = hw::limits::kTilePixels;                  ///< tile edge
inline constexpr int kBlock = hw::limits::kBlockPixels;                ///< block edge
inline constexpr unsigned kBlockPixels = 16;                           ///< pixels of a block
inline constexpr unsigned kMaxSamples = hw::limits::kMaxSamples;       ///< samples of a pixel
inline constexpr unsigned kMaxTargets = hw::limits::kMaxRenderTargets; ///< colour attachments
inline constexpr int kSubPixel = 1 << hw::limits::kSubPixelBits; ///< sub-pixel units of a pixel
inline constexpr int kGuardMin =
    -8000; ///< positions are clipped to [kGuardMin, kGuardMax] pixels, which keeps
inline constexpr int kGuardMax = 24500; ///< edge functions of a tile inside 32 bits

/// Where the samples of a pixel lie, relative to its centre in sub-pixel units.
struct SamplePattern {
    int x[kMaxSamples];
    int y[kMaxSamples];
};
/// Vulkan's standard patterns of 1, 2, 4 and 8 samples.
inline constexpr SamplePattern kSamplePatterns[4] = {
    {{0}, {0}},
    {{64, -64}, {64, -64}},
    {{-32, 96, -96, 32}, {-96, -32, 32, 96}},
    {{16, -16, 80, -48, -80, -112, 48, 112}, {-48, 48, 16, -80, 80, -16, 112, -112}},
};
/// Furthest that a sample is from the centre in x or y.
inline constexpr int kFarthestSample = 112;

/// How the pixel code reads and writes a colour attachment.
enum class ColorClass : uint8_t {
    none,         ///< no attachment
    rgba8_unorm,  ///< 4 bytes, r lowest
    bgra8_unorm,  ///< 4 bytes, b lowest
    rgba8_srgb,   ///< as rgba8_unorm with the sRGB curve
    bgra8_srgb,   ///< as bgra8_unorm with the sRGB curve
    rgba32_float, ///< 16 bytes
    r32_float,    ///< 4 bytes
    other_float,  ///< any other unorm, snorm or float format, through the codec
    integer,      ///< sint and uint formats, through the codec
};

/// How depth is stored.
enum class DepthClass : uint8_t { none, d16, d24, d32 };

/// One plane of an attachment as the pixel code addresses it. Texel (x, y) must lie inside width x
/// height.
struct Target {
    std::byte* base;       ///< first byte of the level in the view's first layer; nullptr = absent
    uint64_t layer_stride; ///< bytes between layers (or slices)
    uint64_t
        row_stride;   ///< tiled: bytes between rows of blocks; linear: bytes between rows of texels
    uint32_t width;   ///< texels
    uint32_t height;  ///< texels
    uint32_t layers;  ///< layers of the view
    uint32_t format;  ///< hw format id
    uint32_t bytes;   ///< bytes of a texel (one sample)
    uint32_t samples; ///< samples
    bool tiled;       ///< 4x4 blocks, else rows
    ColorClass color; ///< for colour attachments
    DepthClass depth; ///< for depth attachments
    bool fixed_point; ///< unorm or snorm: blending clamps
    bool is_signed;   ///< snorm: clamps to -1..1; integer: sint
    bool srgb;        ///< sRGB curve: no logic operations
    uint8_t texel_mask[4][16]; ///< bits of component r, g, b, a inside a texel
};

/// All attachments of a scope.
struct Targets {
    Target color[kMaxTargets]; ///< colour attachments
    Target depth;              ///< depth plane
    Target stencil;            ///< stencil plane
    uint32_t color_count;      ///< entries of color
    uint32_t samples;          ///< samples of all attachments
    uint32_t layers;           ///< layers that may be rendered to
    int x0, y0, x1, y1;        ///< render area, clamped to all attachments; exclusive end
};

/// When depth and stencil are tested relative to the fragment program.
enum class TestOrder : uint8_t {
    none,                  ///< neither test nor write
    early,                 ///< test and write before the program
    early_test_late_write, ///< test before, write what survives the program (depth only)
    late,                  ///< all after the program
};

/// State of one face's stencil test.
struct StencilFace {
    uint8_t fail_op, pass_op, depth_fail_op;     ///< hw::StencilOp
    uint8_t compare;                             ///< hw::CompareOp
    uint8_t compare_mask, write_mask, reference; ///< low 8 bits of the packet's
};

/// Blending of one attachment.
struct BlendTarget {
    bool enable;                               ///< blend, else replace
    bool generic;                              ///< write_generic() does it, whatever the format
    bool advanced;                             ///< advanced_op instead of factors
    bool src_premultiplied, dst_premultiplied; ///< advanced: colours were multiplied by alpha
    bool clamp_results;                        ///< advanced: to 0..1
    uint8_t advanced_op, overlap;              ///< hw::AdvancedBlendOp, hw::BlendOverlap
    uint8_t src_color, dst_color, color_op;    ///< hw::BlendFactor, hw::BlendOp
    uint8_t src_alpha, dst_alpha, alpha_op;    ///< the same for alpha
    uint8_t write_mask;                        ///< r g b a; 0 = the attachment is not touched
    uint8_t bytes_mask[16];                    ///< write mask expanded to the bits of a texel
    bool full_write;                           ///< all bits of a texel are written
};

/// Everything the pixel code knows of a draw. Plain data.
struct PixelState {
    const exec::Routine* fragment;                         ///< nullptr: no program runs
    const exec::DrawContext* context;                      ///< for the program
    TestOrder order;                                       ///< when tests happen
    bool depth_test, depth_write;                          ///< depth plane used so
    bool depth_bounds;                                     ///< bounds test
    bool stencil_test;                                     ///< stencil plane used
    uint8_t depth_compare;                                 ///< hw::CompareOp
    StencilFace stencil[2];                                ///< front, back
    float min_bounds, max_bounds;                          ///< depth bounds
    bool needs_quads, uses_z, uses_centroid;               ///< of the program
    bool per_sample;                                       ///< run once per sample
    bool writes_depth, writes_stencil, writes_sample_mask; ///< by the program
    bool alpha_to_coverage, alpha_to_one;                  ///< multisample switches
    bool logic_op_enable;                                  ///< instead of blending
    uint8_t logic_op;                                      ///< hw::LogicOp
    uint32_t samples;                                      ///< rasterization samples
    const SamplePattern* pattern;                          ///< where they lie
    uint32_t sample_mask;                                  ///< and-mask
    uint32_t color_written; ///< bit r: the program writes target r and its mask is not 0
    uint32_t out_rows[2];   ///< bit s: output slot s is written by the program (slots 0-31, 32-38)
    float blend_constants[4];              ///< r g b a
    float unorm_constants[4];              ///< the same limited to 0..1
    BlendTarget blend[kMaxTargets];        ///< by target
    std::atomic<uint64_t>* samples_passed; ///< occlusion counter or nullptr
    std::atomic<uint64_t>* invocations;    ///< fragment invocations or nullptr
};

/// One edge function: inside where value(x, y) = a * x + b * y + c >= 0 (x, y in pixels from pixel
/// (0, 0)'s centre). a and b are sub-pixel units, c is in units of 1/65536 pixel^2 with the fill
/// rule's bias included, so it is scaled by 256 against a, b.
struct Edges {
    int32_t a[4];   ///< change per pixel in x
    int32_t b[4];   ///< change per pixel in y
    int64_t c[4];   ///< value at the centre of pixel (0, 0), times 256
    uint32_t count; ///< edges used; 0 = the bounds alone decide
};

/// A primitive ready for tiles.
struct alignas(64) BinnedPrim {
    exec::Primitive attributes; ///< planes and varyings
    Edges edges;                ///< coverage
    const PixelState* state;    ///< of its draw
    int16_t x0, y0, x1, y1;     ///< inclusive pixel bounds: coverage, scissor, render area
    float min_depth, max_depth; ///< fragment depth is clamped to this
    uint32_t sequence;          ///< order of its batch in the flush
    uint8_t face;               ///< stencil face: 0 front, 1 back
    bool constant_z;            ///< points and flat depth
};

} // namespace kite::dev::raster
