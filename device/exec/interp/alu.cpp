// SPDX-License-Identifier: MIT
// Arithmetic on one lane. Floats: std functions and operators only, compiled without contraction.
#include "device/exec/interp/interp.hpp"
#include "device/exec/numeric.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace kite::dev::exec::interp {

namespace {

using hw::Op;
using hw::Type;

constexpr uint32_t kTrue = 0xffffffffu;

// One floating-point operation in F (float also computes f16).
template <typename F>
F float_op(Op op, F a, F b, F c) {
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
    case Op::ffloor:
        return std::floor(a);
    case Op::fceil:
        return std::ceil(a);
    case Op::ftrunc:
        return std::trunc(a);
    case Op::frne:
        return round_even(a);
    default:
        return a;
    }
}

template <typename F>
bool float_compare(hw::FCmp cc, F a, F b) {
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

// A float instruction on bit patterns: Bits is the stored form, F computes.
template <typename F, typename Bits>
uint64_t float_alu(const hw::Inst& inst, uint64_t ra, uint64_t rb, uint64_t rc) {
    const auto bits_a = static_cast<Bits>(ra);
    const auto bits_b = static_cast<Bits>(rb);
    constexpr Bits kSign = static_cast<Bits>(Bits{1} << (sizeof(Bits) * 8 - 1));
    const F a = float_from_bits<F>(bits_a);
    const F b = float_from_bits<F>(bits_b);
    switch (inst.op) {
    case Op::fneg:
        return static_cast<Bits>(bits_a ^ kSign);
    case Op::fabs:
        return static_cast<Bits>(bits_a & static_cast<Bits>(~kSign));
    case Op::fmin:
        return std::isnan(b) ? bits_a : a < b ? bits_a : bits_b;
    case Op::fmax:
        return std::isnan(b) ? bits_a : a > b ? bits_a : bits_b;
    case Op::fcmp:
        return float_compare(hw::FcmpSub::unpack(inst.sub).cc, a, b) ? kTrue : 0;
    default:
        return bits_from_float<Bits>(
            float_op<F>(inst.op, a, b, float_from_bits<F>(static_cast<Bits>(rc))));
    }
}

template <typename T>
bool int_compare(hw::ICmp cc, T a, T b) {
    switch (cc) {
    case hw::ICmp::eq:
        return a == b;
    case hw::ICmp::ne:
        return a != b;
    case hw::ICmp::lt:
        return a < b;
    case hw::ICmp::le:
        return a <= b;
    case hw::ICmp::gt:
        return a > b;
    case hw::ICmp::ge:
        return a >= b;
    }
    return false;
}

template <typename T>
T divide(T a, T b) {
    if (b == 0) {
        return static_cast<T>(~T{0});
    }
    if constexpr (std::is_signed_v<T>) {
        if (a == std::numeric_limits<T>::min() && b == -1) {
            return a;
        }
    }
    return static_cast<T>(a / b);
}

template <typename T>
T remainder(T a, T b) {
    if (b == 0) {
        return a;
    }
    if constexpr (std::is_signed_v<T>) {
        if (b == -1) {
            return 0;
        }
    }
    return static_cast<T>(a % b);
}

// An integer instruction; T carries width and signedness.
template <typename T>
uint64_t int_alu(const hw::Inst& inst, uint64_t ra, uint64_t rb) {
    using U = std::make_unsigned_t<T>;
    constexpr unsigned kBits = sizeof(T) * 8;
    const auto a = static_cast<T>(ra);
    const auto b = static_cast<T>(rb);
    const uint64_t ua = static_cast<U>(a);
    const uint64_t ub = static_cast<U>(b);
    const auto shift = static_cast<unsigned>(rb & (kBits - 1));
    switch (inst.op) {
    case Op::iadd:
        return static_cast<U>(ua + ub);
    case Op::isub:
        return static_cast<U>(ua - ub);
    case Op::imul:
        return static_cast<U>(ua * ub);
    case Op::idiv:
        return static_cast<U>(divide(a, b));
    case Op::irem:
        return static_cast<U>(remainder(a, b));
    case Op::imin:
        return static_cast<U>(a < b ? a : b);
    case Op::imax:
        return static_cast<U>(a > b ? a : b);
    case Op::and_:
        return ua & ub;
    case Op::or_:
        return ua | ub;
    case Op::xor_:
        return ua ^ ub;
    case Op::shl:
        return static_cast<U>(ua << shift);
    case Op::shr:
        return static_cast<U>(a >> shift);
    case Op::icmp:
        return int_compare(hw::IcmpSub::unpack(inst.sub).cc, a, b) ? kTrue : 0;
    case Op::bcnt:
        return static_cast<unsigned>(std::popcount(ua));
    case Op::ffl:
        return ua == 0 ? kTrue : static_cast<unsigned>(std::countr_zero(ua));
    case Op::ffm: {
        U x = static_cast<U>(ua);
        if (std::is_signed_v<T> && a < 0) {
            x = static_cast<U>(~x);
        }
        return x == 0 ? kTrue : static_cast<unsigned>(std::bit_width(x)) - 1u;
    }
    default:
        return 0;
    }
}

uint32_t reverse_bits(uint32_t a) {
    uint32_t r = 0;
    for (unsigned i = 0; i < 32; ++i) {
        r |= ((a >> i) & 1u) << (31 - i);
    }
    return r;
}

uint32_t extract_bits(uint32_t a, uint32_t b, uint32_t c, bool is_signed) {
    const uint32_t n = c & 63;
    const uint32_t o = b & 31;
    if (n == 0) {
        return 0;
    }
    if (n >= 32) {
        return is_signed ? static_cast<uint32_t>(static_cast<int32_t>(a) >> o) : a >> o;
    }
    const uint32_t field = (a >> o) << (32 - n);
    return is_signed ? static_cast<uint32_t>(static_cast<int32_t>(field) >> (32 - n))
                     : field >> (32 - n);
}

uint32_t dot4(uint32_t a, uint32_t b, uint32_t c, bool is_signed) {
    for (unsigned i = 0; i < 32; i += 8) {
        const auto x = static_cast<uint8_t>(a >> i);
        const auto y = static_cast<uint8_t>(b >> i);
        const int product = is_signed ? static_cast<int8_t>(x) * static_cast<int8_t>(y) : x * y;
        c += static_cast<uint32_t>(product);
    }
    return c;
}

uint64_t typed_int_alu(const hw::Inst& inst, uint64_t a, uint64_t b) {
    switch (inst.ty) {
    case Type::i16:
        return int_alu<int16_t>(inst, a, b);
    case Type::u16:
        return int_alu<uint16_t>(inst, a, b);
    case Type::i32:
        return int_alu<int32_t>(inst, a, b);
    case Type::i64:
        return int_alu<int64_t>(inst, a, b);
    case Type::u64:
        return int_alu<uint64_t>(inst, a, b);
    default:
        return int_alu<uint32_t>(inst, a, b);
    }
}

} // namespace

