// SPDX-License-Identifier: MIT
// Every rule of the header about facts, buffers and binds, broken once each: the right errno, and
// nothing changed.
#include "tests/drm/node.hpp"

#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

namespace kite::drm_test {
namespace {

constexpr uint64_t kVa = 0x20000000, kPage = 4096;

TEST_F(DrmIoctl, DevQueryTellsSizesAndRefusesNonsense) {
    for (uint32_t type :
         {DRM_KITE_DEV_QUERY_GPU, DRM_KITE_DEV_QUERY_MEMORY, DRM_KITE_DEV_QUERY_LINK}) {
        drm_kite_dev_query q{type, 0, 0};
        ASSERT_EQ(node->call(DRM_IOCTL_KITE_DEV_QUERY, q), 0);
        EXPECT_GE(q.size, sizeof(drm_kite_link_info));
        // The smaller number of bytes is copied.
        unsigned char block[512];
        std::memset(block, 0xee, sizeof(block));
        drm_kite_dev_query part{type, 6, reinterpret_cast<uintptr_t>(block)};
        ASSERT_EQ(node->call(DRM_IOCTL_KITE_DEV_QUERY, part), 0);
        EXPECT_EQ(block[6], 0xee);
        drm_kite_dev_query more{type, sizeof(block), reinterpret_cast<uintptr_t>(block)};
        ASSERT_EQ(node->call(DRM_IOCTL_KITE_DEV_QUERY, more), 0);
        EXPECT_EQ(more.size, q.size);
        EXPECT_EQ(block[q.size], 0xee);
        drm_kite_dev_query bad{type, sizeof(block), 8};
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_DEV_QUERY, bad), -EFAULT);
    }
    drm_kite_dev_query q{99, 0, 0};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_DEV_QUERY, q), -EINVAL);
    EXPECT_EQ(node->ioctl(DRM_IOCTL_KITE_DEV_QUERY, reinterpret_cast<void*>(8)), -EFAULT);
}

TEST_F(DrmIoctl, FactsMakeSense) {
    auto g = node->gpu();
    EXPECT_EQ(g.abi_major, 1);
    EXPECT_TRUE(g.wave_size == 8 || g.wave_size == 16);
    EXPECT_LT(g.va_start, g.va_end);
    EXPECT_EQ(g.page_size, kPage);
    EXPECT_EQ(g.pad, 0u);
    EXPECT_LT(strnlen(g.description, sizeof(g.description)), sizeof(g.description));
    auto m = node->memory();
    EXPECT_LE(m.vram_visible_size, m.vram_size);
    EXPECT_LE(m.vram_used, m.vram_size);
    drm_kite_get_time t{};
    ASSERT_EQ(node->call(DRM_IOCTL_KITE_GET_TIME, t), 0);
    EXPECT_GT(t.cpu_ns, 0u);
    t = {.flags = 1};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_GET_TIME, t), -EINVAL);
    t = {.pad = 1};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_GET_TIME, t), -EINVAL);
}

TEST_F(DrmIoctl, UnknownIoctlsAndDirectionsAreRefused) {
    unsigned char block[64] = {};
    EXPECT_EQ(node->ioctl(DRM_IOWR(DRM_COMMAND_BASE + 0x3f, drm_kite_vm_create), block), -EINVAL);
    // A structure shorter than the kernel's is filled up with zeros.
    EXPECT_EQ(node->ioctl(DRM_IOWR(DRM_COMMAND_BASE + DRM_KITE_BO_CREATE, uint64_t), block),
              -EINVAL); // size 0
}

