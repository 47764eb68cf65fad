// SPDX-License-Identifier: MIT
// Smoke tests of kite.ko on a real render node: each ioctl does what it is for. Skipped where there
// is no kite device; run in the guest by the guest suite.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "basic_client.hpp"
#include "kite_hw/kite_hw.h"

namespace kite::drmtest {
namespace {

constexpr std::uint32_t kBoth = DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM;
constexpr std::uint32_t kVisible = DRM_KITE_BO_CPU_VISIBLE;

class Basic : public testing::Test {
protected:
    void SetUp() override {
        if (!Client::available()) {
            GTEST_SKIP() << "no kite render node";
        }
    }
};

bool all_are(const Buffer& buffer, std::uint32_t value) {
    return std::all_of(buffer.words, buffer.words + buffer.size / 4,
                       [value](std::uint32_t word) { return word == value; });
}

template <typename Info>
Info query(const Client& client, std::uint32_t type) {
    Info info{};
    drm_kite_dev_query args{};
    args.type = type;
    client.call(DRM_IOCTL_KITE_DEV_QUERY, &args, "DEV_QUERY");
    EXPECT_EQ(args.size, sizeof info);
    args.pointer = reinterpret_cast<std::uintptr_t>(&info);
    client.call(DRM_IOCTL_KITE_DEV_QUERY, &args, "DEV_QUERY");
    return info;
}

TEST_F(Basic, QueryTellsFacts) {
    const Client client;
    const auto gpu = query<drm_kite_gpu_info>(client, DRM_KITE_DEV_QUERY_GPU);
    EXPECT_EQ(gpu.abi_major, 1);
    EXPECT_TRUE(gpu.wave_size == 8 || gpu.wave_size == 16);
    EXPECT_EQ(gpu.page_size, 4096U);
    EXPECT_EQ(gpu.ring_mask, 7U);
    EXPECT_EQ(gpu.va_end, (1ULL << 40) - 4096);
    EXPECT_NE(gpu.description[0], 0);
    const auto memory = query<drm_kite_memory_info>(client, DRM_KITE_DEV_QUERY_MEMORY);
    EXPECT_GT(memory.vram_size, 0U);
    EXPECT_LE(memory.vram_visible_size, memory.vram_size);
    EXPECT_GE(memory.system_client, 64U * 1024);
    const auto link = query<drm_kite_link_info>(client, DRM_KITE_DEV_QUERY_LINK);
    EXPECT_EQ(link.removable, 1U);
}

TEST_F(Basic, TimeRuns) {
    const Client client;
    drm_kite_get_time first{};
    drm_kite_get_time second{};
    client.call(DRM_IOCTL_KITE_GET_TIME, &first, "GET_TIME");
    client.call(DRM_IOCTL_KITE_GET_TIME, &second, "GET_TIME");
    EXPECT_GT(second.device_ns, first.device_ns);
    EXPECT_GT(second.cpu_ns, first.cpu_ns);
}

TEST_F(Basic, BuffersStartAsZerosAndKeepWhatIsWritten) {
    const Client client;
    for (const std::uint32_t flags :
         {DRM_KITE_BO_VRAM | kVisible, DRM_KITE_BO_SYSTEM | 0U, kBoth | kVisible}) {
        Buffer buffer = client.create(1 << 20, flags);
        EXPECT_TRUE(all_are(buffer, 0)) << flags;
        std::fill_n(buffer.words, buffer.size / 4, 0xdeadbeef);
        EXPECT_TRUE(all_are(buffer, 0xdeadbeef)) << flags;
        client.destroy(buffer);
    }
    // The next owner of the same VRAM finds nothing.
    Buffer buffer = client.create(1 << 20, DRM_KITE_BO_VRAM | kVisible);
    EXPECT_TRUE(all_are(buffer, 0));
    client.destroy(buffer);
}

TEST_F(Basic, QueuesWriteVramAndSystemMemory) {
    Client client;
    for (const std::uint32_t queue_class :
         {DRM_KITE_QUEUE_GRAPHICS, DRM_KITE_QUEUE_COMPUTE, DRM_KITE_QUEUE_COPY}) {
        const std::uint32_t queue = client.queue(queue_class);
        Buffer vram = client.create(3 << 20, DRM_KITE_BO_VRAM | kVisible);
        Buffer system = client.create(3 << 20, DRM_KITE_BO_SYSTEM);
        client.bind(vram, kTestVa);
        client.bind(system, kTestVa + (4 << 20));
        ASSERT_EQ(client.run(queue, Packets().fill(kTestVa, vram.size, 0x01020304 + queue_class)),
                  0);
        EXPECT_TRUE(all_are(vram, 0x01020304 + queue_class));
        ASSERT_EQ(client.run(queue, Packets().copy(kTestVa, kTestVa + (4 << 20), system.size)), 0);
        EXPECT_TRUE(all_are(system, 0x01020304 + queue_class));
        client.unbind(kTestVa, 8 << 20);
        client.destroy(vram);
        client.destroy(system);
    }
    EXPECT_EQ(client.vm_state().state, static_cast<std::uint32_t>(DRM_KITE_VM_USABLE));
}

TEST_F(Basic, SparseReadsZeroAndTakesWrites) {
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_GRAPHICS);
    Buffer out = client.create(1 << 20, DRM_KITE_BO_SYSTEM);
    client.bind(out, kTestVa);
    std::fill_n(out.words, out.size / 4, 0xffffffff);
    constexpr std::uint64_t kHole = 1ULL << 32;
    ASSERT_EQ(client.bind_op(DRM_KITE_VM_BIND_SPARSE, 0, 0, 0, kHole + 4096, 64 << 20), 0);
    ASSERT_EQ(client.run(queue, Packets().copy(kHole + (5 << 20), kTestVa, out.size)), 0);
    EXPECT_TRUE(all_are(out, 0));
    // A buffer in the middle of the hole.
    ASSERT_EQ(client.bind_op(DRM_KITE_VM_BIND_MAP, 0, out.handle, 0, kHole + (6 << 20), 4096), 0);
    ASSERT_EQ(client.run(queue, Packets().fill(kHole + (6 << 20) - 4096, 3 * 4096, 7)), 0);
    EXPECT_EQ(out.words[0], 7U);
    EXPECT_EQ(out.words[1024], 0U);
    EXPECT_EQ(client.vm_state().state, static_cast<std::uint32_t>(DRM_KITE_VM_USABLE));
    client.unbind(kHole + 4096, 64 << 20);
}

TEST_F(Basic, AsyncBindFollowsItsSyncs) {
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_GRAPHICS);
    const std::uint32_t timeline = client.syncobj();
    Buffer buffer = client.create(1 << 16, kBoth | kVisible);
    drm_kite_vm_bind_op op{};
    op.op = DRM_KITE_VM_BIND_MAP;
    op.bo_handle = buffer.handle;
    op.va = kTestVa;
    op.range = buffer.size;
    drm_kite_sync bound{DRM_KITE_SYNC_TIMELINE | DRM_KITE_SYNC_SIGNAL, timeline, 5};
    drm_kite_vm_bind bind{};
    bind.vm_id = client.vm();
    bind.flags = DRM_KITE_VM_BIND_ASYNC;
    bind.ops = {sizeof op, 1, reinterpret_cast<std::uintptr_t>(&op)};
    bind.syncs = {sizeof bound, 1, reinterpret_cast<std::uintptr_t>(&bound)};
    client.call(DRM_IOCTL_KITE_VM_BIND, &bind, "VM_BIND");

