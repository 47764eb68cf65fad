// SPDX-License-Identifier: MIT
// Each pass on a small function in text form.
#include "shader-compiler/ir/text.hpp"
#include "shader-compiler/opt/passes.hpp"
#include "shader-compiler/opt/pipeline.hpp"

#include <gtest/gtest.h>

namespace kite::cc {
namespace {

constexpr std::string_view kHead =
    "function compute workgroup=8,1,1 shared=64 scratch=0 early=0 persample=0 depth=0\n";

std::unique_ptr<ir::Function> parse(std::string_view body) {
    std::string error;
    auto f = ir::parse(std::string(kHead) + std::string(body), error);
    EXPECT_NE(f, nullptr) << error;
    EXPECT_EQ(ir::validate(*f), "");
    return f;
}

/// Runs a pass (and dead code removal) and returns the text without the head.
std::string after(bool (*pass)(ir::Function&), std::string_view body) {
    auto f = parse(body);
    EXPECT_TRUE(pass(*f));
    opt::dce(*f);
    EXPECT_EQ(ir::validate(*f), "");
    return ir::print(*f).substr(kHead.size());
}

TEST(Opt, DceKeepsEffects) {
    auto f = parse(R"(block b0
    %0:b32 = constant 0x4
    %1:b32 = sys imm=0x1d
    %2:b32 = iadd.u32 %1 %0
    %3:b32 = atom.u32 {aop=add,space=shared} _ %0 _ %0
    %4:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=1} _ %0
    %5:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=0} _ %0
    exit
)");
    EXPECT_TRUE(opt::dce(*f));
    EXPECT_EQ(ir::print(*f).substr(kHead.size()), R"(block b0
    %0:b32 = constant 0x4
    %1:b32 = atom.u32 {aop=add,space=shared} _ %0 _ %0
    %2:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=1} _ %0
    exit
)");
}

TEST(Opt, SimplifyRules) {
    EXPECT_EQ(after(opt::simplify, R"(block b0
    %0:b32 = constant 0x8
    %1:b32 = constant 0x0
    %2:b32 = sys imm=0x1d
    %3:b32 = imul.u32 %0 %2
    %4:b32 = iadd.u32 %3 %0
    %5:b32 = iadd.u32 %4 %0
    %6:b32 = idiv.u32 %5 %0
    %7:bool = icmp.u32 {cc=lt} %6 %0
    %8:bool = constant 0xffffffff
    %9:bool = xor.u32 %7 %8
    %10:b32 = sel %9 %5 %1
    st.u32 {n=0,space=shared,mode=lane,vol=0} %10 _ %1
    exit
)"),
              R"(block b0
    %0:b32 = constant 0x8
    %1:b32 = constant 0x0
    %2:b32 = sys imm=0x1d
    %3:b32 = constant 0x3
    %4:b32 = shl.u32 %2 %3
    %5:b32 = constant 0x10
    %6:b32 = iadd.u32 %4 %5
    %7:b32 = constant 0x3
    %8:b32 = shr.u32 %6 %7
    %9:bool = icmp.u32 {cc=ge} %8 %0
    %10:b32 = sel %9 %6 %1
    st.u32 {n=0,space=shared,mode=lane,vol=0} %10 _ %1
    exit
)");
}

TEST(Opt, ShiftsMovePastConstantSums) {
    EXPECT_EQ(after(opt::simplify, R"(block b0
    %0:b32 = constant 0x3
    %1:b32 = constant 0x2
    %2:b32 = sys imm=0x1d
    %3:b32 = iadd.u32 %2 %0
    %4:b32 = shl.u32 %3 %1
    st.u32 {n=0,space=shared,mode=lane,vol=0} %2 _ %4
    exit
)"),
              R"(block b0
    %0:b32 = constant 0x2
    %1:b32 = sys imm=0x1d
    %2:b32 = shl.u32 %1 %0
    %3:b32 = constant 0xc
    %4:b32 = iadd.u32 %2 %3
    st.u32 {n=0,space=shared,mode=lane,vol=0} %1 _ %4
    exit
)");
}

TEST(Opt, SimplifyKeepsSignedZero) {
    auto f = parse(R"(block b0
    %0:b32 = constant 0x0
    %1:b32 = sys imm=0x1d
    %2:b32 = fadd.f32 %1 %0
    st.u32 {n=0,space=shared,mode=lane,vol=0} %2 _ %0
    exit
)");
    EXPECT_FALSE(opt::simplify(*f)); // -0 + 0 is +0
}