uint64_t eval_alu(const hw::Inst& inst, uint64_t a, uint64_t b, uint64_t c) {
    const bool is_signed = hw::is_signed(inst.ty);
    switch (inst.op) {
    case Op::mov:
        return a;
    case Op::sel:
        return static_cast<uint32_t>(a) != 0 ? b : c;
    case Op::imulh:
        return static_cast<uint32_t>(
            is_signed ? static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(a)) *
                                              static_cast<int32_t>(b)) >>
                            32
                      : (static_cast<uint32_t>(a) * (b & 0xffffffffu)) >> 32);
    case Op::brev:
        return reverse_bits(static_cast<uint32_t>(a));
    case Op::bfe:
        return extract_bits(static_cast<uint32_t>(a), static_cast<uint32_t>(b),
                            static_cast<uint32_t>(c), is_signed);
    case Op::dp4:
        return dot4(static_cast<uint32_t>(a), static_cast<uint32_t>(b), static_cast<uint32_t>(c),
                    is_signed);
    case Op::cvt: {
        const auto sub = hw::CvtSub::unpack(inst.sub);
        return convert(inst.ty, sub.sty, sub.rnd, a);
    }
    default:
        break;
    }
    switch (inst.ty) {
    case Type::f16:
        return float_alu<float, uint16_t>(inst, a, b, c);
    case Type::f32:
        return float_alu<float, uint32_t>(inst, a, b, c);
    case Type::f64:
        return float_alu<double, uint64_t>(inst, a, b, c);
    default:
        return typed_int_alu(inst, a, b);
    }
}

void exec_alu(Wave& w, const hw::Inst& inst) {
    std::array<Type, 3> types{};
    for (unsigned i = 0; i < 3; ++i) {
        types[i] = hw::operand_type(inst, static_cast<hw::Slot>(i + 1));
    }
    const Type result = hw::operand_type(inst, hw::Slot::dst);
    const unsigned lanes = w.lanes_of(inst.dst);
    for (unsigned i = 0; i < lanes; ++i) {
        const uint64_t a = w.value(inst, inst.src0, types[0], i);
        const uint64_t b = w.value(inst, inst.src1, types[1], i);
        const uint64_t c = w.value(inst, inst.src2, types[2], i);
        w.write_value(inst, result, i, eval_alu(inst, a, b, c));
    }
}

} // namespace kite::dev::exec::interp
