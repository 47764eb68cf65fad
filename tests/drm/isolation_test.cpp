// SPDX-License-Identifier: MIT
// Who misbehaves pays alone: hangs, page faults and bad packets against a bystander at work.
#include "tests/drm/node.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace kite::drm_test {
namespace {

using Clock = std::chrono::steady_clock;

/// A second file that computes all the time and checks every result.
class Bystander {
public:
    Bystander() : thread_([this] { run(); }) {}
    ~Bystander() {
        stop_ = true;
        thread_.join();
    }
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    /// Rounds done so far; a wrong result makes it negative.
    int rounds() const { return wrong_ ? -1 : rounds_.load(); }

private:
    void run() {
        Node node;
        Space s(node);
        uint32_t at = s.at;
        for (uint32_t i = 1; !stop_; ++i) {
            s.at = at;
            uint32_t done = node.syncobj();
            bool ok = node.submit(s.queue, {s.store(0, i)}, {signals(done)}) == 0 &&
                      node.wait(done) == 0 && s.host[0] == i;
            drm_syncobj_destroy d{done, 0};
            (void)node.call(DRM_IOCTL_SYNCOBJ_DESTROY, d);
            if (!ok)
                wrong_ = true;
            ++rounds_;
        }
    }
    std::atomic<bool> stop_{false}, wrong_{false};
    std::atomic<int> rounds_{0};
    std::thread thread_;
};

class DrmIsolation : public DrmIoctl {
protected:
    /// The VM's end as a ban: errors, state, the other file's health.
    void expect_banned(Space& s, uint32_t fence, uint64_t within_ms) {
        auto start = Clock::now();
        EXPECT_EQ(node->wait(fence, 0, within_ms), 0);
        auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
        std::printf("fence signalled after %lld ms\n", static_cast<long long>(ms.count()));
        auto state = node->vm_state(s.vm);
        EXPECT_EQ(state.state, uint32_t{DRM_KITE_VM_BANNED});
        std::printf("cause %u, queue %u, address 0x%llx, access %u: %s\n", state.cause,
                    state.queue_id, static_cast<unsigned long long>(state.address), state.access,
                    state.text);
        EXPECT_NE(state.text[0], 0);
        EXPECT_EQ(node->queue_state(s.queue), uint32_t{DRM_KITE_QUEUE_GUILTY});
        EXPECT_EQ(node->submit(s.queue, {}, {}), -ECANCELED);
        EXPECT_EQ(node->bind_map(s.vm, s.bo, 0x40000000, 4096), -ECANCELED);
    }
    uint64_t timeout_ms() { return node->gpu().job_timeout_ms; }
};

TEST_F(DrmIsolation, AHangEndsInTimeAndAlone) {
    Bystander other;
    Space s(*node);
    uint32_t line = node->syncobj(), first = node->syncobj(), second = node->syncobj();
    uint32_t sibling = node->queue(s.vm);
    ASSERT_EQ(node->submit(s.queue, {s.gate(0, 1)}, {signals(first)}), 0);
    ASSERT_EQ(node->submit(s.queue, {s.store(1, 1)}, {signals(second), signals(line, 1)}), 0);
    expect_banned(s, first, timeout_ms() * 2 + 5000);
    EXPECT_EQ(node->wait(second), 0);
    EXPECT_EQ(node->wait(line, 1), 0);
    EXPECT_EQ(s.host[1], 0u) << "work behind the hang was executed";
    EXPECT_EQ(node->queue_state(sibling), uint32_t{DRM_KITE_QUEUE_INNOCENT});
    int before = other.rounds();
    ASSERT_GE(before, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_GT(other.rounds(), before);
}

TEST_F(DrmIsolation, ABadPacketEndsItsContext) {
    Bystander other;
    Space s(*node);
    s.host[s.at] = 0x0003fffe;
    drm_kite_ib bad{Space::kVa + uint64_t{s.at} * 4, 12, 0};
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {bad}, {signals(done)}), 0);
    expect_banned(s, done, 20000);
    EXPECT_GE(other.rounds(), 0);
    Space again(*node);
    uint32_t fine = node->syncobj();
    ASSERT_EQ(node->submit(again.queue, {again.store(0, 8)}, {signals(fine)}), 0);
    ASSERT_EQ(node->wait(fine), 0);
    EXPECT_EQ(again.host[0], 8u);
}

TEST_F(DrmIsolation, APageFaultEndsItsContext) {
    if (std::getenv("LD_PRELOAD") != nullptr)
        GTEST_SKIP() << "the fake reads holes as zero";
    Bystander other;
    for (bool write : {false, true}) {
        Space s(*node);
        constexpr uint64_t hole = 0x60000000;
        hw::CopyBufferPacket c;
        c.src = write ? Space::kVa : hole;
        c.dst = write ? hole : Space::kVa;
        c.size_bytes = 64;
        uint32_t done = node->syncobj();
        ASSERT_EQ(node->submit(s.queue, {s.emit(c)}, {signals(done)}), 0);
        expect_banned(s, done, 20000);
        auto state = node->vm_state(s.vm);
        EXPECT_EQ(state.access, write ? 1u : 0u);
        EXPECT_EQ(state.address & ~uint64_t{4095}, hole);
    }
    EXPECT_GE(other.rounds(), 0);
}

TEST_F(DrmIsolation, ReadOnlyMappingsRefuseWrites) {
    if (std::getenv("LD_PRELOAD") != nullptr)
        GTEST_SKIP() << "the fake's write goes nowhere instead";
    Space s(*node);
    uint32_t bo = node->bo(4096);
    drm_kite_vm_bind_op op{};
    op.flags = DRM_KITE_VM_BIND_READONLY;
    op.bo_handle = bo;
    op.va = 0x50000000;
    op.range = 4096;
    ASSERT_EQ(node->bind(s.vm, op), 0);
    hw::CopyBufferPacket c;
    c.src = op.va;
    c.dst = Space::kVa;
    c.size_bytes = 64;
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.emit(c)}, {signals(done)}), 0);
    ASSERT_EQ(node->wait(done), 0);
    ASSERT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_USABLE});
    hw::FillBufferPacket f;
    f.dst = op.va;
    f.size_bytes = 64;
    f.value = 1;
    uint32_t again = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.emit(f)}, {signals(again)}), 0);
    expect_banned(s, again, 20000);
    EXPECT_EQ(node->vm_state(s.vm).access, 1u);
}

TEST_F(DrmIsolation, ManyBansInARow) {
    for (int i = 0; i < 20; ++i) {
        Space s(*node);
        s.host[s.at] = 0x0003fffe;
        uint32_t done = node->syncobj();
        ASSERT_EQ(
            node->submit(s.queue, {{Space::kVa + uint64_t{s.at} * 4, 12, 0}}, {signals(done)}), 0);
        ASSERT_EQ(node->wait(done, 0, 20000), 0) << i;
        ASSERT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_BANNED}) << i;
    }
}

} // namespace
} // namespace kite::drm_test
