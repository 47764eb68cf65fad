// SPDX-License-Identifier: MIT
// Texels of every hardware format as numbers and back, by Vulkan's conversion rules.
//
// Used by the texture unit, the rasterizer, vertex fetch and the copy engine, so that all of them
// agree bit for bit. Formats are hardware ids (hw/formats.toml); the id is trusted to be checked by
// the caller only in so far that an unknown id decodes to (0, 0, 0, 1) and encodes nothing. Texel
// pointers need no alignment and must have FormatInfo::bytes_per_block bytes. Absent components
// decode as 0, absent alpha as 1. Depth is component 0 of the float forms, stencil component 0 of
// the integer forms. Pure functions: thread-safe, allocate nothing, never fail. NaN encodes as 0 in
// fixed-point formats.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kite::dev::format {

/// True for uint and sint colour formats and stencil: decode_int and encode_int apply, else the
/// float forms do.
[[nodiscard]] bool is_integer(uint32_t format);

/// Reads one texel of an unorm, snorm, scaled, sRGB or float format (uncompressed). sRGB is
/// converted to linear.
void decode_float(uint32_t format, const std::byte* texel, float rgba[4]);
/// Reads one texel of an integer format; signed components are sign-extended. 64-bit formats give
/// (low, high) pairs of r and g.
void decode_int(uint32_t format, const std::byte* texel, uint32_t rgba[4]);
/// Writes one texel: clamps, converts to nearest even. Writes exactly the format's bytes.
void encode_float(uint32_t format, const float rgba[4], std::byte* texel);
/// Writes one integer texel; values are clamped to the component's range as signed or unsigned
/// numbers.
void encode_int(uint32_t format, const uint32_t rgba[4], std::byte* texel);

/// decode_float for `count` texels that lie `stride` bytes apart.
void decode_float_span(uint32_t format, const std::byte* texels, size_t stride, size_t count,
                       float (*rgba)[4]);
/// encode_float for `count` texels that lie `stride` bytes apart.
void encode_float_span(uint32_t format, const float (*rgba)[4], std::byte* texels, size_t stride,
                       size_t count);

/// Decodes a compressed block (BC1-7) to its 16 texels in row-major order. Other formats give (0,
/// 0, 0, 1).
void decode_block(uint32_t format, const std::byte* block, float (*rgba)[4]);

/// Decodes texel `index` (y * 4 + x) of a compressed block; the same value as decode_block gives.
void decode_block_texel(uint32_t format, const std::byte* block, unsigned index, float rgba[4]);

/// Half precision to single, exact.
[[nodiscard]] float half_to_float(uint16_t half);
/// Single to half precision, nearest even.
[[nodiscard]] uint16_t float_to_half(float value);
/// The linear value of an 8-bit sRGB code.
[[nodiscard]] float srgb_to_linear(uint8_t code);
/// The nearest 8-bit sRGB code of a linear value (clamped, NaN gives 0).
[[nodiscard]] uint8_t linear_to_srgb(float value);

} // namespace kite::dev::format
