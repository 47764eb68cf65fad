// SPDX-License-Identifier: MIT
#include "drm-driver/uapi/kite_drm.h"
#include "tests/drm_mock/fixture.hpp"

#include <cerrno>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace kite::drm_mock {
namespace {

using base::ErrorCode;

TEST_F(DrmTest, TimelinesCountAndWait) {
    auto t = timeline(7);
    EXPECT_EQ(*t->value(), 7u);
    EXPECT_TRUE(t->wait(7, 0));
    EXPECT_EQ(t->wait(8, 0).error().code, ErrorCode::timeout);
    uint64_t start = in_ms(0);
    EXPECT_EQ(t->wait(8, in_ms(30)).error().code, ErrorCode::timeout);
    EXPECT_GE(in_ms(0) - start, 29'000'000u);
    ASSERT_TRUE(t->signal(9));
    EXPECT_EQ(*t->value(), 9u);
    EXPECT_TRUE(t->wait(8, 0));
}

TEST_F(DrmTest, WaitsForAnyAndAll) {
    auto a = timeline(), b = timeline();
    ASSERT_TRUE(b->signal(1));
    kmd::SyncPoint points[] = {{a.get(), 1}, {b.get(), 1}};
    EXPECT_TRUE(device->wait({.points = points, .any = true}, 0));
    EXPECT_FALSE(device->wait({.points = points, .any = false}, 0));
    ASSERT_TRUE(a->signal(1));
    EXPECT_TRUE(device->wait({.points = points, .any = false}, 0));
    EXPECT_TRUE(device->wait({.points = {}, .any = true}, 0));
}

TEST_F(DrmTest, KnownPointsCostNoCall) {
    auto t = timeline();
    ASSERT_TRUE(submit({store(0, 1)}, {}, {{t.get(), 5}}));
    ASSERT_TRUE(t->wait(5, in_ms(5000)));
    uint64_t before = kernel.fake.ioctls();
    EXPECT_TRUE(t->wait(5, in_ms(5000)));
    EXPECT_TRUE(t->wait(3, 0));
    EXPECT_EQ(kernel.fake.ioctls(), before);
    // A submission that waits for them is one call.
    ASSERT_TRUE(submit({store(0, 2)}, {{t.get(), 4}}, {{t.get(), 6}}));
    EXPECT_EQ(kernel.fake.ioctls(), before + 1);
}

TEST_F(DrmTest, RunsInOrder) {
    auto t = timeline();
    for (uint32_t i = 1; i <= 50; ++i)
        ASSERT_TRUE(submit({store(0, i, 1024 + i * 16)}, {}, {{t.get(), i}}));
    ASSERT_TRUE(t->wait(50, in_ms(5000)));
    EXPECT_EQ(host[0], 50u);
}

TEST_F(DrmTest, MoreRangesAndSyncsThanOneCallTakes) {
    std::vector<kmd::Ib> ibs;
    for (uint32_t i = 0; i < 100; ++i)
        ibs.push_back(store(i, i + 1, 1024 + i * 16));
    ibs.push_back({kVa, 0}); // empty ranges vanish
    std::vector<std::unique_ptr<kmd::Timeline>> all;
    std::vector<kmd::SyncPoint> waits, signals;
    for (int i = 0; i < 40; ++i) {
        all.push_back(timeline(1));
        waits.push_back({all.back().get(), 2});
        signals.push_back({all.back().get(), 3});
    }
    ASSERT_TRUE(queue->submit({.ibs = ibs, .waits = waits, .signals = signals}));
    EXPECT_EQ(all[39]->wait(3, in_ms(30)).error().code, ErrorCode::timeout);
    EXPECT_EQ(host[0], 0u);
    for (auto& t : all)
        ASSERT_TRUE(t->signal(2));
    ASSERT_TRUE(device->wait({.points = signals, .any = false}, in_ms(5000)));
    for (uint32_t i = 0; i < 100; ++i)
        EXPECT_EQ(host[i], i + 1);
}

TEST_F(DrmTest, WaitsMayComeBeforeTheirSignals) {
    auto t = timeline(), done = timeline();
    auto q2 = device->create_queue(kmd::QueueClass::compute);
    ASSERT_TRUE(q2);
    // Two held submissions of one queue, the second without waits: order holds.
    ASSERT_TRUE(submit({store(0, 1, 1024)}, {{t.get(), 10}}, {{done.get(), 1}}));
    ASSERT_TRUE(submit({store(0, 2, 1040)}, {}, {{done.get(), 2}}));
    EXPECT_EQ(done->wait(2, in_ms(50)).error().code, ErrorCode::timeout);
    EXPECT_EQ(host[0], 0u);
    auto ib = store(1, 3, 1056);
    kmd::SyncPoint signal{t.get(), 10};
    ASSERT_TRUE((*q2)->submit({.ibs = {&ib, 1}, .waits = {}, .signals = {&signal, 1}}));
    ASSERT_TRUE(done->wait(2, in_ms(5000)));
    EXPECT_EQ(host[0], 2u);
    EXPECT_EQ(host[1], 3u);
}

TEST_F(DrmTest, HostSignalsReleaseTheGpu) {
    auto t = timeline(), done = timeline();
    ASSERT_TRUE(submit({store(0, 5)}, {{t.get(), 1}}, {{done.get(), 1}}));
    EXPECT_FALSE(done->wait(1, in_ms(20)));
    ASSERT_TRUE(t->signal(1));
    ASSERT_TRUE(done->wait(1, in_ms(5000)));
    EXPECT_EQ(host[0], 5u);
}

TEST_F(DrmTest, AQueueWithHeldWorkCanBeDestroyed) {
    auto t = timeline(), done = timeline();
    ASSERT_TRUE(submit({store(0, 5)}, {{t.get(), 1}}, {{done.get(), 1}}));
    queue.reset();
    EXPECT_EQ(host[0], 0u);
}

TEST_F(DrmTest, BinaryObjectsAreConsumedByTheirWait) {
    auto b = std::move(*device->create_binary(false));
    auto t = timeline();
    EXPECT_FALSE(b->wait(0, 0));
    ASSERT_TRUE(submit({gate(0, 1, 1024)}, {}, {{b.get(), 0}}));
    ASSERT_TRUE(submit({store(1, 9, 1040)}, {{b.get(), 0}}, {{t.get(), 1}}));
    EXPECT_EQ(b->wait(0, 0).error().code, ErrorCode::timeout); // reset by the second submission
    open_gate(0, 1);
    ASSERT_TRUE(t->wait(1, in_ms(5000)));
    EXPECT_EQ(host[1], 9u);
    ASSERT_TRUE(b->signal(0));
    EXPECT_TRUE(b->wait(0, 0));
    ASSERT_TRUE(b->reset());
    EXPECT_FALSE(b->wait(0, 0));
    EXPECT_TRUE((*device->create_binary(true))->wait(0, 0));
}

TEST_F(DrmTest, SyncObjectsCrossFiles) {
    auto other = std::move(*kmd::drm::DeviceImpl::open(facts, kernel));
    auto t = timeline();
    auto fd = t->export_fd();
    ASSERT_TRUE(fd);
    auto there = other->import_sync(*fd, false);
    close(*fd);
    ASSERT_TRUE(there);
    ASSERT_TRUE((*there)->signal(4));
    EXPECT_EQ(*t->value(), 4u);
    EXPECT_FALSE(other->import_sync(-1, false));
}

TEST_F(DrmTest, SyncFilesCarryAPoint) {
    auto t = timeline(), done = timeline();
    ASSERT_TRUE(submit({gate(0, 1, 1024)}, {}, {{t.get(), 1}}));
    auto fd = t->export_sync_file(1);
    ASSERT_TRUE(fd);
    pollfd p{*fd, POLLIN, 0};
    EXPECT_EQ(poll(&p, 1, 0), 0);
    auto b = std::move(*device->create_binary(false));
    ASSERT_TRUE(b->import_sync_file(*fd));
    EXPECT_FALSE(t->import_sync_file(*fd)); // timelines have no such payload
    EXPECT_FALSE(b->wait(0, 0));
    open_gate(0, 1);
    EXPECT_EQ(poll(&p, 1, 5000), 1);
    EXPECT_TRUE(b->wait(0, in_ms(5000)));
    close(*fd);
}

TEST_F(DrmTest, AFaultLosesTheDeviceWithTheKernelsWords) {
    auto t = timeline(), u = timeline();
    host[2000] = 0x0003fffe; // no such packet
    ASSERT_TRUE(submit({{kVa + 8000, 3}}, {}, {{t.get(), 1}}));
    auto r = t->wait(1, in_ms(5000));
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, ErrorCode::device_lost);
    EXPECT_GT(r.error().message.size(), std::string("device lost: ").size());
    EXPECT_FALSE(queue->fault().empty());
    EXPECT_EQ(t->value().error().code, ErrorCode::device_lost);
    EXPECT_EQ(submit({store(0, 1)}, {}, {{u.get(), 1}}).error().code, ErrorCode::device_lost);
    // Another file goes on.
    auto other = std::move(*kmd::drm::DeviceImpl::open(facts, kernel));
    auto q = std::move(*other->create_queue(kmd::QueueClass::graphics));
    auto v = std::move(*other->create_timeline(0));
    kmd::SyncPoint s{v.get(), 1};
    ASSERT_TRUE(q->submit({.ibs = {}, .waits = {}, .signals = {&s, 1}}));
    EXPECT_TRUE(v->wait(1, in_ms(5000)));
}

