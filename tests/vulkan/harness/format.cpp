// SPDX-License-Identifier: MIT
#include "tests/vulkan/harness/format.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

namespace kite::vktest {
namespace {

using enum Kind;

/// Equal channels in memory order; `order` names the component of each.
FormatInfo plain(VkFormat format, Kind kind, uint8_t bits, std::vector<uint8_t> order) {
    FormatInfo made{format, static_cast<uint8_t>(order.size() * bits / 8), kind, {}};
    for (size_t i = 0; i < order.size(); ++i) {
        made.channels.push_back({order[i], static_cast<uint8_t>(i * bits), bits});
    }
    return made;
}

/// All kinds of one array layout; the enums of a family are consecutive: UNORM, SNORM, USCALED,
/// SSCALED, UINT, SINT and then SRGB (8 bit) or SFLOAT (16 bit).
void family(std::vector<FormatInfo>& table, int first, uint8_t bits, std::vector<uint8_t> order) {
    const Kind kinds[] = {
        kUnorm, kSnorm, kUscaled, kSscaled, kUint, kSint, bits == 8 ? kSrgb : kFloat};
    for (int i = 0; i < 7; ++i) {
        table.push_back(plain(static_cast<VkFormat>(first + i), kinds[i], bits, order));
    }
}

std::vector<FormatInfo> make_table() {
    std::vector<FormatInfo> t;
    family(t, VK_FORMAT_R8_UNORM, 8, {0});
    family(t, VK_FORMAT_R8G8_UNORM, 8, {0, 1});
    family(t, VK_FORMAT_R8G8B8A8_UNORM, 8, {0, 1, 2, 3});
    family(t, VK_FORMAT_B8G8R8A8_UNORM, 8, {2, 1, 0, 3});
    family(t, VK_FORMAT_A8B8G8R8_UNORM_PACK32, 8, {0, 1, 2, 3});
    family(t, VK_FORMAT_R16_UNORM, 16, {0});
    family(t, VK_FORMAT_R16G16_UNORM, 16, {0, 1});
    family(t, VK_FORMAT_R16G16B16A16_UNORM, 16, {0, 1, 2, 3});
    const Kind wide[] = {kUint, kSint, kFloat};
    const VkFormat wide_first[] = {VK_FORMAT_R32_UINT, VK_FORMAT_R32G32_UINT,
                                   VK_FORMAT_R32G32B32_UINT, VK_FORMAT_R32G32B32A32_UINT};
    for (uint8_t n = 0; n < 4; ++n) {
        std::vector<uint8_t> order;
        for (uint8_t i = 0; i <= n; ++i) {
            order.push_back(i);
        }
        for (int k = 0; k < 3; ++k) {
            t.push_back(plain(static_cast<VkFormat>(wide_first[n] + k), wide[k], 32, order));
        }
    }
    t.push_back({VK_FORMAT_R4G4B4A4_UNORM_PACK16,
                 2,
                 kUnorm,
                 {{0, 12, 4}, {1, 8, 4}, {2, 4, 4}, {3, 0, 4}}});
    t.push_back({VK_FORMAT_B4G4R4A4_UNORM_PACK16,
                 2,
                 kUnorm,
                 {{2, 12, 4}, {1, 8, 4}, {0, 4, 4}, {3, 0, 4}}});
    t.push_back({VK_FORMAT_R5G6B5_UNORM_PACK16, 2, kUnorm, {{0, 11, 5}, {1, 5, 6}, {2, 0, 5}}});
    t.push_back({VK_FORMAT_B5G6R5_UNORM_PACK16, 2, kUnorm, {{2, 11, 5}, {1, 5, 6}, {0, 0, 5}}});
    t.push_back({VK_FORMAT_R5G5B5A1_UNORM_PACK16,
                 2,
                 kUnorm,
                 {{0, 11, 5}, {1, 6, 5}, {2, 1, 5}, {3, 0, 1}}});
    t.push_back({VK_FORMAT_A1R5G5B5_UNORM_PACK16,
                 2,
                 kUnorm,
                 {{3, 15, 1}, {0, 10, 5}, {1, 5, 5}, {2, 0, 5}}});
    const Kind tens[] = {kUnorm, kSnorm, kUscaled, kSscaled, kUint, kSint};
    for (int i = 0; i < 6; ++i) {
        t.push_back({static_cast<VkFormat>(VK_FORMAT_A2R10G10B10_UNORM_PACK32 + i),
                     4,
                     tens[i],
                     {{2, 0, 10}, {1, 10, 10}, {0, 20, 10}, {3, 30, 2}}});
        t.push_back({static_cast<VkFormat>(VK_FORMAT_A2B10G10R10_UNORM_PACK32 + i),
                     4,
                     tens[i],
                     {{0, 0, 10}, {1, 10, 10}, {2, 20, 10}, {3, 30, 2}}});
    }
    t.push_back(
        {VK_FORMAT_B10G11R11_UFLOAT_PACK32, 4, kFloat, {{0, 0, 11}, {1, 11, 11}, {2, 22, 10}}});
    return t;
}

/// A float of 10, 11 (no sign) or 16 bits; five bits of exponent.
double decode_small(uint32_t bits, uint32_t width) {
    const bool is_signed = width == 16;
    const uint32_t fraction_bits = width - 5 - (is_signed ? 1 : 0);
    const uint32_t fraction = bits & ((1U << fraction_bits) - 1);
    const uint32_t exponent = bits >> fraction_bits & 31;
    const double sign = is_signed && (bits >> 15) != 0 ? -1.0 : 1.0;
    const double scaled = std::ldexp(fraction, -static_cast<int>(fraction_bits));
    if (exponent == 31) {
        return fraction != 0 ? std::nan("") : sign * INFINITY;
    }
    return exponent == 0 ? sign * std::ldexp(scaled, -14)
                         : sign * std::ldexp(1 + scaled, static_cast<int>(exponent) - 15);
}

/// Nearest small float of a finite value, ties to even, overflow to the largest finite value.
uint32_t encode_small(double value, uint32_t width) {
    const bool is_signed = width == 16;
    const auto fraction_bits = static_cast<int>(width - 5 - (is_signed ? 1 : 0));
    const uint32_t sign = is_signed && std::signbit(value) ? 0x8000U : 0U;
    double magnitude = std::abs(value);
    if (!is_signed && value < 0) {
        magnitude = 0;
    }
    int exponent = magnitude > 0 ? std::ilogb(magnitude) : -15;
    exponent = std::max(exponent, -14);
    const double steps = std::nearbyint(std::ldexp(magnitude, fraction_bits - exponent));
    const auto biased = static_cast<uint32_t>(exponent + 14) << fraction_bits;
    const auto bits = biased + static_cast<uint32_t>(steps);
    return sign | std::min(bits, (31U << fraction_bits) - 1);
}

uint64_t get_bits(const uint8_t* bytes, Channel channel) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < channel.bits; ++i) {
        const uint32_t bit = channel.offset + i;
        value |= static_cast<uint64_t>(bytes[bit / 8] >> bit % 8 & 1) << i;
    }
    return value;
}

