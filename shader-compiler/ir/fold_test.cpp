// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/fold.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

namespace kite::cc::ir {
namespace {

using hw::Op;
using hw::Type;

uint64_t run(Op op, Type ty, std::initializer_list<uint64_t> operands, uint16_t sub = 0) {
    const auto r = fold(op, ty, sub, std::vector<uint64_t>(operands));
    EXPECT_TRUE(r.has_value());
    return r.value_or(0xdeadbeef);
}

uint64_t f(float v) {
    return std::bit_cast<uint32_t>(v);
}

uint64_t cvt(Type to, Type from, uint64_t bits, hw::Round rnd = hw::Round::rte) {
    return run(Op::cvt, to, {bits}, hw::CvtSub{.sty = from, .rnd = rnd}.pack());
}

TEST(Fold, Float) {
    EXPECT_EQ(run(Op::fadd, Type::f32, {f(1.5f), f(2.0f)}), f(3.5f));
    EXPECT_EQ(run(Op::fneg, Type::f32, {f(0.0f)}), 0x80000000u);
    EXPECT_EQ(run(Op::fmin, Type::f32, {f(NAN), f(2.0f)}), f(2.0f));
    EXPECT_EQ(run(Op::fmax, Type::f32, {f(2.0f), f(NAN)}), f(2.0f));
    EXPECT_EQ(run(Op::frne, Type::f32, {f(2.5f)}), f(2.0f));
    // One rounding: 1 + 2^-11 + tiny is exact in f32, then rounded to f16.
    EXPECT_EQ(run(Op::fadd, Type::f16, {0x3c00, 0x1000}), 0x3c00u);
    EXPECT_EQ(run(Op::fcmp, Type::f32, {f(NAN), f(1)}, hw::FcmpSub{.cc = hw::FCmp::une}.pack()),
              0xffffffffu);
    EXPECT_EQ(run(Op::fcmp, Type::f32, {f(NAN), f(1)}, hw::FcmpSub{.cc = hw::FCmp::oeq}.pack()),
              0u);
}

TEST(Fold, IntegerEdges) {
    EXPECT_EQ(run(Op::idiv, Type::i32, {0x80000000u, 0xffffffffu}), 0x80000000u);
    EXPECT_EQ(run(Op::idiv, Type::u32, {7, 0}), 0xffffffffu);
    EXPECT_EQ(run(Op::irem, Type::i32, {static_cast<uint32_t>(-7), 4}), static_cast<uint32_t>(-3));
    EXPECT_EQ(run(Op::irem, Type::u32, {7, 0}), 7u);
    EXPECT_EQ(run(Op::imulh, Type::i32, {0xffffffffu, 2}), 0xffffffffu);
    EXPECT_EQ(run(Op::imulh, Type::u32, {0xffffffffu, 2}), 1u);
    EXPECT_EQ(run(Op::shr, Type::i32, {0x80000000u, 31}), 0xffffffffu);
    EXPECT_EQ(run(Op::shl, Type::u32, {1, 33}), 2u);
    EXPECT_EQ(run(Op::shr, Type::i16, {0x8000, 4}), 0xf800u);
    EXPECT_EQ(run(Op::ffm, Type::i32, {0xffffffffu}), 0xffffffffu);
    EXPECT_EQ(run(Op::ffm, Type::i32, {0xfffffff0u}), 3u);
    EXPECT_EQ(run(Op::ffl, Type::u32, {8}), 3u);
    EXPECT_EQ(run(Op::bfe, Type::i32, {0xf0, 4, 4}), 0xffffffffu);
    EXPECT_EQ(run(Op::bfe, Type::u32, {0xf0, 4, 0}), 0u);
    EXPECT_EQ(run(Op::bfe, Type::i32, {0x80000000u, 28, 8}), 8u);
    EXPECT_EQ(run(Op::brev, Type::u32, {1}), 0x80000000u);
    EXPECT_EQ(run(Op::dp4, Type::i32, {0xff, 2, 10}), 8u);
    EXPECT_EQ(run(Op::dp4, Type::u32, {0xff, 2, 10}), 520u);
}

TEST(Fold, Convert) {
    EXPECT_EQ(cvt(Type::i32, Type::f32, f(1e20f), hw::Round::rtz), 0x7fffffffu);
    EXPECT_EQ(cvt(Type::u32, Type::f32, f(-1.0f), hw::Round::rtz), 0u);
    EXPECT_EQ(cvt(Type::i32, Type::f32, f(NAN), hw::Round::rtz), 0u);
    EXPECT_EQ(cvt(Type::i32, Type::f32, f(-1.5f), hw::Round::rtz), 0xffffffffu);
    EXPECT_EQ(cvt(Type::i32, Type::i8, 0x80), 0xffffff80u);
    EXPECT_EQ(cvt(Type::u32, Type::u8, 0x180), 0x80u);
    EXPECT_EQ(cvt(Type::u64, Type::i32, 0xffffffffu), ~0ull);
    EXPECT_EQ(cvt(Type::i8, Type::u32, 0x80), 0xffffff80u);
    EXPECT_EQ(cvt(Type::f32, Type::u32, 0xffffffffu), f(4294967296.0f));
    EXPECT_EQ(cvt(Type::f32, Type::u32, 0xffffffffu, hw::Round::rtz), f(4294967040.0f));
    EXPECT_EQ(cvt(Type::f16, Type::f32, f(65520.0f)), 0x7c00u);
    EXPECT_EQ(cvt(Type::f16, Type::f32, f(65520.0f), hw::Round::rtz), 0x7bffu);
    EXPECT_EQ(cvt(Type::f16, Type::f32, f(1.0004f), hw::Round::rtp), 0x3c01u);
    EXPECT_EQ(cvt(Type::f16, Type::f32, f(-1.0004f), hw::Round::rtn), 0xbc01u);
    EXPECT_EQ(cvt(Type::f64, Type::f32, f(0.5f)), std::bit_cast<uint64_t>(0.5));
}

TEST(Fold, DeclinesWhatIsNotAlu) {
    const uint64_t s[] = {0, 0};
    EXPECT_FALSE(fold(Op::qread, Type::none, 0, s).has_value());
    EXPECT_FALSE(fold(Op::fadd, Type::u32, 0, s).has_value());
    EXPECT_FALSE(fold(Op::fadd, Type::f32, 0, std::span<const uint64_t>(s, 1)).has_value());
}

} // namespace
} // namespace kite::cc::ir
