// SPDX-License-Identifier: MIT
#include "device/format/codec.hpp"

#include "device/format/numbers.hpp"
#include "kite_hw/formats.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace kite::dev::format {

namespace {

using hw::ChannelType;
using hw::Format;
using hw::FormatInfo;

/// sRGB tables: linear value per code, and the linear value where the next code begins.
struct SrgbTables {
    std::array<float, 256> linear{};
    std::array<float, 256> next{}; // next[c]: smallest value that rounds to c + 1
    SrgbTables() {
        const auto curve = [](double s) {
            return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
        };
        for (size_t i = 0; i < 256; ++i) {
            linear[i] = static_cast<float>(curve(static_cast<double>(i) / 255.0));
            next[i] = static_cast<float>(curve((static_cast<double>(i) + 0.5) / 255.0));
        }
    }
};
const SrgbTables kSrgbTables;

float load_f32(const std::byte* p) {
    float f;
    std::memcpy(&f, p, 4);
    return f;
}

uint32_t load_bits(const std::byte* p, unsigned shift, unsigned bits) {
    // Channels of 32 bits are aligned to bytes; narrower ones lie inside one 32-bit word.
    const unsigned first = shift / 8, last = (shift + bits - 1) / 8;
    uint64_t word = 0;
    for (unsigned i = first; i <= last; ++i) {
        word |= static_cast<uint64_t>(p[i]) << (8 * (i - first));
    }
    return static_cast<uint32_t>(word >> (shift % 8) & ((uint64_t{1} << bits) - 1));
}

void or_bits(std::byte* p, unsigned shift, unsigned bits, uint32_t value) {
    uint64_t word = (value & ((uint64_t{1} << bits) - 1)) << (shift % 8);
    for (unsigned i = shift / 8; i <= (shift + bits - 1) / 8; ++i, word >>= 8) {
        p[i] |= static_cast<std::byte>(word & 0xff);
    }
}

float channel_to_float(const hw::Channel& ch, const std::byte* p) {
    if (ch.bits == 64) {
        double d;
        std::memcpy(&d, p + ch.shift / 8, 8);
        return static_cast<float>(d);
    }
    const uint32_t raw = load_bits(p, ch.shift, ch.bits);
    switch (ch.type) {
    case ChannelType::unorm:
        return unorm_to_float(raw, ch.bits);
    case ChannelType::snorm:
        return snorm_to_float(sign_extend(raw, ch.bits), ch.bits);
    case ChannelType::uint:
    case ChannelType::uscaled:
        return static_cast<float>(raw);
    case ChannelType::sint:
    case ChannelType::sscaled:
        return static_cast<float>(sign_extend(raw, ch.bits));
    case ChannelType::sfloat:
        return ch.bits == 16 ? half_to_float(static_cast<uint16_t>(raw))
                             : std::bit_cast<float>(raw);
    case ChannelType::ufloat:
        return ch.bits == 11 ? ufloat_to_float<6>(raw) : ufloat_to_float<5>(raw);
    case ChannelType::srgb:
        return kSrgbTables.linear[raw & 0xff];
    case ChannelType::none:
        break;
    }
    return 0.0f;
}

uint32_t float_to_channel(const hw::Channel& ch, float value) {
    switch (ch.type) {
    case ChannelType::unorm:
        return float_to_unorm(value, ch.bits);
    case ChannelType::snorm:
        return static_cast<uint32_t>(float_to_snorm(value, ch.bits));
    case ChannelType::uscaled:
    case ChannelType::uint: {
        const double top = static_cast<double>((uint64_t{1} << ch.bits) - 1);
        return value > 0.0f ? static_cast<uint32_t>(
                                  std::nearbyint(std::min(static_cast<double>(value), top)))
                            : 0;
    }
    case ChannelType::sscaled:
    case ChannelType::sint: {
        const double top = static_cast<double>((uint64_t{1} << (ch.bits - 1)) - 1);
        const double v = value == value ? static_cast<double>(value) : 0.0;
        return static_cast<uint32_t>(
            static_cast<int32_t>(std::nearbyint(std::clamp(v, -top - 1.0, top))));
    }
    case ChannelType::sfloat:
        return ch.bits == 16 ? float_to_half(value) : std::bit_cast<uint32_t>(value);
    case ChannelType::ufloat:
        return ch.bits == 11 ? float_to_ufloat<6>(value) : float_to_ufloat<5>(value);
    case ChannelType::srgb:
        return linear_to_srgb(value);
    case ChannelType::none:
        break;
    }
    return 0;
}

void decode_generic(const FormatInfo& info, const std::byte* p, float rgba[4]) {
    for (unsigned c = 0; c < 4; ++c) {
        const hw::Channel& ch = info.ch[c];
        const bool present = ch.type != ChannelType::none && ch.bits != 0 && !(info.depth && c > 0);
        rgba[c] = present ? channel_to_float(ch, p) : c == 3 ? 1.0f : 0.0f;
    }
}

void encode_generic(const FormatInfo& info, const float rgba[4], std::byte* p) {
    std::memset(p, 0, info.bytes_per_block);
    for (unsigned c = 0; c < 4; ++c) {
        const hw::Channel& ch = info.ch[c];
        if (ch.type == ChannelType::none || ch.bits == 0 || (info.depth && c > 0)) {
            continue;
        }
        if (ch.bits == 64) {
            const double d = static_cast<double>(rgba[c]);
            std::memcpy(p + ch.shift / 8, &d, 8);
        } else {
            or_bits(p, ch.shift, ch.bits, float_to_channel(ch, rgba[c]));
        }
    }
}

void decode_shared_exponent(const std::byte* p, float rgba[4]) {
    const uint32_t word = load_bits(p, 0, 32);
    const auto scale = static_cast<float>(std::ldexp(1.0, static_cast<int>(word >> 27) - 24));
    rgba[0] = static_cast<float>(word & 0x1ff) * scale;
    rgba[1] = static_cast<float>(word >> 9 & 0x1ff) * scale;
    rgba[2] = static_cast<float>(word >> 18 & 0x1ff) * scale;
    rgba[3] = 1.0f;
}

// Vulkan, "Conversion from floating point to shared exponent".
void encode_shared_exponent(const float rgba[4], std::byte* p) {
    constexpr float kLargest = 65408.0f; // (511 / 512) * 2^16
    float c[3];
    float top = 0.0f;
    for (unsigned i = 0; i < 3; ++i) {
        c[i] = rgba[i] > 0.0f ? std::min(rgba[i], kLargest) : 0.0f;
        top = std::max(top, c[i]);
    }
    int exponent = 0;
    if (top > 0.0f) {
        exponent = std::max(-16, std::ilogb(top)) + 16;
    }
    if (std::floor(std::ldexp(static_cast<double>(top), 24 - exponent) + 0.5) >= 512.0) {
        ++exponent;
    }
    uint32_t word = static_cast<uint32_t>(exponent) << 27;
    for (unsigned i = 0; i < 3; ++i) {
        word |= static_cast<uint32_t>(
                    std::floor(std::ldexp(static_cast<double>(c[i]), 24 - exponent) + 0.5))
                << (9 * i);
    }
    std::memcpy(p, &word, 4);
}

float unorm8(std::byte b) {
    return static_cast<float>(static_cast<uint8_t>(b)) / 255.0f;
}
float srgb8(std::byte b) {
    return kSrgbTables.linear[static_cast<uint8_t>(b)];
}

std::byte to_unorm8(float f) {
    const float clamped = f > 0.0f ? std::min(f, 1.0f) : 0.0f;
    // Adding 1.5 * 2^23 rounds to nearest even and leaves the integer in the low bits.
    return static_cast<std::byte>(std::bit_cast<uint32_t>(clamped * 255.0f + 12582912.0f) & 0xff);
}

template <unsigned R, unsigned B>
void decode_unorm8x4(const std::byte* p, float rgba[4]) {
    rgba[0] = unorm8(p[R]);
    rgba[1] = unorm8(p[1]);
    rgba[2] = unorm8(p[B]);
    rgba[3] = unorm8(p[3]);
}

template <unsigned R, unsigned B>
void encode_unorm8x4(const float rgba[4], std::byte* p) {
    p[R] = to_unorm8(rgba[0]);
    p[1] = to_unorm8(rgba[1]);
    p[B] = to_unorm8(rgba[2]);
    p[3] = to_unorm8(rgba[3]);
}

template <unsigned R, unsigned B>
void decode_srgb8x4(const std::byte* p, float rgba[4]) {
    rgba[0] = srgb8(p[R]);
    rgba[1] = srgb8(p[1]);
    rgba[2] = srgb8(p[B]);
    rgba[3] = unorm8(p[3]);
}

template <unsigned R, unsigned B>
void encode_srgb8x4(const float rgba[4], std::byte* p) {
    p[R] = static_cast<std::byte>(linear_to_srgb(rgba[0]));
    p[1] = static_cast<std::byte>(linear_to_srgb(rgba[1]));
    p[B] = static_cast<std::byte>(linear_to_srgb(rgba[2]));
    p[3] = to_unorm8(rgba[3]);
}

} // namespace

