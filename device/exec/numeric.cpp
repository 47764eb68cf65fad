// SPDX-License-Identifier: MIT
#include "device/exec/numeric.hpp"

namespace kite::dev::exec {

namespace {

using hw::Round;
using hw::Type;

// Whether a discarded remainder rounds the magnitude up.
bool rounds_up(bool negative, bool odd, bool half, bool rest, Round round) {
    switch (round) {
    case Round::rte:
        return half && (rest || odd);
    case Round::rtz:
        return false;
    case Round::rtp:
        return !negative && (half || rest);
    case Round::rtn:
        return negative && (half || rest);
    }
    return false;
}

FloatFormat format_of(Type ty) {
    return ty == Type::f16 ? kHalf : ty == Type::f32 ? kFloat : kDouble;
}

// A finite or special float taken apart.
struct Parts {
    bool negative, nan, inf;
    uint64_t magnitude;
    int exponent; // value = magnitude * 2^exponent
};

Parts unpack(uint64_t bits, const FloatFormat& f) {
    const uint64_t fraction = bits & ((1ull << f.fraction_bits) - 1);
    const unsigned exponent_bits = f.bits - 1 - f.fraction_bits;
    const uint64_t all_ones = (1ull << exponent_bits) - 1;
    const uint64_t biased = (bits >> f.fraction_bits) & all_ones;
    Parts p{};
    p.negative = ((bits >> (f.bits - 1)) & 1) != 0;
    p.nan = biased == all_ones && fraction != 0;
    p.inf = biased == all_ones && fraction == 0;
    p.magnitude = biased == 0 ? fraction : fraction | (1ull << f.fraction_bits);
    p.exponent =
        (biased == 0 ? 1 : static_cast<int>(biased)) - f.bias - static_cast<int>(f.fraction_bits);
    return p;
}

uint64_t sign_extend(uint64_t x, unsigned bits) {
    return static_cast<uint64_t>(static_cast<int64_t>(x << (64 - bits)) >> (64 - bits));
}

// An integer type's range, as magnitudes.
uint64_t max_positive(Type ty) {
    const unsigned bits = hw::type_bytes(ty) * 8;
    return ~0ull >> (64 - bits + (hw::is_signed(ty) ? 1 : 0));
}

// 64-bit integer to the register form of a type.
uint64_t to_register(Type ty, uint64_t x) {
    switch (ty) {
    case Type::i8:
        return sign_extend(x, 8) & 0xffffffffu;
    case Type::i16:
        return sign_extend(x, 16) & 0xffffffffu;
    case Type::u8:
        return x & 0xffu;
    case Type::u16:
        return x & 0xffffu;
    case Type::i64:
    case Type::u64:
        return x;
    default:
        return x & 0xffffffffu;
    }
}

uint64_t float_to_int(Type to, const Parts& p, Round round) {
    if (p.nan || (p.magnitude == 0 && !p.inf)) {
        return 0;
    }
    const uint64_t max = max_positive(to);
    const uint64_t max_negative = hw::is_signed(to) ? max + 1 : 0;
    const uint64_t limit = p.negative ? max_negative : max;
    uint64_t magnitude = 0;
    if (p.inf || std::bit_width(p.magnitude) + p.exponent > 64) {
        magnitude = limit;
    } else if (p.exponent >= 0) {
        magnitude = p.magnitude << p.exponent;
    } else {
        const int drop = -p.exponent;
        const uint64_t whole = drop >= 64 ? 0 : p.magnitude >> drop;
        const bool half = drop <= 64 && ((p.magnitude >> (drop - 1)) & 1) != 0;
        const uint64_t below = drop > 64 ? p.magnitude : p.magnitude & ((1ull << (drop - 1)) - 1);
        magnitude =
            whole + (rounds_up(p.negative, (whole & 1) != 0, half, below != 0, round) ? 1 : 0);
    }
    magnitude = magnitude > limit ? limit : magnitude;
    return to_register(to, p.negative ? 0 - magnitude : magnitude);
}

} // namespace

uint64_t pack_float(bool negative, uint64_t magnitude, int exponent, const FloatFormat& f,
                    Round round) {
    const uint64_t sign = negative ? 1ull << (f.bits - 1) : 0;
    if (magnitude == 0) {
        return sign;
    }
    const unsigned exponent_bits = f.bits - 1 - f.fraction_bits;
    const uint64_t infinity = ((1ull << exponent_bits) - 1) << f.fraction_bits;
    // Normalise so that the leading one is bit 63, then find how many bits the format drops.
    const int lead = std::countl_zero(magnitude);
    magnitude <<= lead;
    exponent -= lead;
    const int unbiased = exponent + 63; // of the leading one
    int drop = 63 - static_cast<int>(f.fraction_bits);
    int biased = unbiased + f.bias;
    if (biased <= 0) { // subnormal
        drop += 1 - biased;
        biased = 0;
    }
    uint64_t kept = drop >= 64 ? 0 : magnitude >> drop;
    const bool half = drop <= 64 && drop > 0 && ((magnitude >> (drop - 1)) & 1) != 0;
    const bool rest = drop > 64 || (drop > 1 && (magnitude & ((1ull << (drop - 1)) - 1)) != 0);
    kept += rounds_up(negative, (kept & 1) != 0, half, rest, round) ? 1 : 0;
    // The leading one, where stored, adds 1 to the exponent field; so does a carry out of the
    // fraction.
    const uint64_t field =
        biased == 0 ? kept : (static_cast<uint64_t>(biased - 1) << f.fraction_bits) + kept;
    if (biased > (1 << exponent_bits) || field >= infinity) {
        const bool saturate = round == Round::rtz || (round == Round::rtp && negative) ||
                              (round == Round::rtn && !negative);
        return sign | (saturate ? infinity - 1 : infinity);
    }
    return sign | field;
}

uint64_t convert(Type to, Type from, Round round, uint64_t value) {
    if (!hw::is_float(from)) {
        const unsigned bits = hw::type_bytes(from) * 8;
        const uint64_t masked = value & (~0ull >> (64 - bits));
        const uint64_t wide = hw::is_signed(from) ? sign_extend(masked, bits) : masked;
        if (!hw::is_float(to)) {
            return to_register(to, wide);
        }
        const bool negative = hw::is_signed(from) && (wide >> 63) != 0;
        return pack_float(negative, negative ? 0 - wide : wide, 0, format_of(to), round);
    }
    const FloatFormat source = format_of(from);
    if (from == to) {
        return value & (~0ull >> (64 - source.bits));
    }
    const Parts p = unpack(value, source);
    if (!hw::is_float(to)) {
        return float_to_int(to, p, round);
    }
    const FloatFormat f = format_of(to);
    const uint64_t sign = p.negative ? 1ull << (f.bits - 1) : 0;
    const uint64_t infinity = ((1ull << (f.bits - 1 - f.fraction_bits)) - 1) << f.fraction_bits;
    if (p.nan) {
        return sign | infinity | (1ull << (f.fraction_bits - 1));
    }
    return p.inf ? sign | infinity : pack_float(p.negative, p.magnitude, p.exponent, f, round);
}

} // namespace kite::dev::exec