TEST_F(DrmIoctl, BoCreateRefuses) {
    auto with = [&](auto change) {
        drm_kite_bo_create c{};
        c.size = kPage;
        c.flags = DRM_KITE_BO_SYSTEM;
        change(c);
        return node->call(DRM_IOCTL_KITE_BO_CREATE, c);
    };
    using C = drm_kite_bo_create;
    EXPECT_EQ(with([](C& c) { c.size = 0; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.flags = 0; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.flags = DRM_KITE_BO_CPU_VISIBLE; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.flags |= 1u << 3; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.flags |= 1u << 31; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.pad = 1; }), -EINVAL);
    EXPECT_EQ(with([](C& c) { c.exclusive_vm_id = 12345; }), -ENOENT);
    int huge = with([](C& c) { c.size = uint64_t{1} << 60; });
    EXPECT_TRUE(huge == -ENOMEM || huge == -EINVAL) << huge;
    int wrap = with([](C& c) { c.size = UINT64_MAX; });
    EXPECT_TRUE(wrap == -ENOMEM || wrap == -EINVAL) << wrap;
    EXPECT_EQ(with([&](C& c) {
                  c.flags = DRM_KITE_BO_VRAM;
                  c.size = node->memory().vram_size + (uint64_t{1} << 40);
              }),
              -ENOSPC);
    EXPECT_EQ(with([](C&) {}), 0);
}

TEST_F(DrmIoctl, BoCreateRoundsUpAndZeroes) {
    drm_kite_bo_create c{};
    c.size = 1;
    c.flags = DRM_KITE_BO_VRAM | DRM_KITE_BO_CPU_VISIBLE;
    ASSERT_EQ(node->call(DRM_IOCTL_KITE_BO_CREATE, c), 0);
    EXPECT_EQ(c.size, kPage);
    EXPECT_NE(c.handle, 0u);
    auto* p = static_cast<unsigned char*>(node->map(c.handle, kPage));
    for (size_t i = 0; i < kPage; ++i)
        ASSERT_EQ(p[i], 0);
    munmap(p, kPage);
}

TEST_F(DrmIoctl, FreedMemoryIsScrubbed) {
    constexpr uint64_t size = 1 << 20;
    for (int round = 0; round < 4; ++round) {
        uint32_t bo = node->bo(size, DRM_KITE_BO_VRAM | DRM_KITE_BO_CPU_VISIBLE);
        auto* p = static_cast<unsigned char*>(node->map(bo, size));
        for (uint64_t i = 0; i < size; i += 64)
            ASSERT_EQ(p[i], 0) << "round " << round << " byte " << i;
        std::memset(p, 0xa5, size);
        munmap(p, size);
        ASSERT_EQ(node->close_bo(bo), 0);
    }
}

TEST_F(DrmIoctl, HandlesAreCheckedEverywhere) {
    for (uint32_t handle : {0u, 999999u, UINT32_MAX}) {
        drm_kite_bo_mmap_offset m{};
        m.handle = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_MMAP_OFFSET, m), -ENOENT);
        drm_kite_bo_info i{};
        i.handle = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_INFO, i), -ENOENT);
        drm_kite_bo_madvise a{};
        a.handle = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_MADVISE, a), -ENOENT);
        drm_kite_vm_destroy v{handle, 0};
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_DESTROY, v), -ENOENT);
        drm_kite_vm_get_state s{};
        s.vm_id = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_GET_STATE, s), -ENOENT);
        drm_kite_queue_destroy q{handle, 0};
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_DESTROY, q), -ENOENT);
        drm_kite_queue_get_state t{};
        t.id = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_GET_STATE, t), -ENOENT);
        drm_kite_queue_create c{};
        c.vm_id = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_CREATE, c), -ENOENT);
        drm_kite_vm_bind b{};
        b.vm_id = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_BIND, b), -ENOENT);
        drm_kite_queue_submit u{};
        u.queue_id = handle;
        EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_SUBMIT, u), -ENOENT);
    }
}