    // Empty submissions: first wait for the bind, then go on at 9.
    std::vector<drm_kite_sync> syncs{{DRM_KITE_SYNC_TIMELINE, timeline, 5},
                                     {DRM_KITE_SYNC_TIMELINE | DRM_KITE_SYNC_SIGNAL, timeline, 9}};
    drm_kite_queue_submit submit{};
    submit.queue_id = queue;
    submit.syncs = {sizeof(drm_kite_sync), 2, reinterpret_cast<std::uintptr_t>(syncs.data())};
    client.call(DRM_IOCTL_KITE_QUEUE_SUBMIT, &submit, "QUEUE_SUBMIT");
    EXPECT_EQ(client.wait(timeline, 9), 0);
    EXPECT_EQ(client.run(queue, Packets().fill(kTestVa, buffer.size, 3)), 0);
    EXPECT_TRUE(all_are(buffer, 3));

    // A point that has no fence is refused.
    syncs[0].value = 100;
    EXPECT_EQ(client.ioctl_error(DRM_IOCTL_KITE_QUEUE_SUBMIT, &submit), EINVAL);
}

TEST_F(Basic, UnmapBoTakesAllMappingsInOrder) {
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_GRAPHICS);
    Buffer first = client.create(1 << 16, kBoth | kVisible);
    Buffer second = client.create(1 << 16, kBoth | kVisible);
    client.bind(first, kTestVa);
    client.bind(first, kTestVa + (1 << 20));
    std::vector<drm_kite_vm_bind_op> ops(2);
    ops[0].op = DRM_KITE_VM_BIND_UNMAP_BO;
    ops[0].bo_handle = first.handle;
    ops[1].op = DRM_KITE_VM_BIND_MAP;
    ops[1].bo_handle = second.handle;
    ops[1].va = kTestVa;
    ops[1].range = second.size;
    drm_kite_vm_bind bind{};
    bind.vm_id = client.vm();
    bind.ops = {sizeof ops[0], 2, reinterpret_cast<std::uintptr_t>(ops.data())};
    client.call(DRM_IOCTL_KITE_VM_BIND, &bind, "VM_BIND");
    ASSERT_EQ(client.run(queue, Packets().fill(kTestVa, second.size, 9)), 0);
    EXPECT_TRUE(all_are(second, 9));
    EXPECT_TRUE(all_are(first, 0));
    // The other mapping is gone.
    EXPECT_EQ(client.run(queue, Packets().fill(kTestVa + (1 << 20), 4096, 1)), 0);
    EXPECT_EQ(client.vm_state().state, static_cast<std::uint32_t>(DRM_KITE_VM_BANNED));
}

