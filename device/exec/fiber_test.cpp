// SPDX-License-Identifier: MIT
#include "device/exec/fiber.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kite::dev::exec {
namespace {

struct Script {
    FiberPool pool;
    std::vector<unsigned> yields; // how often each fiber waits
    std::string log;              // a letter per step
};

void act(void* argument, uint32_t index) {
    auto& script = *static_cast<Script*>(argument);
    for (unsigned i = 0; i < script.yields[index]; ++i) {
        script.log += static_cast<char>('a' + index);
        script.pool.yield();
    }
    script.log += static_cast<char>('A' + index);
}

std::string played(Script& script) {
    script.log.clear();
    EXPECT_TRUE(script.pool.run(static_cast<uint32_t>(script.yields.size()), act, &script));
    return script.log;
}

TEST(Fiber, EveryFiberComesToItsBarrierBeforeOneGoesOn) {
    Script script;
    script.yields = {2, 2, 2};
    EXPECT_EQ(played(script), "abcabcABC");
    EXPECT_EQ(played(script), "abcabcABC"); // the pool can be used again
}

TEST(Fiber, EndedFibersAreLeftOut) {
    Script script;
    script.yields = {0, 3, 1, 0};
    EXPECT_EQ(played(script), "AbcDbCbB");
    script.yields = {2, 0, 0};
    EXPECT_EQ(played(script), "aBCaA");
    script.yields = {1};
    EXPECT_EQ(played(script), "aA");
    script.yields = {};
    EXPECT_EQ(played(script), "");
}

TEST(Fiber, StacksAreTheirOwn) {
    struct Sums {
        FiberPool pool;
        std::vector<unsigned> sums = std::vector<unsigned>(70);
    } sums;
    const auto add = [](void* argument, uint32_t index) {
        auto& s = *static_cast<Sums*>(argument);
        volatile unsigned local[256];
        for (unsigned i = 0; i < 256; ++i) {
            local[i] = index * i;
        }
        s.pool.yield();
        for (unsigned i = 0; i < 256; ++i) {
            s.sums[index] += local[i];
        }
    };
    ASSERT_TRUE(sums.pool.run(70, add, &sums));
    for (unsigned i = 0; i < 70; ++i) {
        EXPECT_EQ(sums.sums[i], i * 255 * 128);
    }
}

} // namespace
} // namespace kite::dev::exec
