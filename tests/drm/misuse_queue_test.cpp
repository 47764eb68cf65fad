// SPDX-License-Identifier: MIT
// Every rule of the header about queues, submissions and syncs, broken once each.
#include "tests/drm/node.hpp"

#include <memory>

namespace kite::drm_test {
namespace {

constexpr uint64_t kPage = 4096;

TEST_F(DrmIoctl, QueueCreateRefuses) {
    uint32_t vm = node->vm();
    auto with = [&](auto change) {
        drm_kite_queue_create c{};
        c.vm_id = vm;
        c.priority = DRM_KITE_PRIORITY_NORMAL;
        change(c);
        return node->call(DRM_IOCTL_KITE_QUEUE_CREATE, c);
    };
    using C = drm_kite_queue_create;
    EXPECT_EQ(with([](C&) {}), 0);
    EXPECT_EQ(with([](C& c) { c.queue_class = 3; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.priority = 3; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.flags = 1; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.pad = 1; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.vm_id = 4444; }), -ENOENT);
    EXPECT_EQ(with([](C& c) { c.priority = DRM_KITE_PRIORITY_LOW; }), 0);
    drm_kite_queue_destroy d{1, 1};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_DESTROY, d), -EINVAL);
    drm_kite_queue_get_state s{};
    s.pad = 1;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_GET_STATE, s), -EINVAL);
}

TEST_F(DrmIoctl, SubmitRefusesBadRanges) {
    Space s(*node);
    auto g = node->gpu();
    drm_kite_ib good = s.store(0, 1);
    auto with = [&](auto change) {
        drm_kite_ib ib = good;
        change(ib);
        return node->submit(s.queue, {ib}, {});
    };
    using I = drm_kite_ib;
    EXPECT_EQ(with([](I&) {}), 0);
    EXPECT_EQ(with([](I& i) { i.flags = 1; }), -EINVAL);
    EXPECT_EQ(with([](I& i) { i.size = 0; }), -EINVAL);
    EXPECT_EQ(with([](I& i) { i.size = 3; }), -EINVAL);
    EXPECT_EQ(with([](I& i) { i.va += 2; }), -EINVAL);
    EXPECT_EQ(with([](I& i) { i.va = 0; }), -EINVAL);
    EXPECT_EQ(with([&](I& i) { i.va = g.va_end; }), -EINVAL);
    EXPECT_EQ(with([&](I& i) {
                  i.va = g.va_end - 4;
                  i.size = 8;
              }),
              -EINVAL);
    EXPECT_EQ(with([](I& i) { i.va = UINT64_MAX - 3; }), -EINVAL);
    drm_kite_queue_submit u{};
    u.queue_id = s.queue;
    u.flags = 1;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_SUBMIT, u), -EINVAL);
    auto array = [&](uint32_t stride, uint32_t count, uint64_t at) {
        drm_kite_queue_submit q{};
        q.queue_id = s.queue;
        q.ibs = {stride, count, at};
        return node->call(DRM_IOCTL_KITE_QUEUE_SUBMIT, q);
    };
    auto at = reinterpret_cast<uintptr_t>(&good);
    EXPECT_EQ(array(sizeof(good) - 4, 1, at), -EINVAL);
    EXPECT_EQ(array(sizeof(good), g.max_ibs + 1, at), -EINVAL);
    EXPECT_EQ(array(sizeof(good), UINT32_MAX, at), -EINVAL);
    EXPECT_EQ(array(sizeof(good), 1, 16), -EFAULT);
    EXPECT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_USABLE});
}