double decode_channel(uint64_t bits, Channel channel, Kind kind) {
    const double top = std::ldexp(1.0, channel.bits) - 1;
    const double signed_top = std::ldexp(1.0, channel.bits - 1) - 1;
    const auto shift = 64 - channel.bits;
    const auto integer = static_cast<double>(static_cast<int64_t>(bits << shift) >> shift);
    switch (kind) {
    case kUnorm:
        return static_cast<double>(bits) / top;
    case kSrgb:
        return channel.component == 3 ? static_cast<double>(bits) / top
                                      : linear_from_srgb(static_cast<double>(bits) / top);
    case kSnorm:
        return std::max(integer / signed_top, -1.0);
    case kUint:
    case kUscaled:
        return static_cast<double>(bits);
    case kSint:
    case kSscaled:
        return integer;
    case kFloat:
        return channel.bits == 32
                   ? static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)))
                   : decode_small(static_cast<uint32_t>(bits), channel.bits);
    }
    return 0;
}

uint64_t encode_channel(double value, Channel channel, Kind kind) {
    const double top = std::ldexp(1.0, channel.bits) - 1;
    const double signed_top = std::ldexp(1.0, channel.bits - 1) - 1;
    if (kind == kSrgb && channel.component != 3) {
        value = srgb_from_linear(std::clamp(value, 0.0, 1.0));
    }
    switch (kind) {
    case kUnorm:
    case kSrgb:
        return static_cast<uint64_t>(std::nearbyint(std::clamp(value, 0.0, 1.0) * top));
    case kSnorm:
        return static_cast<uint64_t>(
            static_cast<int64_t>(std::nearbyint(std::clamp(value, -1.0, 1.0) * signed_top)));
    case kUint:
    case kUscaled:
        return static_cast<uint64_t>(std::clamp(value, 0.0, top));
    case kSint:
    case kSscaled:
        return static_cast<uint64_t>(
            static_cast<int64_t>(std::clamp(value, -signed_top - 1, signed_top)));
    case kFloat:
        return channel.bits == 32 ? std::bit_cast<uint32_t>(static_cast<float>(value))
                                  : encode_small(value, channel.bits);
    }
    return 0;
}

} // namespace

std::span<const FormatInfo> color_formats() {
    static const std::vector<FormatInfo> table = make_table();
    return table;
}

