// SPDX-License-Identifier: MIT
#include "device/exec/compile_clock.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

namespace kite::dev::exec {
namespace {

void wait() {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

TEST(CompileClock, RunsWhileAnythingIsCompiled) {
    const uint64_t before = compile_clock_ns();
    wait();
    EXPECT_EQ(compile_clock_ns(), before);
    std::optional<CompileScope> first(std::in_place);
    std::optional<CompileScope> second(std::in_place);
    wait();
    first.reset();
    const uint64_t half = compile_clock_ns();
    EXPECT_GE(half - before, 5'000'000u);
    wait();
    second.reset();
    const uint64_t after = compile_clock_ns();
    EXPECT_GE(after - half, 5'000'000u) << "the second one still ran";
    wait();
    EXPECT_EQ(compile_clock_ns(), after);
}

} // namespace
} // namespace kite::dev::exec
