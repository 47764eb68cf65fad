// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/text.hpp"
#include "shader-compiler/structure/tree.hpp"

#include <gtest/gtest.h>

namespace kite::cc {
namespace {

constexpr const char* kHead =
    "function compute workgroup=8,1,1 shared=0 scratch=0 early=0 persample=0 depth=0\n";

std::unique_ptr<ir::Function> parse(const std::string& body) {
    std::string error;
    auto f = ir::parse(kHead + body, error);
    EXPECT_NE(f, nullptr) << error;
    f->renumber();
    return f;
}

std::string tree_of(const std::string& body) {
    auto f = parse(body);
    auto tree = structurize(*f);
    if (!tree) {
        return tree.error().message;
    }
    elide_branches(*tree);
    return print(*tree);
}

TEST(Structurize, IfThenFallsThrough) {
    EXPECT_EQ(tree_of(R"(block b0 merge=b2
    %0:bool = constant 0xffffffff
    branch %0 b1 b2
block b1 preds=b0
    jump b2
block b2 preds=b0,b1
    exit
)"),
              "code 0\n"
              "if %0\n"
              "  code 1\n"
              "code 2\n");
}

TEST(Structurize, WhatFollowsALoopStandsOutsideIt) {
    // The merge block is reached from inside the body only, and still must not run inside the loop.
    EXPECT_EQ(tree_of(R"(block b0
    %0:bool = constant 0xffffffff
    jump b1
block b1 merge=b3 continue=b2 preds=b0,b2
    branch %0 b3 b2
block b2 preds=b1
    jump b1
block b3 preds=b1
    exit
)"),
              "code 0\n"
              "block 3\n"
              "  loop 1\n"
              "    code 1\n"
              "    br 3 %0\n"
              "    code 2\n"
              "    continue 1\n"
              "code 3\n");
}

TEST(Structurize, SwitchFallsIntoTheNextCase) {
    EXPECT_EQ(tree_of(R"(block b0 merge=b3
    %0:b32 = constant 0x1
    switch %0 b3 0x1=b1 0x2=b2
block b1 preds=b0
    jump b2
block b2 preds=b0,b1
    jump b3
block b3 preds=b0,b2
    exit
)"),
              "block 3\n"
              "  block 2\n"
              "    code 0\n"
              "    if %0 ==1\n"
              "      code 1\n"
              "      br 2\n"
              "    br 2 %0 ==2\n"
              "    br 3\n"
              "  code 2\n"
              "code 3\n");
}

TEST(Structurize, IrreducibleGraphsAreRefusedByName) {
    EXPECT_EQ(tree_of(R"(block b0
    %0:bool = constant 0xffffffff
    branch %0 b1 b2
block b1 preds=b0,b2
    branch %0 b2 b3
block b2 preds=b0,b1
    branch %0 b1 b3
block b3 preds=b1,b2
    exit
)")
                  .substr(0, 24),
              "irreducible control flow");
}

TEST(Structurize, DeepNestingIsRefusedNotRecursed) {
    // 2000 blocks that each may jump to a block of their own at the end: as many open constructs.
    const int n = 2000;
    std::string text = "block b0\n    %0:bool = constant 0xffffffff\n    branch %0 b1 b" +
                       std::to_string(2 * n) + "\n";
    for (int i = 1; i < n; ++i) {
        text += "block b" + std::to_string(i) + " preds=b" + std::to_string(i - 1) +
                "\n    branch %0 b" + std::to_string(i + 1) + " b" + std::to_string(2 * n - i) +
                "\n";
    }
    text += "block b" + std::to_string(n) + " preds=b" + std::to_string(n - 1) + "\n    jump b" +
            std::to_string(n + 1) + "\n";
    for (int k = n + 1; k <= 2 * n; ++k) {
        text += "block b" + std::to_string(k) + " preds=b" + std::to_string(k - 1) + ",b" +
                std::to_string(2 * n - k) + "\n    " +
                (k == 2 * n ? "exit" : "jump b" + std::to_string(k + 1)) + "\n";
    }
    EXPECT_NE(tree_of(text).find("nested"), std::string::npos);
}

} // namespace
} // namespace kite::cc
