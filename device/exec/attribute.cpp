// SPDX-License-Identifier: MIT
#include "device/exec/attribute.hpp"

#include "device/exec/numeric.hpp"
#include "kite_hw/formats.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::exec {

namespace {

using hw::Channel;
using hw::ChannelType;
using hw::Type;

constexpr size_t kMaxTexel = 32;
using Raw = std::array<std::byte, kMaxTexel + 8>;

uint64_t channel_bits(const Raw& raw, const Channel& c) {
    uint64_t x = 0;
    std::memcpy(&x, raw.data() + c.shift / 8, sizeof(x));
    x >>= c.shift % 8;
    return c.bits >= 64 ? x : x & ((1ull << c.bits) - 1);
}

int32_t sign_extended(uint64_t x, unsigned bits) {
    return static_cast<int32_t>(static_cast<uint32_t>(x) << (32 - bits)) >> (32 - bits);
}

// Unsigned 10- and 11-bit floats: a half without sign and with fewer fraction bits.
float small_float(uint64_t x, unsigned bits) {
    return half_to_float(static_cast<uint16_t>(x << (15 - bits)));
}

float as_float(uint64_t x, const Channel& c) {
    const float whole = static_cast<float>((1ull << (c.bits - 1)) - 1);
    switch (c.type) {
    case ChannelType::unorm:
    case ChannelType::srgb:
        return static_cast<float>(static_cast<uint32_t>(x)) /
               static_cast<float>((1ull << c.bits) - 1);
    case ChannelType::snorm:
        return std::max(static_cast<float>(sign_extended(x, c.bits)) / whole, -1.0f);
    case ChannelType::uscaled:
        return static_cast<float>(static_cast<uint32_t>(x));
    case ChannelType::sscaled:
        return static_cast<float>(sign_extended(x, c.bits));
    case ChannelType::sfloat:
        return c.bits == 16 ? half_to_float(static_cast<uint16_t>(x))
                            : std::bit_cast<float>(static_cast<uint32_t>(x));
    case ChannelType::ufloat:
        return small_float(x, c.bits);
    default:
        return std::bit_cast<float>(static_cast<uint32_t>(x));
    }
}

uint32_t component(const Raw& raw, const Channel& c, Type ty) {
    const uint64_t x = channel_bits(raw, c);
    if (ty == Type::f32 && c.type != ChannelType::sint && c.type != ChannelType::uint) {
        return std::bit_cast<uint32_t>(as_float(x, c));
    }
    const bool is_signed = c.type == ChannelType::sint || c.type == ChannelType::snorm ||
                           c.type == ChannelType::sscaled;
    return is_signed && c.bits < 32 ? static_cast<uint32_t>(sign_extended(x, c.bits))
                                    : static_cast<uint32_t>(x);
}

uint64_t one(Type ty) {
    switch (ty) {
    case Type::f32:
        return 0x3f800000;
    case Type::f64:
        return 0x3ff0000000000000;
    default:
        return 1;
    }
}

} // namespace

void fetch_attribute(const AttributeSource& source, uint32_t element, Type ty,
                     std::span<uint32_t, 8> out) {
    const hw::FormatInfo* info = hw::format_info(source.format);
    const bool fit = info != nullptr && !info->compressed && !info->shared_exponent &&
                     info->bytes_per_block <= kMaxTexel;
    Raw raw{};
    if (fit && source.base != nullptr) {
        const uint64_t at = source.offset + uint64_t{element} * source.stride;
        if (source.size >= info->bytes_per_block && at <= source.size - info->bytes_per_block) {
            std::memcpy(raw.data(), source.base + at, info->bytes_per_block);
        }
    }
    for (unsigned c = 0; c < 4; ++c) {
        const bool present = fit && info->ch[c].type != ChannelType::none;
        uint64_t x = c == 3 ? one(ty) : 0;
        if (ty == Type::f64) {
            if (present) {
                x = info->ch[c].bits == 64 ? channel_bits(raw, info->ch[c]) : 0;
            }
            out[2 * c] = static_cast<uint32_t>(x);
            out[2 * c + 1] = static_cast<uint32_t>(x >> 32);
        } else {
            if (present) {
                x = component(raw, info->ch[c], ty);
            }
            out[c] = static_cast<uint32_t>(x);
        }
    }
}

} // namespace kite::dev::exec