TEST_F(Basic, PageFaultBansItsVmOnly) {
    Client guilty;
    Client innocent;
    const std::uint32_t bad = guilty.queue(DRM_KITE_QUEUE_GRAPHICS);
    const std::uint32_t other = guilty.queue(DRM_KITE_QUEUE_COMPUTE);
    const std::uint32_t good = innocent.queue(DRM_KITE_QUEUE_GRAPHICS);
    Buffer buffer = innocent.create(1 << 16, kBoth | kVisible);
    innocent.bind(buffer, kTestVa);
    EXPECT_EQ(guilty.run(bad, Packets().fill(kTestVa + 0x123000, 4096, 1)), 0);
    const drm_kite_vm_get_state state = guilty.vm_state();
    EXPECT_EQ(state.state, static_cast<std::uint32_t>(DRM_KITE_VM_BANNED));
    EXPECT_EQ(state.cause, static_cast<std::uint32_t>(KITE_HW_FAULT_KIND_PAGE));
    EXPECT_EQ(state.access, 1U);
    EXPECT_EQ(state.address & ~4095ULL, kTestVa + 0x123000);
    EXPECT_EQ(state.queue_id, bad);
    EXPECT_EQ(guilty.queue_state(bad).state, static_cast<std::uint32_t>(DRM_KITE_QUEUE_GUILTY));
    EXPECT_EQ(guilty.queue_state(other).state, static_cast<std::uint32_t>(DRM_KITE_QUEUE_INNOCENT));
    EXPECT_EQ(guilty.run(bad, Packets().fill(kTestVa, 4096, 1)), ECANCELED);
    EXPECT_EQ(innocent.run(good, Packets().fill(kTestVa, buffer.size, 8)), 0);
    EXPECT_TRUE(all_are(buffer, 8));
}

TEST_F(Basic, ReadOnlyMappingRefusesWrites) {
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_GRAPHICS);
    Buffer buffer = client.create(1 << 16, kBoth | kVisible);
    client.bind(buffer, kTestVa, DRM_KITE_VM_BIND_READONLY);
    EXPECT_EQ(client.run(queue, Packets().fill(kTestVa, 4096, 1)), 0);
    EXPECT_EQ(client.vm_state().cause, static_cast<std::uint32_t>(KITE_HW_FAULT_KIND_PAGE));
    EXPECT_TRUE(all_are(buffer, 0));
}