TEST_F(DrmIoctl, ObjectsOfAnotherFileDoNotExist) {
    Node other;
    Space s(other);
    drm_kite_bo_mmap_offset m{};
    m.handle = s.bo;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_MMAP_OFFSET, m), -ENOENT);
    // Ids count per file, so one that only the other file has:
    for (int i = 0; i < 40; ++i)
        (void)other.vm();
    uint32_t high = other.vm(), queue = other.queue(high);
    drm_kite_vm_destroy v{high, 0};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_DESTROY, v), -ENOENT);
    drm_kite_queue_submit u{};
    u.queue_id = queue + 1000;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_SUBMIT, u), -ENOENT);
    // A fake offset of one file maps nothing in another.
    m.handle = s.bo;
    ASSERT_EQ(other.call(DRM_IOCTL_KITE_BO_MMAP_OFFSET, m), 0);
    void* p = mmap(nullptr, kPage, PROT_READ, MAP_SHARED, node->fd(), static_cast<off_t>(m.offset));
    if (std::getenv("LD_PRELOAD") == nullptr) { // the fake has one offset space for all files
        EXPECT_EQ(p, MAP_FAILED);
    }
    if (p != MAP_FAILED)
        munmap(p, kPage);
}

TEST_F(DrmIoctl, PaddingAndFlagsMustBeZero) {
    uint32_t vm = node->vm(), bo = node->bo(kPage);
    drm_kite_vm_create c{};
    c.flags = 1;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_CREATE, c), -EINVAL);
    drm_kite_vm_destroy d{vm, 1};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_DESTROY, d), -EINVAL);
    drm_kite_bo_mmap_offset m{};
    m.handle = bo;
    m.flags = 1;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_MMAP_OFFSET, m), -EINVAL);
    drm_kite_bo_info i{};
    i.handle = bo;
    i.flags = 2;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_INFO, i), -EINVAL);
    i.flags = DRM_KITE_BO_SET_LABEL;
    std::memset(i.label, 'x', sizeof(i.label)); // no terminator
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_INFO, i), -EINVAL);
    drm_kite_bo_madvise a{};
    a.handle = bo;
    a.pad = 1;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_MADVISE, a), -EINVAL);
    a.pad = 0;
    a.advice = 2;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_MADVISE, a), -EINVAL);
}

TEST_F(DrmIoctl, LabelsAreKept) {
    uint32_t bo = node->bo(kPage);
    drm_kite_bo_info i{};
    i.handle = bo;
    i.flags = DRM_KITE_BO_SET_LABEL;
    std::strcpy(i.label, "a name");
    ASSERT_EQ(node->call(DRM_IOCTL_KITE_BO_INFO, i), 0);
    i = {};
    i.handle = bo;
    ASSERT_EQ(node->call(DRM_IOCTL_KITE_BO_INFO, i), 0);
    EXPECT_STREQ(i.label, "a name");
    EXPECT_EQ(i.size, kPage);
}

