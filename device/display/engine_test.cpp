// SPDX-License-Identifier: MIT
// Heads as a driver sees them: commits, vblanks, write-backs, refusals, monitors, reset.
#include "device/display/engine.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <gtest/gtest.h>

namespace kite::dev::display {
namespace {

namespace reg = hw::reg;

constexpr uint64_t kState = 4096, kBack = 8192, kPixels = 65536, kTarget = 131072;
constexpr uint32_t kWidth = 32, kHeight = 16;
constexpr uint64_t kPeriodNs = 10'000'000;

uint64_t now() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

hw::HeadState screen() {
    hw::HeadState state{.enable = true,
                        .active_width = kWidth,
                        .active_height = kHeight,
                        .total_width = 100,
                        .total_height = 100,
                        .clock_khz = 1000};
    state.planes[0] = {.enable = true,
                       .format = hw::ScanoutFormat::xrgb8888,
                       .alpha = 65535,
                       .pitch = kWidth * 4,
                       .address = kPixels,
                       .width = kWidth,
                       .height = kHeight};
    return state;
}

class EngineTest : public ::testing::Test {
protected:
    EngineTest()
        : memory_(1 << 20),
          engine_({.memory = memory_, .interrupt = [this] { ++interrupts_; }, .now_ns = now},
                  {edid_for({1280, 800}, 0), Edid{}}) {
        engine_.write(reg::kHeadStateLo, kState);
        engine_.write(reg::kHeadWritebackLo, kBack);
        engine_.write(reg::kHeadIrqEnable, 7);
    }
    void commit(const hw::HeadState& state, uint32_t number) {
        std::array<uint32_t, hw::HeadState::kDwords> dwords{};
        state.pack(dwords.data());
        std::memcpy(memory_.data() + kState, dwords.data(), sizeof(dwords));
        engine_.write(reg::kHeadCommit, number);
    }
    hw::HeadWriteback back() {
        std::array<uint32_t, hw::HeadWriteback::kDwords> dwords{};
        for (uint32_t i = 0; i < dwords.size(); ++i) {
            dwords[i] =
                std::atomic_ref(*reinterpret_cast<uint32_t*>(memory_.data() + kBack + i * 4))
                    .load();
        }
        return hw::HeadWriteback::unpack(dwords.data());
    }
    template <class F>
    bool eventually(F&& condition) {
        const uint64_t end = now() + 5'000'000'000;
        while (!condition()) {
            if (now() > end) {
                return false;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return true;
    }

    alignas(64) std::vector<std::byte> memory_;
    std::atomic<unsigned> interrupts_ = 0;
    Engine engine_;
};

TEST_F(EngineTest, ModeRunsAtItsRate) {
    commit(screen(), 1);
    EXPECT_EQ(back().latched, 1u) << "a head that is off takes its state at once";
    ASSERT_TRUE(eventually([&] { return back().vblank >= 5; }));
    const auto seen = back();
    const uint64_t one = seen.vblank_ns[0], other = seen.vblank_ns[1];
    EXPECT_EQ((one > other ? one - other : other - one) % kPeriodNs, 0u);
    EXPECT_GE(interrupts_.load(), 5u);
    commit({}, 2);
    EXPECT_EQ(back().latched, 2u);
    const uint32_t stopped = back().vblank;
    std::this_thread::sleep_for(std::chrono::nanoseconds(3 * kPeriodNs));
    EXPECT_EQ(back().vblank, stopped);
}

TEST_F(EngineTest, FlipsWaitForTheVblankUnlessAsync) {
    commit(screen(), 1);
    hw::HeadState next = screen();
    next.planes[0].address = kPixels + 4096;
    const uint32_t before = engine_.read(reg::kHeadVblank);
    commit(next, 2);
    ASSERT_TRUE(eventually([&] { return back().latched == 2; }));
    EXPECT_GT(engine_.read(reg::kHeadVblank), before);
    EXPECT_EQ(engine_.scene(0).state.planes[0].address, kPixels + 4096);
    next.async = true;
    next.planes[0].address = kPixels;
    commit(next, 3);
    EXPECT_EQ(back().latched, 3u);
    EXPECT_EQ(engine_.scene(0).state.planes[0].address, kPixels);
}

// A clock that stands still until it is told to go on.
std::atomic<uint64_t> clock_ns = 0;

TEST(Engine, LateThreadLatchesAtTheFirstVblank) {
    alignas(64) std::vector<std::byte> memory(1 << 20);
    std::atomic<uint32_t> latched_at = 0;
    const auto dword = [&](uint32_t at) {
        return std::atomic_ref(*reinterpret_cast<uint32_t*>(memory.data() + kBack + at * 4)).load();
    };
    const auto look = [&] {
        if (dword(1) == 2 && latched_at == 0) {
            latched_at = dword(0);
        }
    };
    clock_ns = 1'000'000'000;
    Engine engine({.memory = memory, .interrupt = look, .now_ns = [] { return clock_ns.load(); }},
                  {edid_for({1280, 800}, 0)});
    engine.write(reg::kHeadStateLo, kState);
    engine.write(reg::kHeadWritebackLo, kBack);
    engine.write(reg::kHeadIrqEnable, 7);
    const auto state = screen();
    state.pack(reinterpret_cast<uint32_t*>(memory.data() + kState));
    engine.write(reg::kHeadCommit, 1);
    engine.write(reg::kHeadCommit, 2);
    clock_ns += 5 * kPeriodNs + kPeriodNs / 2;
    const uint64_t end = now() + 5'000'000'000;
    while (dword(0) != 5 && now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(dword(0), 5u);
    EXPECT_EQ(latched_at, 1u);
}

TEST_F(EngineTest, ImpossibleStatesAreRefused) {
    commit(screen(), 1);
    hw::HeadState bad = screen();
    bad.planes[0].address = 1 << 20;
    commit(bad, 2);
    EXPECT_EQ(back().refused, 2u);
    EXPECT_EQ(back().latched, 2u);
    EXPECT_EQ(engine_.scene(0).state.planes[0].address, kPixels);
    engine_.write(reg::kHeadStateHi, 0xffffffff);
    engine_.write(reg::kHeadCommit, 3);
    EXPECT_EQ(back().refused, 3u);
    hw::HeadState other = screen();
    engine_.write(reg::kHeadStateHi, 0);
    other.async = true;
    other.total_width = 120;
    commit(other, 4);
    EXPECT_EQ(back().refused, 4u) << "async changes no mode";
}

TEST_F(EngineTest, CrcAndWritebackShowTheFrame) {
    for (std::size_t i = 0; i < std::size_t{kWidth} * kHeight * 4; ++i) {
        memory_[kPixels + i] = static_cast<std::byte>(i % 4 == 3 ? 0xff : i * 7);
    }
    hw::HeadState state = screen();
    state.crc = true;
    state.planes[3] = state.planes[0];
    state.planes[3].address = kTarget;
    commit(state, 7);
    ASSERT_TRUE(eventually([&] { return back().written == 7 && back().crc_vblank > 0; }));
    EXPECT_EQ(std::memcmp(memory_.data() + kPixels, memory_.data() + kTarget,
                          std::size_t{kWidth} * kHeight * 4),
              0);
    EXPECT_EQ(back().crc, frame_crc(engine_.scene(0), memory_));
}

TEST_F(EngineTest, BuffersAreNotReadAfterAnAsyncFlip) {
    constexpr uint32_t kSide = 256;
    constexpr std::size_t kBytes = std::size_t{kSide} * kSide * 4;
    hw::HeadState state = screen();
    state.active_width = state.total_width = kSide;
    state.active_height = state.total_height = kSide;
    state.clock_khz = kSide * kSide * 400 / 1000;
    state.crc = true;
    auto& plane = state.planes[0];
    plane.width = plane.height = kSide;
    plane.pitch = kSide * 4;
    const auto fill = [&](uint64_t at, int value) {
        std::memset(memory_.data() + at, value, kBytes);
    };
    fill(plane.address, 0x55);
    commit(state, 1);
    ASSERT_TRUE(eventually([&] { return back().crc_vblank > 0; }));
    const uint32_t wanted = back().crc;
    state.async = true;
    for (uint32_t number = 2; back().crc_vblank < 40; ++number) {
        const uint64_t before = plane.address;
        plane.address = before == kPixels ? kPixels + kBytes : kPixels;
        fill(plane.address, 0x55);
        commit(state, number);
        ASSERT_TRUE(eventually([&] { return back().latched == number; }));
        fill(before, static_cast<int>(number % 64));
        ASSERT_EQ(back().crc, wanted) << number;
    }
    const uint32_t last = back().crc_vblank;
    ASSERT_TRUE(eventually([&] { return back().crc_vblank > last + 1; }));
    EXPECT_EQ(back().crc, wanted);
}

TEST_F(EngineTest, MonitorsComeAndGo) {
    EXPECT_EQ(engine_.read(reg::kHeadStatus), reg::kHeadStatusConnected | 1u << 8);
    EXPECT_EQ(engine_.read(reg::kEdid), 0xffffff00u);
    EXPECT_EQ(engine_.read(reg::kHeadStatus + reg::kHeadStatusStride), 0u);
    const unsigned before = interrupts_;
    EXPECT_TRUE(engine_.set_monitor(0, {}));
    EXPECT_EQ(back().connector, 1u);
    EXPECT_EQ(interrupts_, before + 1);
    EXPECT_EQ(engine_.read(reg::kHeadStatus), 0u);
    EXPECT_FALSE(engine_.set_monitor(2, {}));
    EXPECT_EQ(engine_.read(reg::kHeadStatus + 2 * reg::kHeadStatusStride), 0u);
}

TEST_F(EngineTest, ResetTurnsHeadsOffAndKeepsMonitors) {
    commit(screen(), 1);
    EXPECT_TRUE(engine_.info(0).on);
    engine_.reset();
    EXPECT_FALSE(engine_.info(0).on);
    EXPECT_TRUE(engine_.info(0).connected);
    EXPECT_EQ(engine_.read(reg::kHeadStateLo), 0u);
    engine_.write(reg::kHeadWritebackLo, 0xfffffff0); // nowhere: nothing is written
    engine_.set_monitor(0, edid_for({800, 600}, 0));
}

} // namespace
} // namespace kite::dev::display