TEST_F(Basic, HangIsKilledAndOthersGoOn) {
    Client guilty;
    Client innocent;
    const auto gpu = query<drm_kite_gpu_info>(innocent, DRM_KITE_DEV_QUERY_GPU);
    const std::uint32_t bad = guilty.queue(DRM_KITE_QUEUE_GRAPHICS);
    const std::uint32_t good = innocent.queue(DRM_KITE_QUEUE_GRAPHICS);
    Buffer event = guilty.create(4096, DRM_KITE_BO_SYSTEM);
    Buffer buffer = innocent.create(1 << 16, kBoth | kVisible);
    guilty.bind(event, kTestVa);
    innocent.bind(buffer, kTestVa);
    const std::uint32_t hung = guilty.syncobj();
    ASSERT_EQ(guilty.submit(bad, Packets().wait(kTestVa, 1), hung), 0);
    const std::uint32_t done = innocent.syncobj();
    ASSERT_EQ(innocent.submit(good, Packets().fill(kTestVa, buffer.size, 8), done), 0);
    const double limit = gpu.job_timeout_ms / 1000.0 + 5.0;
    EXPECT_EQ(guilty.wait(hung, 0, limit), 0);
    EXPECT_EQ(innocent.wait(done, 0, limit), 0);
    EXPECT_TRUE(all_are(buffer, 8));
    const drm_kite_vm_get_state state = guilty.vm_state();
    EXPECT_EQ(state.state, static_cast<std::uint32_t>(DRM_KITE_VM_BANNED));
    EXPECT_EQ(state.cause, static_cast<std::uint32_t>(KITE_HW_FAULT_KIND_HANG));
    EXPECT_EQ(guilty.queue_state(bad).state, static_cast<std::uint32_t>(DRM_KITE_QUEUE_GUILTY));
    EXPECT_GE(guilty.queue_state(bad).reset_count, 1U);
    EXPECT_EQ(innocent.vm_state().state, static_cast<std::uint32_t>(DRM_KITE_VM_USABLE));
}

TEST_F(Basic, TwiceTheVramIsKeptByEviction) {
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_GRAPHICS);
    const auto memory = query<drm_kite_memory_info>(client, DRM_KITE_DEV_QUERY_MEMORY);
    constexpr std::uint64_t kPiece = 8 << 20;
    const std::uint64_t count = 2 * memory.vram_size / kPiece;
    // VRAM-only buffers push each other out; the packets bring them back one at a time.
    std::vector<Buffer> buffers;
    for (std::uint64_t i = 0; i < count; ++i) {
        buffers.push_back(client.create(kPiece, DRM_KITE_BO_VRAM, false));
        client.bind(buffers.back(), kTestVa);
        ASSERT_EQ(
            client.run(queue, Packets().fill(kTestVa, kPiece, static_cast<std::uint32_t>(i + 1))),
            0)
            << i;
        client.unbind(kTestVa, kPiece);
    }
    Buffer out = client.create(kPiece, DRM_KITE_BO_SYSTEM);
    client.bind(out, kTestVa + kPiece);
    for (std::uint64_t i = 0; i < count; ++i) {
        client.bind(buffers[i], kTestVa);
        ASSERT_EQ(client.run(queue, Packets().copy(kTestVa, kTestVa + kPiece, kPiece)), 0) << i;
        EXPECT_TRUE(all_are(out, static_cast<std::uint32_t>(i + 1))) << i;
        client.unbind(kTestVa, kPiece);
    }
}

TEST_F(Basic, MappedBuffersComeBackAfterEviction) {
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_GRAPHICS);
    const auto memory = query<drm_kite_memory_info>(client, DRM_KITE_DEV_QUERY_MEMORY);
    Buffer buffer = client.create(4 << 20, DRM_KITE_BO_VRAM | kVisible);
    client.bind(buffer, kTestVa);
    ASSERT_EQ(client.run(queue, Packets().fill(kTestVa, buffer.size, 0x77)), 0);
    {
        // Somebody else fills VRAM.
        const Client other;
        std::vector<Buffer> hogs;
        for (std::uint64_t i = 0; i < memory.vram_size / (8 << 20) + 1; ++i) {
            hogs.push_back(other.create(8 << 20, DRM_KITE_BO_VRAM, false));
        }
        drm_kite_bo_info info{};
        info.handle = buffer.handle;
        client.call(DRM_IOCTL_KITE_BO_INFO, &info, "BO_INFO");
        EXPECT_EQ(info.placement, static_cast<std::uint32_t>(DRM_KITE_BO_SYSTEM));
        ASSERT_EQ(client.run(queue, Packets().fill(kTestVa, 4096, 0x78)), 0);
        client.call(DRM_IOCTL_KITE_BO_INFO, &info, "BO_INFO");
        EXPECT_EQ(info.placement, static_cast<std::uint32_t>(DRM_KITE_BO_VRAM));
    }
    EXPECT_EQ(client.vm_state().state, static_cast<std::uint32_t>(DRM_KITE_VM_USABLE));
    EXPECT_EQ(buffer.words[0], 0x78U);
    EXPECT_EQ(buffer.words[1024], 0x77U);
}