TEST(Opt, GvnSharesButRespectsWrites) {
    EXPECT_EQ(after(opt::gvn, R"(block b0
    %0:b32 = constant 0x4
    %1:b32 = sys imm=0x1d
    %2:b32 = iadd.u32 %1 %0
    %3:b32 = iadd.u32 %0 %1
    %4:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=0} _ %2
    %5:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=0} _ %3
    st.u32 {n=0,space=shared,mode=lane,vol=0} %4 _ %0
    %6:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=0} _ %3
    %7:b32 = iadd.u32 %5 %6
    st.u32 {n=0,space=shared,mode=lane,vol=0} %7 _ %0
    exit
)"),
              R"(block b0
    %0:b32 = constant 0x4
    %1:b32 = sys imm=0x1d
    %2:b32 = iadd.u32 %1 %0
    %3:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=0} _ %2
    st.u32 {n=0,space=shared,mode=lane,vol=0} %3 _ %0
    %5:b32 = ld.u32 {n=0,space=shared,mode=lane,vol=0} _ %2
    %6:b32 = iadd.u32 %3 %5
    st.u32 {n=0,space=shared,mode=lane,vol=0} %6 _ %0
    exit
)");
}

TEST(Opt, GvnOnlyUnderDominance) {
    auto f = parse(R"(block b0 merge=b3
    %0:b32 = constant 0x4
    %1:b32 = sys imm=0x1d
    %2:bool = icmp.u32 {cc=lt} %1 %0
    branch %2 b1 b2
block b1 preds=b0
    %3:b32 = iadd.u32 %1 %0
    jump b3
block b2 preds=b0
    %4:b32 = iadd.u32 %1 %0
    jump b3
block b3 preds=b1,b2
    %5:b32 = phi %3 %4
    st.u32 {n=0,space=shared,mode=lane,vol=0} %5 _ %0
    exit
)");
    EXPECT_FALSE(opt::gvn(*f));
}

TEST(Opt, CfgFoldsConstantBranches) {
    EXPECT_EQ(after(opt::simplify_cfg, R"(block b0 merge=b3
    %0:b32 = constant 0x4
    %1:bool = constant 0xffffffff
    branch %1 b1 b2
block b1 preds=b0
    %2:b32 = sys imm=0x1d
    jump b3
block b2 preds=b0
    jump b3
block b3 preds=b1,b2
    %3:b32 = phi %2 %0
    st.u32 {n=0,space=shared,mode=lane,vol=0} %3 _ %0
    exit
)"),
              R"(block b0
    %0:b32 = constant 0x4
    %1:b32 = sys imm=0x1d
    st.u32 {n=0,space=shared,mode=lane,vol=0} %1 _ %0
    exit
)");
}

TEST(Opt, LicmHoistsInvariantLoads) {
    EXPECT_EQ(after(opt::licm, R"(block b0
    %0:b32 = constant 0x1
    %1:b32 = constant 0xa
    %2:b64 = sys imm=0x20
    jump b1
block b1 merge=b3 continue=b2 preds=b0,b2
    %3:b32 = phi %0 %6
    %4:bool = icmp.u32 {cc=lt} %3 %1
    branch %4 b2 b3
block b2 preds=b1
    %5:b32 = ld.u32 {n=0,space=global,mode=lane,vol=0} inv %2
    %6:b32 = iadd.u32 %3 %5
    jump b1
block b3 preds=b1
    st.u32 {n=0,space=shared,mode=lane,vol=0} %3 _ %0
    exit
)"),
              R"(block b0
    %0:b32 = constant 0x1
    %1:b32 = constant 0xa
    %2:b64 = sys imm=0x20
    %3:b32 = ld.u32 {n=0,space=global,mode=lane,vol=0} inv %2
    jump b1
block b1 merge=b3 continue=b2 preds=b0,b2
    %4:b32 = phi %0 %6
    %5:bool = icmp.u32 {cc=lt} %4 %1
    branch %5 b2 b3
block b2 preds=b1
    %6:b32 = iadd.u32 %4 %3
    jump b1
block b3 preds=b1
    st.u32 {n=0,space=shared,mode=lane,vol=0} %4 _ %0
    exit
)");
}

TEST(Opt, MergesUncheckedLoads) {
    const std::string text = after(opt::merge_loads, R"(block b0
    %0:b64 = sys imm=0x20
    %1:b32 = ld.u32 {n=0,space=global,mode=lane,vol=0} imm=0x4 inv %0
    %2:b32 = ld.u32 {n=0,space=global,mode=lane,vol=0} inv %0
    %3:b32 = ld.u32 {n=0,space=global,mode=lane,vol=0} imm=0x8 inv %0 _ %1
    %4:b32 = iadd.u32 %1 %2
    %5:b32 = iadd.u32 %4 %3
    st.u32 {n=0,space=shared,mode=lane,vol=0} %5 _ %1
    exit
)");
    EXPECT_NE(text.find("%1:b32x2 = ld.u32 {n=1,"), std::string::npos) << text;
    EXPECT_NE(text.find("imm=0x8 inv %0 _"), std::string::npos) << text; // checked: stays apart
}

TEST(Opt, PipelineKeepsTheFunctionValid) {
    auto f = parse(R"(block b0
    %0:b32 = constant 0x0
    st.u32 {n=0,space=shared,mode=lane,vol=0} %0 _ %0
    exit
)");
    optimize(*f);
    EXPECT_EQ(ir::validate(*f), "");
}

} // namespace
} // namespace kite::cc
