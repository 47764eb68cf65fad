// SPDX-License-Identifier: MIT
// The embedded queue and timelines on a device that does what the test says.
#include "runtime/kmd/embedded/queue.hpp"

#include <chrono>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace kite::rt::kmd::embedded {
namespace {

using namespace std::chrono_literals;

uint64_t after(std::chrono::nanoseconds time) {
    const auto at = std::chrono::steady_clock::now() + time;
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

// A device queue that keeps submissions until the test completes them.
class FakeQueue final : public dev::Queue {
public:
    int submit(const dev::IndirectBuffer* ibs, uint32_t count, uint64_t cookie) override {
        const std::lock_guard lock(mutex);
        if (refuse) {
            return -19; // ENODEV
        }
        pending.push_back({cookie, count == 0 ? 0 : ibs[0].address});
        arrived.notify_all();
        return 0;
    }
    bool fault(dev::Fault* out) override {
        if (dead) {
            std::snprintf(out->message, sizeof(out->message), "made up");
        }
        return dead;
    }
    // As the device does: what is pending completes as lost.
    void destroy() override {
        while (!pending.empty()) {
            complete(dev::Status::lost);
        }
        destroyed = true;
    }
    // The oldest submission is done.
    void complete(dev::Status status) {
        Entry e;
        {
            const std::lock_guard lock(mutex);
            e = pending.front();
            pending.pop_front();
        }
        fn(user, e.cookie, status);
    }
    // Waits until `count` submissions are here; their first addresses.
    std::vector<uint64_t> wait_for(size_t count) {
        std::unique_lock lock(mutex);
        arrived.wait_for(lock, 10s, [&] { return pending.size() >= count; });
        std::vector<uint64_t> out;
        for (const Entry& e : pending) {
            out.push_back(e.address);
        }
        return out;
    }
    size_t size() {
        const std::lock_guard lock(mutex);
        return pending.size();
    }

    struct Entry {
        uint64_t cookie = 0, address = 0;
    };
    std::mutex mutex;
    std::condition_variable arrived;
    std::deque<Entry> pending;
    dev::CompletionFn fn = nullptr;
    void* user = nullptr;
    bool refuse = false, dead = false, destroyed = false;
};

class FakeDevice final : public dev::Device {
public:
    const dev::DeviceInfo& info() override { return info_; }
    int create_address_space(dev::AddressSpace**) override { return -38; }
    int create_queue(dev::AddressSpace*, dev::CompletionFn fn, void* user,
                     dev::Queue** out) override {
        if (no_queues) {
            return -11;
        }
        queue.fn = fn;
        queue.user = user;
        *out = &queue;
        return 0;
    }
    uint64_t timestamp() override { return 0; }
    uint32_t counters(Counter*, uint32_t) override { return 0; }
    void destroy() override {}

    FakeQueue queue;
    bool no_queues = false;

private:
    dev::DeviceInfo info_{};
};

class QueueTest : public testing::Test {
protected:
    void SetUp() override {
        queue = std::make_unique<QueueImpl>(hub);
        ASSERT_TRUE(queue->start(device, nullptr));
    }
    void TearDown() override {
        queue.reset();
        EXPECT_TRUE(device.queue.destroyed);
    }
    Result<void> submit(uint64_t address, std::vector<SyncPoint> waits,
                        std::vector<SyncPoint> signals) {
        const Ib ib{.address = address, .dwords = address == 0 ? 0u : 4u};
        return queue->submit({.ibs = {&ib, 1}, .waits = waits, .signals = signals});
    }

    FakeDevice device;
    std::shared_ptr<TimelineHub> hub = std::make_shared<TimelineHub>();
    TimelineImpl a{hub, 0}, b{hub, 5};
    std::unique_ptr<QueueImpl> queue;
};

TEST_F(QueueTest, SignalsWhenTheDeviceIsDone) {
    ASSERT_TRUE(submit(0x1000, {}, {{&a, 1}, {&b, 9}}));
    EXPECT_EQ(a.value(), 0u);
    device.queue.complete(dev::Status::ok);
    EXPECT_EQ(a.value(), 1u);
    EXPECT_EQ(b.value(), 9u);
}

TEST_F(QueueTest, ReachedWaitsGoToTheDeviceAtOnce) {
    ASSERT_TRUE(submit(0x1000, {{&b, 5}}, {{&a, 1}}));
    EXPECT_EQ(device.queue.size(), 1u);
    device.queue.complete(dev::Status::ok);
}

TEST_F(QueueTest, ASubmissionMayWaitForWhatNobodyHasSubmittedYet) {
    ASSERT_TRUE(submit(0x1000, {{&b, 6}}, {{&a, 1}}));
    ASSERT_TRUE(submit(0x2000, {}, {{&a, 2}})); // must not overtake
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(device.queue.size(), 0u);
    ASSERT_TRUE(b.signal(6));
    EXPECT_EQ(device.queue.wait_for(2), (std::vector<uint64_t>{0x1000, 0x2000}));
    device.queue.complete(dev::Status::ok);
    EXPECT_EQ(a.value(), 1u);
    device.queue.complete(dev::Status::ok);
    EXPECT_EQ(a.value(), 2u);
}

TEST_F(QueueTest, NothingToExecuteSignalsWithoutTheDevice) {
    ASSERT_TRUE(submit(0, {}, {{&a, 3}}));
    EXPECT_EQ(a.value(), 3u);
    EXPECT_EQ(device.queue.size(), 0u);
}

TEST_F(QueueTest, NothingToExecuteStillComesAfterWhatRuns) {
    ASSERT_TRUE(submit(0x1000, {}, {{&a, 1}}));
    ASSERT_TRUE(submit(0, {}, {{&a, 2}}));
    EXPECT_EQ(a.value(), 0u);
    device.queue.complete(dev::Status::ok);
    EXPECT_EQ(a.value(), 1u);
    ASSERT_EQ(device.queue.wait_for(1).size(), 1u);
    device.queue.complete(dev::Status::ok);
    EXPECT_EQ(a.value(), 2u);
}

TEST_F(QueueTest, AFaultEndsEveryWait) {
    ASSERT_TRUE(submit(0x1000, {}, {{&a, 1}}));
    ASSERT_TRUE(submit(0x2000, {{&b, 100}}, {{&a, 2}})); // held back for ever
    std::thread waiter([&] {
        const auto waited = a.wait(1, UINT64_MAX);
        ASSERT_FALSE(waited);
        EXPECT_EQ(waited.error().code, base::ErrorCode::device_lost);
    });
    device.queue.dead = true;
    device.queue.complete(dev::Status::fault);
    waiter.join();
    EXPECT_EQ(a.value(), 0u) << "a lost submission signals nothing";
    EXPECT_EQ(queue->fault(), "made up");
    const auto late = submit(0x3000, {}, {{&a, 3}});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, base::ErrorCode::device_lost);
}

TEST_F(QueueTest, ARefusedSubmissionIsALostDevice) {
    device.queue.refuse = true;
    const auto refused = submit(0x1000, {}, {{&a, 1}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::ErrorCode::device_lost);
    EXPECT_FALSE(a.wait(1, after(10s)));
}

TEST_F(QueueTest, DestructionWithHeldAndRunningSubmissions) {
    ASSERT_TRUE(submit(0x1000, {}, {{&a, 1}}));
    ASSERT_TRUE(submit(0x2000, {{&b, 100}}, {{&a, 2}}));
    queue.reset();
    EXPECT_EQ(a.value(), 0u);
    EXPECT_TRUE(device.queue.destroyed);
}

TEST_F(QueueTest, ManyThreadsSubmitInSomeOrderAndAllSignal) {
    constexpr int kThreads = 4, kEach = 50;
    std::atomic<bool> stop{false};
    std::thread gpu([&] {
        while (!stop || device.queue.size() != 0) {
            if (device.queue.size() != 0) {
                device.queue.complete(dev::Status::ok);
            } else {
                std::this_thread::yield();
            }
        }
    });
    std::vector<std::unique_ptr<TimelineImpl>> lines;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        lines.push_back(std::make_unique<TimelineImpl>(hub, 0));
        threads.emplace_back([&, t, line = lines.back().get()] {
            for (uint64_t i = 1; i <= kEach; ++i) {
                ASSERT_TRUE(
                    submit(0x1000 * static_cast<uint64_t>(t + 1), {{line, i - 1}}, {{line, i}}));
            }
            EXPECT_TRUE(line->wait(kEach, after(20s)));
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
    stop = true;
    gpu.join();
}

TEST(QueueStart, TellsWhyThereIsNoQueue) {
    FakeDevice device;
    device.no_queues = true;
    QueueImpl queue(std::make_shared<TimelineHub>());
    const auto started = queue.start(device, nullptr);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, base::ErrorCode::initialization_failed);
}

class TimelineTest : public testing::Test {
protected:
    std::shared_ptr<TimelineHub> hub = std::make_shared<TimelineHub>();
    TimelineImpl a{hub, 3}, b{hub, 0};
};

TEST_F(TimelineTest, OnlyGrows) {
    EXPECT_EQ(a.value(), 3u);
    ASSERT_TRUE(a.signal(7));
    ASSERT_TRUE(a.signal(5));
    EXPECT_EQ(a.value(), 7u);
}

TEST_F(TimelineTest, PollsAndTimesOut) {
    EXPECT_TRUE(a.wait(3, 0));
    const auto polled = a.wait(4, 0);
    ASSERT_FALSE(polled);
    EXPECT_EQ(polled.error().code, base::ErrorCode::timeout);
    const auto begin = std::chrono::steady_clock::now();
    const auto waited = a.wait(4, after(30ms));
    EXPECT_FALSE(waited);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 29ms);
}

TEST_F(TimelineTest, AWaitEndsWithTheSignal) {
    std::thread signaller([&] {
        std::this_thread::sleep_for(10ms);
        EXPECT_TRUE(a.signal(4));
    });
    EXPECT_TRUE(a.wait(4, UINT64_MAX));
    signaller.join();
}

TEST_F(TimelineTest, AnyAndAll) {
    const SyncPoint points[] = {{&a, 3}, {&b, 1}};
    EXPECT_TRUE(hub->wait({.points = points, .any = true}, 0));
    EXPECT_FALSE(hub->wait({.points = points, .any = false}, 0));
    ASSERT_TRUE(b.signal(1));
    EXPECT_TRUE(hub->wait({.points = points, .any = false}, 0));
    EXPECT_TRUE(hub->wait({.points = {}, .any = true}, 0));
    EXPECT_TRUE(hub->wait({.points = {}, .any = false}, 0));
}

TEST_F(TimelineTest, ALostDeviceEndsWaitsButNotWhatWasReached) {
    {
        const std::lock_guard lock(hub->mutex);
        hub->lost = true;
    }
    EXPECT_TRUE(a.wait(3, UINT64_MAX));
    const auto waited = a.wait(4, UINT64_MAX);
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, base::ErrorCode::device_lost);
}

// A second process is a second hub: nothing but the descriptor connects the two.
class SharedTest : public QueueTest {
protected:
    // An object of the other process by the descriptor of one here.
    std::unique_ptr<TimelineImpl> pass(TimelineImpl& from, bool binary) {
        const auto fd = from.export_fd();
        EXPECT_TRUE(fd);
        auto shared = SharedSync::import(*fd, binary);
        EXPECT_TRUE(shared);
        EXPECT_FALSE(SharedSync::import(*fd, !binary)) << "the other kind";
        close(*fd);
        return std::make_unique<TimelineImpl>(other, std::move(*shared), binary);
    }
    TimelineImpl binary() { return {hub, std::move(*SharedSync::create(true, 0)), true}; }
    std::shared_ptr<TimelineHub> other = std::make_shared<TimelineHub>();
};

TEST_F(SharedTest, ATimelineGoesOnInBothProcesses) {
    ASSERT_TRUE(a.signal(4));
    auto there = pass(a, false);
    EXPECT_EQ(there->value(), 4u);
    ASSERT_TRUE(there->signal(6));
    ASSERT_TRUE(a.signal(5));
    EXPECT_EQ(a.value(), 6u);
    EXPECT_EQ(there->value(), 6u);
}

TEST_F(SharedTest, AWaitBegunBeforeTheExportSeesTheOtherProcess) {
    std::unique_ptr<TimelineImpl> there;
    std::thread waiter([&] { EXPECT_TRUE(a.wait(9, after(10s))); });
    ASSERT_TRUE(submit(0x1000, {{&a, 9}}, {}));
    std::this_thread::sleep_for(10ms);
    there = pass(a, false);
    ASSERT_TRUE(there->signal(9));
    waiter.join();
    EXPECT_EQ(device.queue.wait_for(1).size(), 1u);
    device.queue.complete(dev::Status::ok);
}

TEST_F(SharedTest, AQueuesWaitUsesABinaryObjectUp) {
    TimelineImpl here = binary();
    auto there = pass(here, true);
    EXPECT_FALSE(here.wait(0, 0));
    ASSERT_TRUE(submit(0x1000, {{&here, 0}}, {})); // held back
    EXPECT_EQ(device.queue.size(), 0u);
    ASSERT_TRUE(there->signal(0));
    EXPECT_EQ(device.queue.wait_for(1).size(), 1u);
    EXPECT_FALSE(there->wait(0, 0)) << "used up";
    ASSERT_TRUE(there->signal(0));
    EXPECT_TRUE(here.wait(0, 0)) << "a host wait looks only";
    ASSERT_TRUE(submit(0x2000, {{&here, 0}}, {})); // at once, or by a thread that is still busy
    EXPECT_EQ(device.queue.wait_for(2).size(), 2u);
    EXPECT_FALSE(there->wait(0, 0));
    ASSERT_TRUE(here.signal(0));
    ASSERT_TRUE(there->reset());
    EXPECT_FALSE(here.wait(0, 0));
    device.queue.complete(dev::Status::ok);
    device.queue.complete(dev::Status::ok);
}

TEST_F(SharedTest, OtherMemoryIsRefused) {
    const int plain = memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ASSERT_EQ(ftruncate(plain, 4096), 0);
    EXPECT_FALSE(SharedSync::import(plain, true)) << "not sealed";
    ASSERT_EQ(fcntl(plain, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    EXPECT_FALSE(SharedSync::import(plain, true)) << "no magic number";
    EXPECT_FALSE(SharedSync::import(STDIN_FILENO, true));
    EXPECT_FALSE(SharedSync::import(-1, false));
    close(plain);
}

} // namespace
} // namespace kite::rt::kmd::embedded
