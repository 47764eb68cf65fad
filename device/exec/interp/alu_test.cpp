// SPDX-License-Identifier: MIT
// Golden vectors, worked out by hand from hw/isa/alu.toml.
#include "device/exec/interp/interp.hpp"

#include "kite_hw/assemble.hpp"

#include <gtest/gtest.h>

namespace kite::dev::exec::interp {
namespace {

struct Golden {
    const char* text;
    uint64_t a, b, c, want;
};

constexpr uint32_t kTrue = 0xffffffff;

constexpr Golden kGolden[] = {
    {"mov v0, v1", 5, 0, 0, 5},
    {"sel v0, v1, v2, v3", 2, 7, 9, 7},
    {"sel v0, v1, v2, v3", 0, 7, 9, 9},
    {"fadd.f32 v0, v1, v2", 0x3f800000, 0x40000000, 0, 0x40400000},
    {"fadd.f32 v0, v1, v2", 0x00000001, 0x00000001, 0, 0x00000002}, // denormals are kept
    {"fadd.f16 v0, v1, v2", 0x3c00, 0x1000, 0, 0x3c00},             // 1 + 2^-11: tie to even
    {"fsub.f64 v[0:1], v[2:3], v[4:5]", 0x3ff0000000000000, 0x3ff0000000000000, 0, 0},
    {"fmul.f32 v0, v1, v2", 0x7f800000, 0xbf800000, 0, 0xff800000},
    {"ffma.f32 v0, v1, v2, v3", 0x3f800001, 0x3f800001, 0xbf800002,
     0x28800000}, // 2^-46: one rounding
    {"fdiv.f32 v0, v1, v2", 0x3f800000, 0x40400000, 0, 0x3eaaaaab},
    {"fdiv.f32 v0, v1, v2", 0xbf800000, 0x00000000, 0, 0xff800000},
    {"fsqrt.f32 v0, v1", 0x40000000, 0, 0, 0x3fb504f3},
    {"fmin.f32 v0, v1, v2", 0x7fc00000, 0x3f800000, 0, 0x3f800000}, // a NaN loses
    {"fmin.f32 v0, v1, v2", 0x3f800000, 0x7fc00000, 0, 0x3f800000},
    {"fmax.f32 v0, v1, v2", 0x80000000, 0x00000000, 0, 0x00000000}, // equal: b
    {"ffloor.f32 v0, v1", 0xbfc00000, 0, 0, 0xc0000000},
    {"fceil.f32 v0, v1", 0xbf000000, 0, 0, 0x80000000},
    {"ftrunc.f32 v0, v1", 0xbfc00000, 0, 0, 0xbf800000},
    {"frne.f32 v0, v1", 0x40200000, 0, 0, 0x40000000}, // 2.5 -> 2
    {"frne.f32 v0, v1", 0x40600000, 0, 0, 0x40800000}, // 3.5 -> 4
    {"fneg.f32 v0, v1", 0x7fc00001, 0, 0, 0xffc00001},
    {"fabs.f16 v0, v1", 0x8001, 0, 0, 0x0001},
    {"fcmp.f32 v0, v1, v2 {cc=olt}", 0x7fc00000, 0x3f800000, 0, 0},
    {"fcmp.f32 v0, v1, v2 {cc=ult}", 0x7fc00000, 0x3f800000, 0, kTrue},
    {"fcmp.f32 v0, v1, v2 {cc=oeq}", 0x80000000, 0x00000000, 0, kTrue},
    {"iadd.u16 v0, v1, v2", 0xffff, 2, 0, 1},
    {"iadd.u64 v[0:1], v[2:3], v[4:5]", ~0ull, 2, 0, 1},
    {"imul.u32 v0, v1, v2", 0x10001, 0x10001, 0, 0x20001},
    {"imulh.i32 v0, v1, v2", 0xffffffff, 2, 0, 0xffffffff},
    {"imulh.u32 v0, v1, v2", 0xffffffff, 2, 0, 1},
    {"idiv.i32 v0, v1, v2", 0x80000000, 0xffffffff, 0, 0x80000000},
    {"idiv.u32 v0, v1, v2", 7, 0, 0, 0xffffffff},
    {"idiv.i32 v0, v1, v2", 0xfffffff9, 2, 0, 0xfffffffd},
    {"irem.i32 v0, v1, v2", 0xfffffff9, 2, 0, 0xffffffff},
    {"irem.i32 v0, v1, v2", 0x80000000, 0xffffffff, 0, 0},
    {"irem.u16 v0, v1, v2", 0x10007, 0, 0, 7},
    {"imin.i16 v0, v1, v2", 0xffff, 1, 0, 0xffff},
    {"imin.u16 v0, v1, v2", 0xffff, 1, 0, 1},
    {"shl.u32 v0, v1, v2", 1, 33, 0, 2},
    {"shr.i32 v0, v1, v2", 0x80000000, 31, 0, 0xffffffff},
    {"shr.u16 v0, v1, v2", 0x18000, 15, 0, 1},
    {"shl.u64 v[0:1], v[2:3], v4", 1, 0x100000028, 0, 1ull << 40},
    {"icmp.i32 v0, v1, v2 {cc=lt}", 0xffffffff, 0, 0, kTrue},
    {"icmp.u32 v0, v1, v2 {cc=lt}", 0xffffffff, 0, 0, 0},
    {"bcnt.u64 v0, v[1:2]", ~0ull, 0, 0, 64},
    {"brev.u32 v0, v1", 0x00000002, 0, 0, 0x40000000},
    {"ffl.u32 v0, v1", 0, 0, 0, 0xffffffff},
    {"ffl.u64 v0, v[1:2]", 1ull << 40, 0, 0, 40},
    {"ffm.u32 v0, v1", 0x00010000, 0, 0, 16},
    {"ffm.i32 v0, v1", 0xffffffff, 0, 0, 0xffffffff},
    {"ffm.i32 v0, v1", 0xfffffffd, 0, 0, 1},
    {"bfe.u32 v0, v1, v2, v3", 0x12345678, 8, 8, 0x56},
    {"bfe.i32 v0, v1, v2, v3", 0x0000ff00, 8, 8, 0xffffffff},
    {"bfe.u32 v0, v1, v2, v3", 0x12345678, 8, 0, 0},
    {"bfe.i32 v0, v1, v2, v3", 0x80000000, 4, 32, 0xf8000000},
    {"dp4.i32 v0, v1, v2, v3", 0xff01ff01, 0x01010101, 10, 10},
    {"dp4.u32 v0, v1, v2, v3", 0xff01ff01, 0x01010101, 0, 512},
    {"cvt.i32 v0, v1 {sty=f32,rnd=rtz}", 0xbfc00000, 0, 0, 0xffffffff},
    {"cvt.f32 v0, v1 {sty=u8}", 0x1ff, 0, 0, 0x437f0000},
};

TEST(Alu, GoldenVectors) {
    for (const Golden& g : kGolden) {
        hw::Inst inst;
        std::string error;
        ASSERT_TRUE(hw::assemble(g.text, inst, &error)) << g.text << ": " << error;
        std::string why;
        ASSERT_TRUE(hw::check_encoding(inst.encode(), &why)) << g.text << ": " << why;
        EXPECT_EQ(eval_alu(inst, g.a, g.b, g.c), g.want)
            << g.text << std::hex << " of " << g.a << ", " << g.b << ", " << g.c;
    }
}

TEST(Alu, ReductionIdentities) {
    EXPECT_EQ(reduce_identity(hw::ReduceOp::add, hw::Type::f32), 0x80000000u);
    EXPECT_EQ(reduce_identity(hw::ReduceOp::min, hw::Type::i16), 0x7fffu);
    EXPECT_EQ(reduce_identity(hw::ReduceOp::max, hw::Type::i32), 0x80000000u);
    EXPECT_EQ(reduce_identity(hw::ReduceOp::min, hw::Type::f16), 0x7c00u);
    EXPECT_EQ(reduce_identity(hw::ReduceOp::and_, hw::Type::u64), ~0ull);
}

} // namespace
} // namespace kite::dev::exec::interp
