// SPDX-License-Identifier: MIT
//
// Formats as the tests know them: sizes, aspects and a CPU codec, written from the Vulkan
// specification's format tables and on purpose independent of the driver's own code.
//
// Pure functions over static tables; safe from any thread. Failure: an unknown format throws.
//
//     auto bytes = encode(VK_FORMAT_R5G6B5_UNORM_PACK16, {1, 0.5, 0, 1});
//     Texel back = decode(VK_FORMAT_R5G6B5_UNORM_PACK16, bytes.data());
#pragma once

#include <vulkan/vulkan.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kite::vktest {

/// Red, green, blue, alpha; integers are held exactly.
using Texel = std::array<double, 4>;

/// How a channel's bits are read.
enum class Kind { kUnorm, kSnorm, kUint, kSint, kFloat, kSrgb, kUscaled, kSscaled };

/// Where one channel lives: component 0..3, first bit, bits.
struct Channel {
    uint8_t component, offset, bits;
};

/// An uncompressed colour format.
struct FormatInfo {
    VkFormat format;
    uint8_t bytes;
    Kind kind;
    std::vector<Channel> channels;
};

/// All colour formats that the codec knows.
std::span<const FormatInfo> color_formats();
/// One of them; throws if it is not among them.
const FormatInfo& color_format(VkFormat format);

/// Aspects of an image of this format.
VkImageAspectFlags format_aspects(VkFormat format);
/// Bytes of one texel, or one block of a compressed format, as buffer copies see it.
size_t texel_bytes(VkFormat format, VkImageAspectFlags aspect = 0);
/// Width and height of a block: 4 for BC formats, otherwise 1.
uint32_t block_size(VkFormat format);
/// Bytes of one tightly packed level.
size_t level_bytes(VkFormat format, VkExtent3D extent, VkImageAspectFlags aspect = 0);

/// The value that a texel's bytes mean; missing channels are 0, 0, 0, 1.
Texel decode(VkFormat format, const uint8_t* bytes);
/// The nearest bytes of a value.
std::vector<uint8_t> encode(VkFormat format, const Texel& value);
/// Largest error in `component` that a correct conversion of `value` may have in this format:
/// one step, or 2 ulp of a float format.
double tolerance(VkFormat format, uint32_t component, double value);

/// The sRGB transfer functions.
double linear_from_srgb(double value);
double srgb_from_linear(double value);
/// IEEE half precision.
double decode_half(uint16_t bits);

} // namespace kite::vktest