TEST_F(DrmIoctl, SubmitRefusesBadSyncs) {
    Space s(*node);
    uint32_t done = node->syncobj(true), empty = node->syncobj(), line = node->syncobj();
    auto with = [&](drm_kite_sync sync) { return node->submit(s.queue, {}, {sync}); };
    EXPECT_EQ(with(wait_for(done)), 0);
    EXPECT_EQ(with({1u << 2, done, 0}), -EINVAL);
    EXPECT_EQ(with({DRM_KITE_SYNC_TIMELINE, line, 0}), -EINVAL);
    EXPECT_EQ(with({0, done, 1}), -EINVAL);
    EXPECT_EQ(with(wait_for(99999)), -ENOENT);
    EXPECT_EQ(with(signals(99999)), -ENOENT);
    EXPECT_EQ(with(signals(0)), -ENOENT);
    EXPECT_EQ(with(wait_for(empty)), -EINVAL);   // no fence
    EXPECT_EQ(with(wait_for(line, 5)), -EINVAL); // no such point
    EXPECT_EQ(with(signals(line, 5)), 0);
    EXPECT_EQ(with(wait_for(line, 5)), 0);
    EXPECT_EQ(with(wait_for(line, 6)), -EINVAL);
    // A submission with one bad sync signals none of the good ones.
    EXPECT_EQ(node->submit(s.queue, {}, {signals(empty), wait_for(99999)}), -ENOENT);
    EXPECT_EQ(node->wait(empty, 0, 1), -ETIME);
}

TEST_F(DrmIoctl, WaitsOrderWork) {
    Space s(*node), t(*node);
    uint32_t line = node->syncobj(), done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.gate(0, 1)}, {signals(line, 1)}), 0);
    ASSERT_EQ(node->submit(t.queue, {t.store(0, 5)}, {wait_for(line, 1), signals(done)}), 0);
    EXPECT_EQ(node->wait(done, 0, 50), -ETIME);
    EXPECT_EQ(t.host[0], 0u);
    __atomic_store_n(&s.host[0], 1u, __ATOMIC_RELEASE);
    EXPECT_EQ(node->wait(done), 0);
    EXPECT_EQ(t.host[0], 5u);
    EXPECT_EQ(node->wait(line, 1), 0);
}

TEST_F(DrmIoctl, EnginesRunSideBySide) {
    for (uint32_t c : {DRM_KITE_QUEUE_COMPUTE, DRM_KITE_QUEUE_COPY}) {
        if (!(node->gpu().ring_mask & (1u << c)))
            continue;
        Space s(*node), t(*node, 65536, c);
        uint32_t held = node->syncobj(), done = node->syncobj();
        ASSERT_EQ(node->submit(s.queue, {s.gate(0, 1)}, {signals(held)}), 0);
        hw::FillBufferPacket f;
        f.dst = Space::kVa;
        f.size_bytes = 256;
        f.value = 0x1234567;
        ASSERT_EQ(node->submit(t.queue, {t.emit(f)}, {signals(done)}), 0);
        EXPECT_EQ(node->wait(done), 0); // although the graphics engine is held
        EXPECT_EQ(t.host[63], 0x1234567u);
        __atomic_store_n(&s.host[0], 1u, __ATOMIC_RELEASE);
        EXPECT_EQ(node->wait(held), 0);
    }
}

