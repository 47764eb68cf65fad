// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/fold.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace kite::cc::ir {

namespace {

using hw::Op;
using hw::Type;

unsigned bits_of(Type ty) {
    return hw::type_bytes(ty) * 8;
}

uint64_t mask_of(Type ty) {
    return bits_of(ty) == 64 ? ~0ull : (1ull << bits_of(ty)) - 1;
}

/// The value of an integer operand, extended to 64 bits by its type.
uint64_t extend(Type ty, uint64_t bits) {
    const unsigned n = bits_of(ty);
    if (n == 64) {
        return bits;
    }
    bits &= mask_of(ty);
    const bool negative = hw::is_signed(ty) && ((bits >> (n - 1)) & 1u) != 0;
    return negative ? bits | ~mask_of(ty) : bits;
}

/// An integer result as register bits: 8- and 16-bit results of cvt are extended by type, others
/// zero-extended.
uint64_t pack_int(Type ty, uint64_t value) {
    return value & mask_of(ty);
}

uint64_t boolean(bool b) {
    return b ? 0xffffffffu : 0;
}

template <typename T>
bool compare_float(hw::FCmp cc, T a, T b) {
    const bool unordered = std::isnan(a) || std::isnan(b);
    switch (cc) {
    case hw::FCmp::oeq:
        return a == b;
    case hw::FCmp::ogt:
        return a > b;
    case hw::FCmp::oge:
        return a >= b;
    case hw::FCmp::olt:
        return a < b;
    case hw::FCmp::ole:
        return a <= b;
    case hw::FCmp::one:
        return !unordered && a != b;
    case hw::FCmp::ord:
        return !unordered;
    case hw::FCmp::uno:
        return unordered;
    case hw::FCmp::ueq:
        return unordered || a == b;
    case hw::FCmp::ugt:
        return unordered || a > b;
    case hw::FCmp::uge:
        return unordered || a >= b;
    case hw::FCmp::ult:
        return unordered || a < b;
    case hw::FCmp::ule:
        return unordered || a <= b;
    case hw::FCmp::une:
        return unordered || a != b;
    }
    return false;
}

/// Arithmetic in T (f32 also stands for f16, whose results are then rounded once).
template <typename T>
std::optional<T> float_op(Op op, T a, T b, T c) {
    switch (op) {
    case Op::fadd:
        return a + b;
    case Op::fsub:
        return a - b;
    case Op::fmul:
        return a * b;
    case Op::ffma:
        return std::fma(a, b, c);
    case Op::fdiv:
        return a / b;
    case Op::fsqrt:
        return std::sqrt(a);
    case Op::fmin:
        return std::isnan(b) ? a : (a < b ? a : b);
    case Op::fmax:
        return std::isnan(b) ? a : (a > b ? a : b);
    case Op::ffloor:
        return std::floor(a);
    case Op::fceil:
        return std::ceil(a);
    case Op::ftrunc:
        return std::trunc(a);
    case Op::frne:
        return std::nearbyint(a);
    default:
        return std::nullopt;
    }
}

std::optional<uint64_t> fold_float(Op op, Type ty, uint16_t sub, const uint64_t* s) {
    const uint64_t sign = 1ull << (bits_of(ty) - 1);
    if (op == Op::fneg) {
        return (s[0] ^ sign) & mask_of(ty);
    }
    if (op == Op::fabs) {
        return s[0] & mask_of(ty) & ~sign;
    }
    if (ty == Type::f64) {
        const auto d = [](uint64_t v) { return std::bit_cast<double>(v); };
        if (op == Op::fcmp) {
            return boolean(compare_float(hw::FcmpSub::unpack(sub).cc, d(s[0]), d(s[1])));
        }
        const auto r = float_op<double>(op, d(s[0]), d(s[1]), d(s[2]));
        return r ? std::optional(std::bit_cast<uint64_t>(*r)) : std::nullopt;
    }
    const auto f = [&](uint64_t v) {
        return ty == Type::f16 ? half_to_float(static_cast<uint16_t>(v))
                               : std::bit_cast<float>(static_cast<uint32_t>(v));
    };
    if (op == Op::fcmp) {
        return boolean(compare_float(hw::FcmpSub::unpack(sub).cc, f(s[0]), f(s[1])));
    }
    const auto r = float_op<float>(op, f(s[0]), f(s[1]), f(s[2]));
    if (!r) {
        return std::nullopt;
    }
    return ty == Type::f16 ? float_to_half(*r) : std::bit_cast<uint32_t>(*r);
}

uint64_t divide(Type ty, uint64_t a, uint64_t b, bool remainder) {
    if ((b & mask_of(ty)) == 0) {
        return remainder ? a : ~0ull;
    }
    if (!hw::is_signed(ty)) {
        return remainder ? a % b : a / b;
    }
    if (b == ~0ull) {
        return remainder ? 0 : 0 - a;
    }
    const auto x = static_cast<int64_t>(a);
    const auto y = static_cast<int64_t>(b);
    return static_cast<uint64_t>(remainder ? x % y : x / y);
}

bool compare_int(hw::ICmp cc, bool is_signed, uint64_t a, uint64_t b) {
    const bool less = is_signed ? static_cast<int64_t>(a) < static_cast<int64_t>(b) : a < b;
    switch (cc) {
    case hw::ICmp::eq:
        return a == b;
    case hw::ICmp::ne:
        return a != b;
    case hw::ICmp::lt:
        return less;
    case hw::ICmp::le:
        return less || a == b;
    case hw::ICmp::gt:
        return !less && a != b;
    case hw::ICmp::ge:
        return !less;
    }
    return false;
}

uint64_t bit_field(bool sign, uint32_t a, uint32_t b, uint32_t c) {
    const unsigned n = c & 63;
    const unsigned o = b & 31;
    if (n == 0) {
        return 0;
    }
    if (n >= 32) {
        return sign ? static_cast<uint32_t>(static_cast<int32_t>(a) >> o) : a >> o;
    }
    // Bits past 32 are the extension of what is there: [o, min(o + n, 32)).
    const unsigned top = o + n < 32 ? o + n : 32;
    const unsigned width = top - o;
    uint32_t field = (a >> o) & (width == 32 ? ~0u : (1u << width) - 1);
    if (sign && width < 32 && width == n && ((field >> (width - 1)) & 1u) != 0) {
        field |= ~((1u << width) - 1);
    }
    return field;
}

uint64_t dot4(bool sign, uint32_t a, uint32_t b, uint32_t c) {
    uint32_t sum = c;
    for (unsigned i = 0; i < 32; i += 8) {
        const uint32_t x = (a >> i) & 0xff;
        const uint32_t y = (b >> i) & 0xff;
        sum +=
            sign ? static_cast<uint32_t>(static_cast<int8_t>(x) * static_cast<int8_t>(y)) : x * y;
    }
    return sum;
}

uint64_t most_significant(Type ty, uint64_t raw) {
    uint64_t v = raw & mask_of(ty);
    if (hw::is_signed(ty) && ((v >> (bits_of(ty) - 1)) & 1u) != 0) {
        v = ~v & mask_of(ty);
    }
    return v == 0 ? 0xffffffffu : static_cast<uint64_t>(63 - std::countl_zero(v));
}

std::optional<uint64_t> fold_int(Op op, Type ty, uint16_t sub, const uint64_t* s) {
    const uint64_t a = extend(ty, s[0]);
    const uint64_t b = extend(ty, s[1]);
    const auto a32 = static_cast<uint32_t>(s[0]);
    const auto b32 = static_cast<uint32_t>(s[1]);
    const auto c32 = static_cast<uint32_t>(s[2]);
    const bool sign = hw::is_signed(ty);
    const unsigned amount = b32 & (bits_of(ty) - 1);
    switch (op) {
    case Op::iadd:
        return pack_int(ty, a + b);
    case Op::isub:
        return pack_int(ty, a - b);
    case Op::imul:
        return pack_int(ty, a * b);
    case Op::imulh:
        return pack_int(ty, (a * b) >> 32);
    case Op::idiv:
    case Op::irem:
        return pack_int(ty, divide(ty, a, b, op == Op::irem));
    case Op::imin:
        return pack_int(ty, compare_int(hw::ICmp::lt, sign, a, b) ? a : b);
    case Op::imax:
        return pack_int(ty, compare_int(hw::ICmp::gt, sign, a, b) ? a : b);
    case Op::and_:
        return a & b;
    case Op::or_:
        return a | b;
    case Op::xor_:
        return a ^ b;
    case Op::shl:
        return pack_int(ty, a << amount);
    case Op::shr:
        return pack_int(ty, sign ? static_cast<uint64_t>(static_cast<int64_t>(a) >> amount)
                                 : a >> amount);
    case Op::icmp:
        return boolean(compare_int(hw::IcmpSub::unpack(sub).cc, sign, a, b));
    case Op::bcnt:
        return static_cast<uint64_t>(std::popcount(a));
    case Op::brev: {
        uint32_t r = 0;
        for (unsigned i = 0; i < 32; ++i) {
            r |= ((a32 >> i) & 1u) << (31 - i);
        }
        return r;
    }
    case Op::ffl:
        return a == 0 ? 0xffffffffu : static_cast<uint64_t>(std::countr_zero(a));
    case Op::ffm:
        return most_significant(ty, s[0]);
    case Op::bfe:
        return bit_field(sign, a32, b32, c32);
    case Op::dp4:
        return dot4(sign, a32, b32, c32);
    default:
        return std::nullopt;
    }
}

/// Rounds an exactly known value to T in the given direction. long double holds every source
/// (64-bit integers, doubles) exactly.
template <typename T>
T round_float(long double v, hw::Round rnd) {
    const T nearest = static_cast<T>(v);
    const auto back = static_cast<long double>(nearest);
    if (rnd == hw::Round::rte || std::isnan(v) || back == v || std::isinf(v)) {
        return nearest;
    }
    const bool up = rnd == hw::Round::rtp || (rnd == hw::Round::rtz && v < 0);
    const T inf = std::numeric_limits<T>::infinity();
    if (up && back < v) {
        return std::nextafter(nearest, inf);
    }
    if (!up && back > v) {
        return std::nextafter(nearest, -inf);
    }
    return nearest;
}

uint16_t round_half(long double v, hw::Round rnd) {
    const auto nearest = static_cast<_Float16>(v);
    auto bits = std::bit_cast<uint16_t>(nearest);
    const auto back = static_cast<long double>(half_to_float(bits));
    if (rnd == hw::Round::rte || std::isnan(v) || back == v || std::isinf(v)) {
        return bits;
    }
    const bool up = rnd == hw::Round::rtp || (rnd == hw::Round::rtz && v < 0);
    const bool toward_zero = (up && v < 0) || (!up && v > 0);
    const bool too_large = back > v;
    if (up == too_large) {
        return bits; // already on the wanted side
    }
    // Step one unit towards the wanted direction.
    const bool magnitude_down = toward_zero;
    if ((bits & 0x7fffu) == 0 && !magnitude_down) {
        return static_cast<uint16_t>(up ? 0x0001u : 0x8001u);
    }
    return static_cast<uint16_t>(magnitude_down ? bits - 1 : bits + 1);
}

uint64_t float_to_int(Type ty, long double v, hw::Round rnd) {
    if (std::isnan(v)) {
        return 0;
    }
    switch (rnd) {
    case hw::Round::rte:
        v = std::nearbyint(v);
        break;
    case hw::Round::rtz:
        v = std::trunc(v);
        break;
    case hw::Round::rtp:
        v = std::ceil(v);
        break;
    case hw::Round::rtn:
        v = std::floor(v);
        break;
    }
    const unsigned n = bits_of(ty);
    const long double top = std::ldexp(1.0L, static_cast<int>(hw::is_signed(ty) ? n - 1 : n));
    const long double bottom = hw::is_signed(ty) ? -top : 0.0L;
    if (v >= top) {
        return hw::is_signed(ty) ? (1ull << (n - 1)) - 1 : mask_of(ty);
    }
    if (v <= bottom) {
        return hw::is_signed(ty) ? 0 - (1ull << (n - 1)) : 0;
    }
    return v < 0 ? static_cast<uint64_t>(static_cast<int64_t>(v)) : static_cast<uint64_t>(v);
}

uint64_t convert(Type to, uint16_t sub, uint64_t raw) {
    const auto fields = hw::CvtSub::unpack(sub);
    const Type from = fields.sty;
    long double value = 0;
    uint64_t integer = 0;
    if (from == Type::f64) {
        value = std::bit_cast<double>(raw);
    } else if (from == Type::f32) {
        value = std::bit_cast<float>(static_cast<uint32_t>(raw));
    } else if (from == Type::f16) {
        value = half_to_float(static_cast<uint16_t>(raw));
    } else {
        integer = extend(from, raw);
        value = hw::is_signed(from) ? static_cast<long double>(static_cast<int64_t>(integer))
                                    : static_cast<long double>(integer);
    }
    switch (to) {
    case Type::f64:
        return std::bit_cast<uint64_t>(round_float<double>(value, fields.rnd));
    case Type::f32:
        return std::bit_cast<uint32_t>(round_float<float>(value, fields.rnd));
    case Type::f16:
        return round_half(value, fields.rnd);
    default:
        break;
    }
    if (hw::is_float(from)) {
        integer = float_to_int(to, value, fields.rnd);
    }
    const uint64_t r = extend(to, integer);
    return bits_of(to) == 64 ? r : r & 0xffffffffu;
}

} // namespace

float half_to_float(uint16_t bits) {
    return static_cast<float>(std::bit_cast<_Float16>(bits));
}

uint16_t float_to_half(float value) {
    return std::bit_cast<uint16_t>(static_cast<_Float16>(value));
}

std::optional<uint64_t> fold(Op op, Type ty, uint16_t sub, std::span<const uint64_t> operands) {
    const hw::OpInfo* info = hw::op_info(op);
    if (info == nullptr || std::string_view(info->group) != "alu" ||
        operands.size() < info->src_count || (info->types != 0 && !info->allows(ty))) {
        return std::nullopt;
    }
    uint64_t s[3] = {};
    for (size_t i = 0; i < operands.size() && i < 3; ++i) {
        s[i] = operands[i];
    }
    const uint64_t width = ty == Type::u64 ? ~0ull : 0xffffffffull;
    switch (op) {
    case Op::mov:
        return s[0] & width;
    case Op::sel:
        return (static_cast<uint32_t>(s[0]) != 0 ? s[1] : s[2]) & width;
    case Op::cvt:
        return convert(ty, sub, s[0]);
    default:
        return hw::is_float(ty) ? fold_float(op, ty, sub, s) : fold_int(op, ty, sub, s);
    }
}

} // namespace kite::cc::ir
