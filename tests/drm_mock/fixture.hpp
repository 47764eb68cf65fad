// SPDX-License-Identifier: MIT
//
// DrmTest: the drm back end over the fake kernel, with packets to run on it.
//
// Each test opens its own device. A Gate is work that the GPU can't finish before open() is called,
// which makes "still running" a fact instead of a race. Ownership: the test's. Single thread.
// Failure: GoogleTest assertions.
#pragma once

#include "kite_hw/packets.hpp"
#include "runtime/kmd/drm/bo.hpp"
#include "runtime/kmd/drm/device.hpp"
#include "tests/drm_mock/fake_kernel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <ctime>

namespace kite::drm_mock {

namespace kmd = rt::kmd;

/// Absolute CLOCK_MONOTONIC, ms from now.
inline uint64_t in_ms(uint64_t ms) {
    timespec ts{};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return static_cast<uint64_t>(ts.tv_sec) * 1000000000u + static_cast<uint64_t>(ts.tv_nsec) +
           ms * 1000000u;
}

/// See the head of this file.
class DrmTest : public ::testing::Test {
protected:
    static constexpr uint64_t kVa = 0x100000, kBytes = 0x10000;
    void SetUp() override {
        auto all = kmd::drm::enumerate(kernel);
        ASSERT_EQ(all.size(), 1u);
        facts = all[0];
        auto d = kmd::drm::DeviceImpl::open(facts, kernel);
        ASSERT_TRUE(d) << d.error().message;
        device = std::move(*d);
        auto b = device->create_bo({.size_bytes = kBytes});
        ASSERT_TRUE(b);
        bo = std::move(*b);
        ASSERT_TRUE(device->bind(kVa, *bo, 0, kBytes));
        host = static_cast<uint32_t*>(*bo->map());
        auto q = device->create_queue(kmd::QueueClass::graphics);
        ASSERT_TRUE(q);
        queue = std::move(*q);
    }
    void TearDown() override {
        kernel.hook = nullptr;
        queue.reset();
        bo.reset();
        device.reset();
        kernel.fake.replug();
    }
    /// Packets that store `value` in dword `slot` (the command's place in memory is `at`).
    kmd::Ib store(uint32_t slot, uint32_t value, uint32_t at = 1024) {
        hw::WriteEventPacket p;
        p.address = kVa + slot * 4u;
        p.value = value;
        p.pack(host + at);
        return {kVa + at * 4u, hw::WriteEventPacket::kDwords};
    }
    /// Packets that wait until dword `slot` is `value`.
    kmd::Ib gate(uint32_t slot, uint32_t value, uint32_t at) {
        hw::WaitEventPacket p;
        p.address = kVa + slot * 4u;
        p.value = value;
        p.pack(host + at);
        return {kVa + at * 4u, hw::WaitEventPacket::kDwords};
    }
    /// Lets a gate through.
    void open_gate(uint32_t slot, uint32_t value) {
        std::atomic_ref<uint32_t>(host[slot]).store(value, std::memory_order_release);
    }
    kmd::Result<void> submit(std::initializer_list<kmd::Ib> ibs,
                             std::initializer_list<kmd::SyncPoint> waits,
                             std::initializer_list<kmd::SyncPoint> signals) {
        return queue->submit({.ibs = {ibs.begin(), ibs.size()},
                              .waits = {waits.begin(), waits.size()},
                              .signals = {signals.begin(), signals.size()}});
    }
    std::unique_ptr<kmd::Timeline> timeline(uint64_t initial = 0) {
        return std::move(*device->create_timeline(initial));
    }

    FakeKernel kernel;
    kmd::DeviceFacts facts;
    std::unique_ptr<kmd::Device> device;
    std::unique_ptr<kmd::Bo> bo;
    std::unique_ptr<kmd::Queue> queue;
    uint32_t* host = nullptr;
};

} // namespace kite::drm_mock
