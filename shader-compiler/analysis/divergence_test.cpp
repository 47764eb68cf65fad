// SPDX-License-Identifier: MIT
#include "shader-compiler/analysis/divergence.hpp"

#include "shader-compiler/ir/text.hpp"

#include <gtest/gtest.h>

namespace kite::cc {
namespace {

// A loop that counts %5 up to `bound`, then stores the count.
constexpr const char* kLoop = R"(block b0
    %0:b32 = constant 0x0
    %1:b32 = constant 0x1
    %2:b32 = sys imm=BOUND
    %3:b64 = sys imm=0x20
    jump b1
block b1 merge=b3 continue=b2 preds=b0,b2
    %5:b32 = phi %0 %7
    %6:bool = icmp.u32 {cc=lt} %5 %2
    branch %6 b2 b3
block b2 preds=b1
    %7:b32 = iadd.u32 %5 %1
    jump b1
block b3 preds=b1
    %8:b32 = iadd.u32 %5 %1
    st.u32 {n=0,space=global,mode=lane,vol=0} %8 %3 _ _
    exit
)";

struct Case {
    std::unique_ptr<ir::Function> f;
    Tree tree;
    Divergence d;
    // Varying, by the number the value has in the text.
    bool varying(size_t block, size_t inst) const {
        return d.is_varying(*f->blocks[block]->insts[inst]);
    }
};

Case analyze(std::string body, const std::string& bound, const std::string& workgroup = "8,1,1") {
    body.replace(body.find("BOUND"), 5, bound);
    std::string error;
    Case c{ir::parse("function compute workgroup=" + workgroup +
                         " shared=0 scratch=0 early=0 persample=0 depth=0\n" + body,
                     error),
           {},
           {}};
    EXPECT_NE(c.f, nullptr) << error;
    c.f->renumber();
    auto tree = structurize(*c.f);
    EXPECT_TRUE(tree.has_value());
    c.tree = std::move(*tree);
    c.d = analyze_divergence(*c.f, c.tree);
    return c;
}

TEST(Divergence, UniformLoopStaysScalar) {
    const Case c = analyze(kLoop, "0x1a"); // num_groups
    EXPECT_FALSE(c.varying(1, 0));
    EXPECT_FALSE(c.varying(3, 0));
    EXPECT_FALSE(c.tree.loops[0].divergent);
}

TEST(Divergence, CounterIsUniformInsideADivergentLoopAndVaryingBehindIt) {
    const Case c = analyze(kLoop, "0x1d"); // lane_id
    EXPECT_TRUE(c.tree.loops[0].divergent);
    EXPECT_FALSE(c.varying(1, 0)) << "all lanes still in the loop have counted alike";
    EXPECT_TRUE(c.varying(1, 1));
    EXPECT_TRUE(c.varying(3, 0)) << "lanes left with different counts";
    EXPECT_EQ(leaves_divergent_loop(c.tree, 1, 3), 0);
    EXPECT_EQ(leaves_divergent_loop(c.tree, 1, 2), -1);
}

TEST(Divergence, RowsOfWholeWavesAreUniform) {
    EXPECT_TRUE(analyze(kLoop, "0x16", "8,8,1").varying(0, 2)); // local_y
    EXPECT_FALSE(analyze(kLoop, "0x16", "16,8,1").varying(0, 2));
}

TEST(Divergence, PhiOfUniformValuesFollowsItsBranch) {
    constexpr const char* kIf = R"(block b0 merge=b2
    %0:b32 = constant 0x0
    %1:b32 = constant 0x1
    %2:b32 = sys imm=BOUND
    %3:bool = icmp.u32 {cc=lt} %2 %1
    branch %3 b1 b2
block b1 preds=b0
    jump b2
block b2 preds=b0,b1
    %4:b32 = phi %0 %1
    exit
)";
    EXPECT_TRUE(analyze(kIf, "0x1d").varying(2, 0));
    EXPECT_FALSE(analyze(kIf, "0x1a").varying(2, 0));
}

} // namespace
} // namespace kite::cc