TEST_F(Basic, PrimeSharesMemory) {
    Client first;
    Client second;
    Buffer buffer = first.create(1 << 16, kBoth | kVisible);
    int fd = -1;
    ASSERT_EQ(drmPrimeHandleToFD(first.fd(), buffer.handle, DRM_CLOEXEC | DRM_RDWR, &fd), 0);
    Buffer imported{0, buffer.size, nullptr};
    ASSERT_EQ(drmPrimeFDToHandle(second.fd(), fd, &imported.handle), 0);
    second.bind(imported, kTestVa);
    const std::uint32_t queue = second.queue(DRM_KITE_QUEUE_COPY);
    ASSERT_EQ(second.run(queue, Packets().fill(kTestVa, buffer.size, 0x42)), 0);
    EXPECT_TRUE(all_are(buffer, 0x42));
    void* at = mmap(nullptr, buffer.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ASSERT_NE(at, MAP_FAILED);
    EXPECT_EQ(*static_cast<std::uint32_t*>(at), 0x42U);
    munmap(at, buffer.size);
    close(fd);

    drm_kite_bo_create exclusive{};
    exclusive.size = 4096;
    exclusive.flags = DRM_KITE_BO_VRAM;
    exclusive.exclusive_vm_id = first.vm();
    first.call(DRM_IOCTL_KITE_BO_CREATE, &exclusive, "BO_CREATE");
    EXPECT_NE(drmPrimeHandleToFD(first.fd(), exclusive.handle, DRM_CLOEXEC, &fd), 0);
}

/// A primary node of a driver, or -1.
int open_card(const char* driver) {
    for (int minor = 0; minor < 8; ++minor) {
        const std::string path = "/dev/dri/card" + std::to_string(minor);
        const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
        drmVersionPtr version = fd < 0 ? nullptr : drmGetVersion(fd);
        const bool match = version != nullptr && std::strcmp(version->name, driver) == 0;
        drmFreeVersion(version);
        if (match) {
            return fd;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return -1;
}

TEST_F(Basic, PrimeWithAnotherDevice) {
    const int vgem = open_card("vgem"); // another device to share memory with
    if (vgem < 0) {
        GTEST_SKIP() << "no vgem device";
    }
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_COPY);
    // Its memory here.
    drm_mode_create_dumb dumb{};
    dumb.width = 256;
    dumb.height = 64;
    dumb.bpp = 32;
    ASSERT_EQ(drmIoctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
    int fd = -1;
    ASSERT_EQ(drmPrimeHandleToFD(vgem, dumb.handle, DRM_CLOEXEC | DRM_RDWR, &fd), 0);
    Buffer imported{0, dumb.size, nullptr};
    ASSERT_EQ(drmPrimeFDToHandle(client.fd(), fd, &imported.handle), 0);
    client.bind(imported, kTestVa);
    ASSERT_EQ(client.run(queue, Packets().fill(kTestVa, imported.size, 0x31)), 0);
    void* at = mmap(nullptr, dumb.size, PROT_READ, MAP_SHARED, fd, 0);
    ASSERT_NE(at, MAP_FAILED);
    EXPECT_EQ(static_cast<std::uint32_t*>(at)[dumb.size / 4 - 1], 0x31U);
    munmap(at, dumb.size);
    client.unbind(kTestVa, imported.size);
    client.destroy(imported);
    close(fd);

    // Our memory there: it comes out of VRAM and stays out.
    Buffer buffer = client.create(1 << 16, kBoth | kVisible);
    std::fill_n(buffer.words, buffer.size / 4, 0x77);
    ASSERT_EQ(drmPrimeHandleToFD(client.fd(), buffer.handle, DRM_CLOEXEC | DRM_RDWR, &fd), 0);
    std::uint32_t foreign = 0;
    ASSERT_EQ(drmPrimeFDToHandle(vgem, fd, &foreign), 0);
    drm_kite_bo_info info{};
    info.handle = buffer.handle;
    client.call(DRM_IOCTL_KITE_BO_INFO, &info, "BO_INFO");
    EXPECT_EQ(info.placement, static_cast<std::uint32_t>(DRM_KITE_BO_SYSTEM));
    EXPECT_TRUE(all_are(buffer, 0x77));
    client.bind(buffer, kTestVa);
    ASSERT_EQ(client.run(queue, Packets().fill(kTestVa, buffer.size, 0x78)), 0);
    EXPECT_TRUE(all_are(buffer, 0x78));
    close(fd);
    close(vgem);
}

TEST_F(Basic, FdinfoTellsEnginesAndMemory) {
    Client client;
    const std::uint32_t queue = client.queue(DRM_KITE_QUEUE_GRAPHICS);
    Buffer buffer = client.create(4 << 20, DRM_KITE_BO_VRAM | kVisible);
    client.bind(buffer, kTestVa);
    ASSERT_EQ(client.run(queue, Packets().fill(kTestVa, buffer.size, 1)), 0);
    std::ifstream file("/proc/self/fdinfo/" + std::to_string(client.fd()));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_NE(text.find("drm-driver:\tkite"), std::string::npos) << text;
    EXPECT_NE(text.find("drm-total-vram:\t4 MiB"), std::string::npos) << text;
    const auto busy = text.find("drm-engine-graphics:\t");
    ASSERT_NE(busy, std::string::npos) << text;
    EXPECT_GT(std::strtoull(text.c_str() + busy + 21, nullptr, 10), 0U) << text;
}

TEST_F(Basic, DumbBuffersAreMapped) {
    const int card = open_card("kite"); // dumb buffers are not for render nodes
    ASSERT_GE(card, 0);
    drm_mode_create_dumb dumb{};
    dumb.width = 100;
    dumb.height = 10;
    dumb.bpp = 32;
    ASSERT_EQ(drmIoctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb), 0);
    EXPECT_GE(dumb.pitch, 400U);
    EXPECT_GE(dumb.size, static_cast<std::uint64_t>(dumb.pitch) * dumb.height);
    drm_mode_map_dumb map{};
    map.handle = dumb.handle;
    ASSERT_EQ(drmIoctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map), 0);
    void* at = mmap(nullptr, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card,
                    static_cast<off_t>(map.offset));
    ASSERT_NE(at, MAP_FAILED);
    std::memset(at, 0x5a, dumb.size);
    munmap(at, dumb.size);
    close(card);
}

TEST_F(Basic, MadviseTellsWhatWasKept) {
    const Client client;
    const auto memory = query<drm_kite_memory_info>(client, DRM_KITE_DEV_QUERY_MEMORY);
    Buffer buffer = client.create(4 << 20, DRM_KITE_BO_VRAM | kVisible);
    std::fill_n(buffer.words, buffer.size / 4, 5);
    drm_kite_bo_madvise args{};
    args.handle = buffer.handle;
    args.advice = DRM_KITE_MADVISE_DONTNEED;
    client.call(DRM_IOCTL_KITE_BO_MADVISE, &args, "BO_MADVISE");
    EXPECT_EQ(args.retained, 1U);
    std::vector<Buffer> hogs;
    for (std::uint64_t i = 0; i < memory.vram_size / (8 << 20) + 1; ++i) {
        hogs.push_back(client.create(8 << 20, DRM_KITE_BO_VRAM, false));
    }
    args.advice = DRM_KITE_MADVISE_WILLNEED;
    client.call(DRM_IOCTL_KITE_BO_MADVISE, &args, "BO_MADVISE");
    EXPECT_EQ(args.retained, 0U);
    for (Buffer& hog : hogs) {
        client.destroy(hog);
    }
    EXPECT_TRUE(all_are(buffer, 0));
}

} // namespace
} // namespace kite::drmtest
