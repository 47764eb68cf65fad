// SPDX-License-Identifier: MIT
#include "shader-compiler/ra/allocate.hpp"

#include <gtest/gtest.h>

namespace kite::cc {
namespace {

using mir::Operand;

mir::Inst set(uint32_t reg, uint32_t value) {
    return {.op = hw::Op::mov, .imm = value, .dst = Operand::of(reg), .src = {Operand::literal()}};
}
mir::Inst add(uint32_t d, uint32_t a, uint32_t b) {
    return {.op = hw::Op::iadd,
            .ty = hw::Type::u32,
            .dst = Operand::of(d),
            .src = {Operand::of(a), Operand::of(b)}};
}
mir::Inst flow(hw::Op op) {
    return {.op = op};
}

// s0 = 1; v1 = 2; loop { v2 = v1 + v1; br v2 } v3 = v1 + s0
mir::Function loop_program() {
    mir::Function f;
    f.add_vreg(hw::File::S, 1);
    for (int i = 0; i < 3; ++i) {
        f.add_vreg(hw::File::V, 1);
    }
    f.insts = {set(0, 1),        set(1, 2),         flow(hw::Op::loop), add(2, 1, 1),
               flow(hw::Op::br), flow(hw::Op::end), add(3, 1, 0),       flow(hw::Op::exit)};
    f.insts[4].src[0] = Operand::of(2);
    return f;
}

TEST(Intervals, LiveIntoALoopMeansLiveThroughIt) {
    mir::Function f = loop_program();
    f.insts[6] = add(3, 3, 3);
    const auto intervals = live_intervals(f);
    EXPECT_EQ(intervals[1].start, 3u);
    EXPECT_EQ(intervals[1].end, 11u) << "needed again in the next iteration";
    EXPECT_EQ(intervals[2].start, 7u);
    EXPECT_EQ(intervals[2].end, 8u);
}

TEST(Intervals, KeptRegistersCoverTheirLoop) {
    mir::Function f = loop_program();
    f.kept.push_back({2, 0});
    const auto intervals = live_intervals(f);
    EXPECT_EQ(intervals[2].start, 4u);
    EXPECT_EQ(intervals[2].end, 11u);
}

TEST(Allocate, VerifierAcceptsOursAndRefusesAnOverlap) {
    mir::Function f = loop_program();
    auto a = allocate(f);
    ASSERT_TRUE(a.has_value());
    EXPECT_EQ(verify_allocation(f, *a), "");
    a->places[2] = a->places[1];
    EXPECT_NE(verify_allocation(f, *a).find("not in its place"), std::string::npos);
}

TEST(Allocate, VerifierRefusesReuseOfAKeptRegister) {
    mir::Function f = loop_program();
    f.kept.push_back({1, 0});
    auto a = allocate(f);
    ASSERT_TRUE(a.has_value());
    EXPECT_EQ(verify_allocation(f, *a), "");
    f.kept[0].vreg = 3;
    a->places[3] = a->places[2];
    EXPECT_NE(verify_allocation(f, *a).find("inside its loop"), std::string::npos);
}

TEST(Allocate, TuplesAreConsecutiveAndSpillsGoToScratch) {
    mir::Function f;
    std::vector<uint32_t> regs;
    for (int i = 0; i < 12; ++i) {
        regs.push_back(f.add_vreg(hw::File::V, 1));
        f.insts.push_back(set(regs.back(), 1));
    }
    const uint32_t sum = f.add_vreg(hw::File::V, 1);
    f.insts.push_back(set(sum, 0));
    for (uint32_t r : regs) {
        f.insts.push_back(add(sum, sum, r));
    }
    f.insts.push_back(flow(hw::Op::exit));
    mir::Function spilled = f;
    auto roomy = allocate(f);
    ASSERT_TRUE(roomy.has_value());
    EXPECT_EQ(roomy->spills, 0u);
    EXPECT_EQ(roomy->vregs, 13u);
    auto tight = allocate(spilled, {.vregs = 6});
    ASSERT_TRUE(tight.has_value());
    EXPECT_GT(tight->spills, 0u);
    EXPECT_LE(tight->vregs, 6u);
    EXPECT_GE(spilled.scratch_bytes, 4 * tight->spills);
    EXPECT_EQ(verify_allocation(spilled, *tight), "");
    EXPECT_FALSE(allocate(spilled, {.vregs = 1}).has_value());
}

} // namespace
} // namespace kite::cc