float half_to_float(uint16_t half) {
    const float magnitude = ufloat_to_float<10>(half & 0x7fffu);
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) |
                                static_cast<uint32_t>(half & 0x8000u) << 16);
}

uint16_t float_to_half(float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    return static_cast<uint16_t>(magnitude_to_small<10>(bits & 0x7fffffffu) |
                                 (bits >> 16 & 0x8000u));
}

float srgb_to_linear(uint8_t code) {
    return kSrgbTables.linear[code];
}

uint8_t linear_to_srgb(float value) {
    if (!(value > 0.0f)) {
        return 0;
    }
    unsigned code = 0;
    for (unsigned step = 128; step != 0; step >>= 1) {
        // The largest code whose predecessor's end is not above the value.
        code += value >= kSrgbTables.next[code + step - 1] ? step : 0;
    }
    return static_cast<uint8_t>(code);
}

bool is_integer(uint32_t format) {
    const FormatInfo* info = hw::format_info(format);
    return info != nullptr && !info->depth && !info->compressed && info->is_integer();
}

void decode_float(uint32_t format, const std::byte* texel, float rgba[4]) {
    switch (static_cast<Format>(format)) {
    case Format::r8g8b8a8_unorm:
    case Format::a8b8g8r8_unorm_pack32:
        return decode_unorm8x4<0, 2>(texel, rgba);
    case Format::b8g8r8a8_unorm:
        return decode_unorm8x4<2, 0>(texel, rgba);
    case Format::r8g8b8a8_srgb:
    case Format::a8b8g8r8_srgb_pack32:
        return decode_srgb8x4<0, 2>(texel, rgba);
    case Format::b8g8r8a8_srgb:
        return decode_srgb8x4<2, 0>(texel, rgba);
    case Format::r32g32b32a32_sfloat:
        std::memcpy(rgba, texel, 16);
        return;
    case Format::r32_sfloat:
    case Format::d32_sfloat:
        rgba[0] = load_f32(texel);
        rgba[1] = rgba[2] = 0.0f;
        rgba[3] = 1.0f;
        return;
    case Format::e5b9g9r9_ufloat_pack32:
        return decode_shared_exponent(texel, rgba);
    default:
        break;
    }
    const FormatInfo* info = hw::format_info(format);
    if (info == nullptr || info->compressed) {
        rgba[0] = rgba[1] = rgba[2] = 0.0f;
        rgba[3] = 1.0f;
        return;
    }
    decode_generic(*info, texel, rgba);
}