TEST_F(DrmIoctl, VmBindRefuses) {
    uint32_t vm = node->vm(), bo = node->bo(4 * kPage), other_vm = node->vm();
    uint32_t own = node->bo(kPage, DRM_KITE_BO_SYSTEM, other_vm);
    auto g = node->gpu();
    auto with = [&](auto change) {
        drm_kite_vm_bind_op op{};
        op.op = DRM_KITE_VM_BIND_MAP;
        op.bo_handle = bo;
        op.va = kVa;
        op.range = kPage;
        change(op);
        return node->bind(vm, op);
    };
    using O = drm_kite_vm_bind_op;
    EXPECT_EQ(with([](O&) {}), 0);
    EXPECT_EQ(with([](O& o) { o.op = 4; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.flags = 2; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.pad = 1; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.bo_handle = 0; }), -ENOENT);
    EXPECT_EQ(with([](O& o) { o.bo_handle = 77777; }), -ENOENT);
    EXPECT_EQ(with([](O& o) { o.va += 1; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.va += 512; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.range = 0; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.range = 100; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.range = 5 * kPage; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.bo_offset = 1; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.bo_offset = 4 * kPage; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.bo_offset = UINT64_MAX - kPage + 1; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.va = 0; }), -EINVAL);
    EXPECT_EQ(with([&](O& o) { o.va = g.va_start - kPage; }), -EINVAL);
    EXPECT_EQ(with([&](O& o) { o.va = g.va_end; }), -EINVAL);
    EXPECT_EQ(with([&](O& o) {
                  o.va = g.va_end - kPage;
                  o.range = 2 * kPage;
              }),
              -EINVAL);
    EXPECT_EQ(with([](O& o) {
                  o.va = UINT64_MAX - kPage + 1;
                  o.range = 2 * kPage;
              }),
              -EINVAL);
    EXPECT_EQ(with([&](O& o) { o.bo_handle = own; }), -EINVAL);
    EXPECT_EQ(with([](O& o) { o.op = DRM_KITE_VM_BIND_UNMAP; }),
              -EINVAL); // with a handle
    EXPECT_EQ(with([](O& o) {
                  o.op = DRM_KITE_VM_BIND_SPARSE;
                  o.bo_handle = 0;
                  o.flags = DRM_KITE_VM_BIND_READONLY;
              }),
              -EINVAL);
    EXPECT_EQ(with([](O& o) { o.op = DRM_KITE_VM_BIND_UNMAP_BO; }), -EINVAL); // with a range
    EXPECT_EQ(with([&](O& o) { o.va = g.va_end - kPage; }), 0);
    EXPECT_EQ(with([&](O& o) { o.va = g.va_start; }), 0);
}

TEST_F(DrmIoctl, VmBindArraysAreChecked) {
    uint32_t vm = node->vm(), bo = node->bo(kPage);
    drm_kite_vm_bind_op op{};
    op.bo_handle = bo;
    op.va = kVa;
    op.range = kPage;
    auto array = [&](uint32_t stride, uint32_t count, uint64_t at) {
        drm_kite_vm_bind b{};
        b.vm_id = vm;
        b.ops = {stride, count, at};
        return node->call(DRM_IOCTL_KITE_VM_BIND, b);
    };
    auto at = reinterpret_cast<uintptr_t>(&op);
    EXPECT_EQ(array(sizeof(op), 1, at), 0);
    EXPECT_EQ(array(sizeof(op) - 8, 1, at), -EINVAL);
    EXPECT_EQ(array(0, 1, at), -EINVAL);
    EXPECT_EQ(array(sizeof(op), 1, 16), -EFAULT);
    EXPECT_EQ(array(sizeof(op), node->gpu().max_binds + 1, at), -EINVAL);
    EXPECT_EQ(array(sizeof(op), 0, 0), 0); // nothing to do
    drm_kite_sync sync = signals(node->syncobj());
    drm_kite_vm_bind b{};
    b.vm_id = vm;
    b.syncs = {sizeof(sync), 1, reinterpret_cast<uintptr_t>(&sync)};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_BIND, b), -EINVAL); // syncs need ASYNC
    b.flags = 2;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_BIND, b), -EINVAL);
}

TEST_F(DrmIoctl, AFailedBindListChangesNothing) {
    Space s(*node);
    drm_kite_vm_bind_op ops[2] = {};
    ops[0].op = DRM_KITE_VM_BIND_UNMAP;
    ops[0].va = Space::kVa;
    ops[0].range = s.bytes;
    ops[1].op = DRM_KITE_VM_BIND_MAP;
    ops[1].bo_handle = 55555;
    ops[1].va = Space::kVa;
    ops[1].range = kPage;
    drm_kite_vm_bind b{};
    b.vm_id = s.vm;
    b.ops = {sizeof(ops[0]), 2, reinterpret_cast<uintptr_t>(ops)};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_BIND, b), -ENOENT);
    // Still mapped: packets run.
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.store(0, 42)}, {signals(done)}), 0);
    ASSERT_EQ(node->wait(done), 0);
    EXPECT_EQ(s.host[0], 42u);
    EXPECT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_USABLE});
}