const FormatInfo& color_format(VkFormat format) {
    const auto table = color_formats();
    const auto found = std::ranges::find(table, format, &FormatInfo::format);
    if (found == table.end()) {
        throw std::runtime_error("the tests don't know VkFormat " + std::to_string(format));
    }
    return *found;
}

VkImageAspectFlags format_aspects(VkFormat format) {
    switch (format) {
    case VK_FORMAT_D16_UNORM:
    case VK_FORMAT_D32_SFLOAT:
    case VK_FORMAT_X8_D24_UNORM_PACK32:
        return VK_IMAGE_ASPECT_DEPTH_BIT;
    case VK_FORMAT_S8_UINT:
        return VK_IMAGE_ASPECT_STENCIL_BIT;
    case VK_FORMAT_D16_UNORM_S8_UINT:
    case VK_FORMAT_D24_UNORM_S8_UINT:
    case VK_FORMAT_D32_SFLOAT_S8_UINT:
        return VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT;
    default:
        return VK_IMAGE_ASPECT_COLOR_BIT;
    }
}

uint32_t block_size(VkFormat format) {
    return format >= VK_FORMAT_BC1_RGB_UNORM_BLOCK && format <= VK_FORMAT_BC7_SRGB_BLOCK ? 4 : 1;
}

size_t texel_bytes(VkFormat format, VkImageAspectFlags aspect) {
    if (format >= VK_FORMAT_BC1_RGB_UNORM_BLOCK && format <= VK_FORMAT_BC7_SRGB_BLOCK) {
        const bool small = format <= VK_FORMAT_BC1_RGBA_SRGB_BLOCK ||
                           format == VK_FORMAT_BC4_UNORM_BLOCK ||
                           format == VK_FORMAT_BC4_SNORM_BLOCK;
        return small ? 8 : 16;
    }
    if (format == VK_FORMAT_E5B9G9R9_UFLOAT_PACK32) {
        return 4;
    }
    const VkImageAspectFlags aspects = format_aspects(format);
    if (aspects == VK_IMAGE_ASPECT_COLOR_BIT) {
        return color_format(format).bytes;
    }
    if (aspect == VK_IMAGE_ASPECT_STENCIL_BIT || aspects == VK_IMAGE_ASPECT_STENCIL_BIT) {
        return 1;
    }
    return format == VK_FORMAT_D16_UNORM || format == VK_FORMAT_D16_UNORM_S8_UINT ? 2 : 4;
}

size_t level_bytes(VkFormat format, VkExtent3D extent, VkImageAspectFlags aspect) {
    const size_t block = block_size(format);
    return (extent.width + block - 1) / block * ((extent.height + block - 1) / block) *
           extent.depth * texel_bytes(format, aspect);
}

Texel decode(VkFormat format, const uint8_t* bytes) {
    const auto& info = color_format(format);
    Texel value{0, 0, 0, 1};
    for (const auto& channel : info.channels) {
        value[channel.component] = decode_channel(get_bits(bytes, channel), channel, info.kind);
    }
    return value;
}

std::vector<uint8_t> encode(VkFormat format, const Texel& value) {
    const auto& info = color_format(format);
    std::vector<uint8_t> bytes(info.bytes);
    for (const auto& channel : info.channels) {
        const uint64_t bits = encode_channel(value[channel.component], channel, info.kind);
        for (uint32_t i = 0; i < channel.bits; ++i) {
            const uint32_t bit = channel.offset + i;
            bytes[bit / 8] |= static_cast<uint8_t>((bits >> i & 1) << bit % 8);
        }
    }
    return bytes;
}

double tolerance(VkFormat format, uint32_t component, double value) {
    const auto& info = color_format(format);
    for (const auto& channel : info.channels) {
        if (channel.component != component) {
            continue;
        }
        switch (info.kind) {
        case kUnorm:
            return 1.0 / (std::ldexp(1.0, channel.bits) - 1) + 1e-6;
        case kSrgb:
            return 1.0 / 127;
        case kSnorm:
            return 1.0 / (std::ldexp(1.0, channel.bits - 1) - 1) + 1e-6;
        case kFloat:
            return std::abs(value) * std::ldexp(2.0, channel.bits == 32   ? -23
                                                     : channel.bits == 16 ? -10
                                                                          : -5) +
                   1e-6;
        default:
            return 0;
        }
    }
    return 0;
}

double linear_from_srgb(double value) {
    return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double srgb_from_linear(double value) {
    return value <= 0.0031308 ? value * 12.92 : 1.055 * std::pow(value, 1 / 2.4) - 0.055;
}

double decode_half(uint16_t bits) {
    return decode_small(bits, 16);
}

} // namespace kite::vktest