void decode_int(uint32_t format, const std::byte* texel, uint32_t rgba[4]) {
    rgba[0] = rgba[1] = rgba[2] = 0;
    rgba[3] = 1;
    const FormatInfo* info = hw::format_info(format);
    if (info == nullptr || info->compressed) {
        return;
    }
    if (info->first().bits == 64) {
        std::memcpy(rgba, texel, std::min<size_t>(info->bytes_per_block, 16));
        return;
    }
    for (unsigned c = 0; c < 4; ++c) {
        const hw::Channel& ch = info->ch[c];
        if (ch.type == ChannelType::none || ch.bits == 0 || (info->depth && c > 0)) {
            continue;
        }
        const uint32_t raw = load_bits(texel, ch.shift, ch.bits);
        rgba[c] =
            ch.type == ChannelType::sint ? static_cast<uint32_t>(sign_extend(raw, ch.bits)) : raw;
    }
}

void encode_float(uint32_t format, const float rgba[4], std::byte* texel) {
    switch (static_cast<Format>(format)) {
    case Format::r8g8b8a8_unorm:
    case Format::a8b8g8r8_unorm_pack32:
        return encode_unorm8x4<0, 2>(rgba, texel);
    case Format::b8g8r8a8_unorm:
        return encode_unorm8x4<2, 0>(rgba, texel);
    case Format::r8g8b8a8_srgb:
    case Format::a8b8g8r8_srgb_pack32:
        return encode_srgb8x4<0, 2>(rgba, texel);
    case Format::b8g8r8a8_srgb:
        return encode_srgb8x4<2, 0>(rgba, texel);
    case Format::r32g32b32a32_sfloat:
        std::memcpy(texel, rgba, 16);
        return;
    case Format::r32_sfloat:
    case Format::d32_sfloat:
        std::memcpy(texel, rgba, 4);
        return;
    case Format::e5b9g9r9_ufloat_pack32:
        return encode_shared_exponent(rgba, texel);
    default:
        break;
    }
    const FormatInfo* info = hw::format_info(format);
    if (info != nullptr && !info->compressed) {
        encode_generic(*info, rgba, texel);
    }
}

