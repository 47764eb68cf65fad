// SPDX-License-Identifier: MIT
#include "shader-compiler/analysis/lane_steps.hpp"

#include "shader-compiler/analysis/divergence.hpp"
#include "shader-compiler/ir/text.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace kite::cc {
namespace {

// %2 = local_x + (group_id << SHIFT), then one instruction %9 of %2 and %8 = BY.
constexpr const char* kBody = R"(block b0
    %0:b32 = sys imm=0x19
    %1:b32 = sys imm=0x15
    %3:b32 = constant SHIFT
    %4:b32 = shl.u32 %0 %3
    %2:b32 = iadd.u32 %4 %1
    %8:b32 = constant BY
    %9:b32 = OP.u32 %2 %8
    exit
)";

struct Answer {
    std::optional<uint32_t> step;
    bool varying;
};

Answer ask(const std::string& op, const std::string& by, const std::string& shift = "0x8",
           const std::string& workgroup = "256,1,1") {
    std::string body = kBody;
    for (const auto& [from, to] :
         {std::pair<std::string, std::string>{"SHIFT", shift}, {"BY", by}, {"OP", op}}) {
        body.replace(body.find(from), from.size(), to);
    }
    std::string error;
    const auto f = ir::parse("function compute workgroup=" + workgroup +
                                 " shared=0 scratch=0 early=0 persample=0 depth=0\n" + body,
                             error);
    EXPECT_NE(f, nullptr) << error;
    f->renumber();
    auto tree = structurize(*f);
    EXPECT_TRUE(tree.has_value());
    const Divergence d = analyze_divergence(*f, *tree);
    const ir::Inst& last = *f->blocks[0]->insts.back();
    return {LaneSteps(*f, *tree, d.varying).step(last, 0), d.is_varying(last)};
}

TEST(LaneSteps, ArithmeticScalesThem) {
    EXPECT_EQ(ask("iadd", "0x7").step, 1u);
    EXPECT_EQ(ask("isub", "0x7").step, 1u);
    EXPECT_EQ(ask("imul", "0xc").step, 12u);
    EXPECT_EQ(ask("shl", "0x2").step, 4u);
    EXPECT_EQ(ask("xor", "0x1").step, std::nullopt);
}

TEST(LaneSteps, HighPartOfAnAlignedIndexIsUniform) {
    EXPECT_EQ(ask("shr", "0x4").step, 0u);
    EXPECT_FALSE(ask("shr", "0x4").varying);
    EXPECT_FALSE(ask("and", "0xfffffff0").varying);
    EXPECT_TRUE(ask("shr", "0x3").varying) << "16 lanes have two values";
    EXPECT_TRUE(ask("and", "0xfffffff8").varying);
    EXPECT_TRUE(ask("and", "0xf0fffff0").step == std::nullopt);
}

TEST(LaneSteps, LowPartOfAnAlignedIndexStillCounts) {
    EXPECT_EQ(ask("and", "0xf").step, 1u);
    EXPECT_EQ(ask("and", "0xff").step, 1u);
    EXPECT_EQ(ask("and", "0x7").step, std::nullopt);
    EXPECT_EQ(ask("and", "0xe").step, std::nullopt);
}

TEST(LaneSteps, WhatMayCarryIsUnknown) {
    EXPECT_EQ(ask("and", "0xf", "0x2").step, std::nullopt);
    EXPECT_TRUE(ask("shr", "0x4", "0x2").varying);
    EXPECT_TRUE(ask("shr", "0x4", "0x8", "8,8,1").varying) << "rows of half waves";
}

} // namespace
} // namespace kite::cc