TEST_F(DrmIoctl, BindsReplaceSplitAndJoin) {
    Space s(*node);
    // Eight pages, each a copy of its number; then holes and swaps, read back by GPU copies.
    uint32_t bo = node->bo(8 * kPage);
    auto* p = static_cast<uint32_t*>(node->map(bo, 8 * kPage));
    for (uint32_t i = 0; i < 8; ++i)
        p[i * 1024] = 100 + i;
    ASSERT_EQ(node->bind_map(s.vm, bo, kVa, 8 * kPage), 0);
    ASSERT_EQ(node->bind_map(s.vm, bo, kVa + 2 * kPage, 2 * kPage, 6 * kPage), 0); // split
    ASSERT_EQ(node->bind_map(s.vm, bo, kVa + 3 * kPage, kPage, 0), 0); // overlap the overlap
    drm_kite_vm_bind_op sparse{};
    sparse.op = DRM_KITE_VM_BIND_SPARSE;
    sparse.va = kVa + 5 * kPage;
    sparse.range = kPage;
    ASSERT_EQ(node->bind(s.vm, sparse), 0);
    const uint32_t want[8] = {100, 101, 106, 100, 104, 0, 106, 107};
    for (uint32_t i = 0; i < 8; ++i) {
        hw::CopyBufferPacket c;
        c.src = kVa + i * kPage;
        c.dst = Space::kVa + i * 4;
        c.size_bytes = 4;
        uint32_t done = node->syncobj();
        ASSERT_EQ(node->submit(s.queue, {s.emit(c)}, {signals(done)}), 0);
        ASSERT_EQ(node->wait(done), 0);
        EXPECT_EQ(s.host[i], want[i]) << "page " << i;
    }
    EXPECT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_USABLE});
    drm_kite_vm_bind_op all{};
    all.op = DRM_KITE_VM_BIND_UNMAP_BO;
    all.bo_handle = bo;
    EXPECT_EQ(node->bind(s.vm, all), 0);
    EXPECT_EQ(node->bind(s.vm, all), 0); // nothing left is fine
    munmap(p, 8 * kPage);
}

TEST_F(DrmIoctl, ClosedBuffersStayMappedOnTheGpu) {
    Space s(*node);
    uint32_t bo = node->bo(kPage);
    auto* p = static_cast<uint32_t*>(node->map(bo, kPage));
    p[0] = 7777;
    ASSERT_EQ(node->bind_map(s.vm, bo, kVa, kPage), 0);
    ASSERT_EQ(node->close_bo(bo), 0);
    EXPECT_EQ(node->close_bo(bo), -EINVAL); // the core's errno
    hw::CopyBufferPacket c;
    c.src = kVa;
    c.dst = Space::kVa;
    c.size_bytes = 4;
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.emit(c)}, {signals(done)}), 0);
    ASSERT_EQ(node->wait(done), 0);
    EXPECT_EQ(s.host[0], 7777u);
    munmap(p, kPage);
}

TEST_F(DrmIoctl, ExclusiveBuffersAreNotExported) {
    uint32_t vm = node->vm(), bo = node->bo(kPage, DRM_KITE_BO_SYSTEM, vm);
    drm_prime_handle h{};
    h.handle = bo;
    h.flags = DRM_CLOEXEC | DRM_RDWR;
    EXPECT_LT(node->call(DRM_IOCTL_PRIME_HANDLE_TO_FD, h), 0);
    Node other;
    h = {};
    h.handle = node->bo(kPage);
    h.flags = DRM_CLOEXEC | DRM_RDWR;
    ASSERT_EQ(node->call(DRM_IOCTL_PRIME_HANDLE_TO_FD, h), 0);
    drm_prime_handle in{};
    in.fd = h.fd;
    ASSERT_EQ(other.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, in), 0);
    uint32_t first = in.handle;
    ASSERT_EQ(other.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, in), 0);
    EXPECT_EQ(in.handle, first);
    close(h.fd);
}

} // namespace
} // namespace kite::drm_test