void encode_int(uint32_t format, const uint32_t rgba[4], std::byte* texel) {
    const FormatInfo* info = hw::format_info(format);
    if (info == nullptr || info->compressed) {
        return;
    }
    if (info->first().bits == 64) {
        std::memcpy(texel, rgba, std::min<size_t>(info->bytes_per_block, 16));
        return;
    }
    std::memset(texel, 0, info->bytes_per_block);
    for (unsigned c = 0; c < 4; ++c) {
        const hw::Channel& ch = info->ch[c];
        if (ch.type == ChannelType::none || ch.bits == 0 || (info->depth && c > 0)) {
            continue;
        }
        uint32_t value = rgba[c];
        if (ch.bits < 32) {
            const uint32_t top = (1u << ch.bits) - 1;
            if (ch.type == ChannelType::sint) {
                const auto half = static_cast<int32_t>(top >> 1);
                value =
                    static_cast<uint32_t>(std::clamp(static_cast<int32_t>(value), -half - 1, half));
            } else {
                value = std::min(value, top);
            }
        }
        or_bits(texel, ch.shift, ch.bits, value);
    }
}

void decode_float_span(uint32_t format, const std::byte* texels, size_t stride, size_t count,
                       float (*rgba)[4]) {
    for (size_t i = 0; i < count; ++i) {
        decode_float(format, texels + i * stride, rgba[i]);
    }
}

void encode_float_span(uint32_t format, const float (*rgba)[4], std::byte* texels, size_t stride,
                       size_t count) {
    for (size_t i = 0; i < count; ++i) {
        encode_float(format, rgba[i], texels + i * stride);
    }
}

} // namespace kite::dev::format