TEST_F(DrmTest, HeldWorkOfALostContextWakesItsWaiters) {
    auto never = timeline(), held = timeline(), t = timeline();
    ASSERT_TRUE(submit({store(0, 1)}, {{never.get(), 1}}, {{held.get(), 1}}));
    auto q2 = std::move(*device->create_queue(kmd::QueueClass::graphics));
    host[2000] = 0x0003fffe;
    kmd::Ib bad{kVa + 8000, 3};
    kmd::SyncPoint s{t.get(), 1};
    kmd::Result<void> seen;
    std::thread waiter([&] { seen = held->wait(1, in_ms(10000)); });
    ASSERT_TRUE(q2->submit({.ibs = {&bad, 1}, .waits = {}, .signals = {&s, 1}}));
    uint64_t start = in_ms(0);
    waiter.join();
    EXPECT_LT(in_ms(0) - start, 2'000'000'000u);
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code, ErrorCode::device_lost);
}

TEST_F(DrmTest, UnpluggingEndsEveryWait) {
    auto never = timeline(), t = timeline();
    ASSERT_TRUE(submit({gate(0, 1, 1024)}, {}, {{t.get(), 1}}));
    kmd::Result<void> a, b;
    std::thread w1([&] { a = t->wait(1, UINT64_MAX); });
    std::thread w2([&] { b = never->wait(1, UINT64_MAX); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kernel.fake.unplug();
    w1.join();
    w2.join();
    EXPECT_EQ(a.error().code, ErrorCode::device_lost);
    EXPECT_EQ(b.error().code, ErrorCode::device_lost);
    EXPECT_EQ(device->create_bo({.size_bytes = 4096}).error().code, ErrorCode::device_lost);
    EXPECT_EQ(device->clocks().error().code, ErrorCode::device_lost);
    host[0] = 3; // mappings outlive the device
    EXPECT_FALSE(kmd::drm::DeviceImpl::open(facts, kernel));
}

TEST_F(DrmTest, TheDeviceMayVanishAtAnyCall) {
    // Every n-th call onwards says ENODEV: no crash, no endless wait, device_lost at the end.
    for (int n = 1; n < 14; ++n) {
        auto d = std::move(*kmd::drm::DeviceImpl::open(facts, kernel));
        int calls = 0;
        kernel.hook = [&](unsigned long, void*) { return ++calls >= n ? -ENODEV : 0; };
        auto q = d->create_queue(kmd::QueueClass::graphics);
        auto t = d->create_timeline(1);
        auto b = d->create_bo({.size_bytes = 4096, .exportable = true});
        ErrorCode last = ErrorCode::io;
        if (b) {
            if (auto r = d->bind(kVa, **b, 0, 4096); !r)
                last = r.error().code;
            if (auto r = (*b)->export_fd(); r)
                close(*r);
        }
        if (q && t) {
            kmd::SyncPoint s{t->get(), 2}, w{t->get(), 1};
            (void)(*q)->submit({.ibs = {}, .waits = {&w, 1}, .signals = {&s, 1}});
            if (auto r = (*t)->wait(2, in_ms(3000)); !r)
                last = r.error().code;
        }
        if (auto r = d->clocks(); !r)
            last = r.error().code;
        else
            last = ErrorCode::device_lost; // n was beyond the sequence
        EXPECT_EQ(last, ErrorCode::device_lost) << n;
        kernel.hook = nullptr;
    }
}

TEST_F(DrmTest, AFailedSubmissionChangesNothing) {
    auto t = timeline();
    kernel.hook = [](unsigned long r, void*) {
        return r == DRM_IOCTL_KITE_QUEUE_SUBMIT ? -ENOMEM : 0;
    };
    EXPECT_EQ(submit({store(0, 1)}, {}, {{t.get(), 1}}).error().code,
              ErrorCode::out_of_host_memory);
    kernel.hook = nullptr;
    EXPECT_EQ(t->wait(1, 0).error().code, ErrorCode::timeout);
    ASSERT_TRUE(submit({store(0, 2)}, {}, {{t.get(), 1}}));
    ASSERT_TRUE(t->wait(1, in_ms(5000)));
    EXPECT_EQ(host[0], 2u);
}

TEST_F(DrmTest, ManyThreadsShareOneQueue) {
    std::vector<std::thread> threads;
    std::atomic<int> bad{0};
    for (uint32_t n = 0; n < 8; ++n)
        threads.emplace_back([&, n] {
            auto t = std::move(*device->create_timeline(0));
            for (uint32_t i = 1; i <= 100; ++i) {
                auto ib = store(n, i, 1024 + n * 16);
                kmd::SyncPoint s{t.get(), i};
                if (!queue->submit({.ibs = {&ib, 1}, .waits = {}, .signals = {&s, 1}}) ||
                    !t->wait(i, in_ms(10000)) || host[n] != i)
                    ++bad;
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(bad, 0);
}

} // namespace
} // namespace kite::drm_mock