TEST_F(DrmIoctl, AsynchronousBindsKeepTheirOrder) {
    Space s(*node);
    constexpr uint64_t va = 0x30000000;
    uint32_t bo = node->bo(2 * kPage);
    auto* p = static_cast<uint32_t*>(node->map(bo, 2 * kPage));
    p[0] = 11;
    p[1024] = 22;
    uint32_t gate = node->syncobj(), bound = node->syncobj(), done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.gate(0, 1)}, {signals(gate)}), 0);
    auto bind = [&](uint64_t offset, std::vector<drm_kite_sync> syncs) {
        drm_kite_vm_bind_op op{};
        op.op = DRM_KITE_VM_BIND_MAP;
        op.bo_handle = bo;
        op.bo_offset = offset;
        op.va = va;
        op.range = kPage;
        drm_kite_vm_bind b{};
        b.vm_id = s.vm;
        b.flags = DRM_KITE_VM_BIND_ASYNC;
        b.ops = {sizeof(op), 1, reinterpret_cast<uintptr_t>(&op)};
        b.syncs = {sizeof(drm_kite_sync), static_cast<uint32_t>(syncs.size()),
                   reinterpret_cast<uintptr_t>(syncs.data())};
        return node->call(DRM_IOCTL_KITE_VM_BIND, b);
    };
    ASSERT_EQ(bind(0, {wait_for(gate)}), 0);
    ASSERT_EQ(bind(kPage, {signals(bound)}), 0); // after the first, which waits
    EXPECT_EQ(node->wait(bound, 0, 50), -ETIME);
    hw::CopyBufferPacket c;
    c.src = va;
    c.dst = Space::kVa + 4;
    c.size_bytes = 4;
    ASSERT_EQ(node->submit(s.queue, {s.emit(c)}, {wait_for(bound), signals(done)}), 0);
    __atomic_store_n(&s.host[0], 1u, __ATOMIC_RELEASE);
    ASSERT_EQ(node->wait(done), 0);
    EXPECT_EQ(s.host[1], 22u);
}

TEST_F(DrmIoctl, DestroyingAQueueCancelsItsWork) {
    // On an engine of its own, so that it cannot be in the ring before the gate opens.
    if (!(node->gpu().ring_mask & (1u << DRM_KITE_QUEUE_COMPUTE)))
        GTEST_SKIP() << "no compute ring";
    Space s(*node);
    uint32_t second = node->queue(s.vm, DRM_KITE_QUEUE_COMPUTE);
    uint32_t done = node->syncobj(), gate = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.gate(0, 1)}, {signals(gate)}), 0);
    ASSERT_EQ(node->submit(second, {s.store(1, 9)}, {wait_for(gate), signals(done)}), 0);
    drm_kite_queue_destroy d{second, 0};
    ASSERT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_DESTROY, d), 0);
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_DESTROY, d), -ENOENT);
    __atomic_store_n(&s.host[0], 1u, __ATOMIC_RELEASE);
    EXPECT_EQ(node->wait(done), 0); // it ends, one way or another
    EXPECT_EQ(s.host[1], 0u);
    EXPECT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_USABLE});
}

TEST_F(DrmIoctl, QueuesOutliveTheirVmsName) {
    Space s(*node);
    uint32_t vm = node->vm(), queue = node->queue(vm), done = node->syncobj();
    drm_kite_vm_destroy d{vm, 0};
    ASSERT_EQ(node->call(DRM_IOCTL_KITE_VM_DESTROY, d), 0);
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_DESTROY, d), -ENOENT);
    int r = node->submit(queue, {}, {signals(done)});
    EXPECT_TRUE(r == 0 || r == -ECANCELED) << r;
    if (r == 0) {
        EXPECT_EQ(node->wait(done), 0);
    }
}

TEST_F(DrmIoctl, ClosingTheFileEndsEverything) {
    uint32_t line = 0;
    int fd = -1;
    auto other = std::make_unique<Node>();
    auto s = std::make_unique<Space>(*other);
    line = other->syncobj();
    ASSERT_EQ(other->submit(s->queue, {s->gate(0, 1)}, {signals(line, 1)}), 0);
    drm_syncobj_handle h{};
    h.handle = line;
    ASSERT_EQ(other->call(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, h), 0);
    fd = h.fd;
    drm_syncobj_handle in{};
    in.fd = fd;
    ASSERT_EQ(node->call(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, in), 0);
    EXPECT_EQ(node->wait(in.handle, 1, 20), -ETIME);
    s.reset();
    other.reset();
    // Its running work is ended by the file's end or by the job timeout.
    EXPECT_EQ(node->wait(in.handle, 1, 60000), 0);
    Space mine(*node);
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(mine.queue, {mine.store(0, 3)}, {signals(done)}), 0);
    EXPECT_EQ(node->wait(done), 0);
}

} // namespace
} // namespace kite::drm_test
