// SPDX-License-Identifier: MIT
#include "drm-driver/uapi/kite_drm.h"
#include "tests/drm_mock/fixture.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace kite::drm_mock {
namespace {

using base::ErrorCode;

TEST_F(DrmTest, FactsComeFromTheKernel) {
    EXPECT_EQ(facts.backend, "drm");
    EXPECT_EQ(facts.node, "/dev/dri/renderD200");
    EXPECT_EQ(facts.vendor_id, 0x1af4u);
    EXPECT_EQ(facts.device_id, 0x10f0u);
    EXPECT_GT(facts.vram_bytes, 0u);
    EXPECT_TRUE(facts.dma_buf && facts.sync_fds);
    ASSERT_TRUE(facts.pci && facts.drm);
    EXPECT_EQ(facts.pci->bus, 1u);
    EXPECT_EQ(facts.drm->render_minor, 200);
}

/// Answers one DEV_QUERY type with changed contents.
template <class T>
auto doctored(Fake& fake, int type, void (*change)(T&)) {
    return [&fake, type, change](unsigned long request, void* argument) {
        if (request != DRM_IOCTL_KITE_DEV_QUERY)
            return 0;
        auto* q = static_cast<drm_kite_dev_query*>(argument);
        if (q->type != static_cast<uint32_t>(type) || q->size != sizeof(T))
            return 0;
        int fd = fake.open();
        int r = fake.ioctl(fd, request, argument);
        fake.close(fd);
        change(*reinterpret_cast<T*>(q->pointer));
        return r < 0 ? r : 1; // answered
    };
}

TEST_F(DrmTest, NodesWithImpossibleFactsAreNotOffered) {
    using G = drm_kite_gpu_info;
    void (*const bad[])(G&) = {
        [](G& g) { g.wave_size = 5; },       [](G& g) { g.abi_major = 2; },
        [](G& g) { g.va_end = g.va_start; }, [](G& g) { g.va_start = 1; },
        [](G& g) { g.page_size = 65536; },   [](G& g) { g.ring_mask = 6; },
        [](G& g) { g.max_syncs = 1; },       [](G& g) { g.max_ibs = 0; },
    };
    for (auto change : bad) {
        kernel.hook = doctored<G>(kernel.fake, DRM_KITE_DEV_QUERY_GPU, change);
        EXPECT_TRUE(kmd::drm::enumerate(kernel).empty());
    }
    kernel.hook = doctored<drm_kite_memory_info>(
        kernel.fake, DRM_KITE_DEV_QUERY_MEMORY,
        [](drm_kite_memory_info& m) { m.vram_visible_size = m.vram_size + 1; });
    EXPECT_TRUE(kmd::drm::enumerate(kernel).empty());
    kernel.hook = doctored<G>(kernel.fake, DRM_KITE_DEV_QUERY_GPU, [](G& g) {
        std::memset(g.description, 'x', sizeof(g.description)); // no terminator
    });
    auto all = kmd::drm::enumerate(kernel);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].description.size(), 128u);
}

TEST_F(DrmTest, TellsWhatIsLeft) {
    const kmd::MemoryLeft before = kmd::drm::memory_left(facts, kernel);
    EXPECT_LE(before.vram, facts.vram_bytes);
    EXPECT_EQ(before.system, ~uint64_t{0});
    kmd::BoDesc desc;
    desc.size_bytes = 1 << 20;
    auto buffer = device->create_bo(desc);
    ASSERT_TRUE(buffer);
    EXPECT_EQ(kmd::drm::memory_left(facts, kernel).vram, before.vram - (1 << 20));
    kernel.hook = doctored<drm_kite_memory_info>(kernel.fake, DRM_KITE_DEV_QUERY_MEMORY,
                                                 [](drm_kite_memory_info& m) {
                                                     m.vram_quota_left = 4096;
                                                     m.system_quota_left = 8192;
                                                 });
    EXPECT_EQ(kmd::drm::memory_left(facts, kernel).vram, 4096u);
    EXPECT_EQ(kmd::drm::memory_left(facts, kernel).system, 8192u);
}

TEST_F(DrmTest, AnotherDeviceUnderTheSameNameIsRefused) {
    kmd::DeviceFacts other = facts;
    other.code_uuid[3] ^= 1;
    auto d = kmd::drm::DeviceImpl::open(other, kernel);
    ASSERT_FALSE(d);
    EXPECT_EQ(d.error().code, ErrorCode::initialization_failed);
}

TEST_F(DrmTest, ReadsTheClocks) {
    auto a = device->clocks(), b = device->clocks();
    ASSERT_TRUE(a && b);
    EXPECT_LE(a->device_ns, b->device_ns);
    EXPECT_LT(b->cpu_ns - a->cpu_ns, 1'000'000'000u);
}

TEST_F(DrmTest, InterruptedCallsAreRestarted) {
    int n = 0;
    kernel.hook = [&n](unsigned long, void*) {
        return ++n % 3 == 1 ? -EINTR : n % 3 == 2 ? -EAGAIN : 0;
    };
    auto t = timeline();
    ASSERT_TRUE(submit({store(0, 77)}, {}, {{t.get(), 1}}));
    ASSERT_TRUE(t->wait(1, in_ms(5000)));
    EXPECT_EQ(host[0], 77u);
    auto other = device->create_bo({.size_bytes = 1});
    ASSERT_TRUE(other);
    EXPECT_TRUE((*other)->map());
    EXPECT_GT(n, 10);
}

TEST_F(DrmTest, BuffersStartAsZerosAndAreRoundedUp) {
    auto b = device->create_bo({.size_bytes = 5000});
    ASSERT_TRUE(b);
    EXPECT_EQ((*b)->size_bytes(), 8192u);
    auto* p = static_cast<unsigned char*>(*(*b)->map());
    EXPECT_EQ(*(*b)->map(), p);
    for (int i = 0; i < 8192; ++i)
        ASSERT_EQ(p[i], 0);
}

TEST_F(DrmTest, RefusesImpossibleBuffersAndBinds) {
    EXPECT_EQ(device->create_bo({.size_bytes = 0}).error().code, ErrorCode::out_of_device_memory);
    EXPECT_EQ(device->create_bo({.size_bytes = UINT64_MAX}).error().code,
              ErrorCode::out_of_device_memory);
    EXPECT_FALSE(device->bind(kVa + 1, *bo, 0, 4096));
    EXPECT_FALSE(device->bind(kVa, *bo, 4096, kBytes));
    EXPECT_FALSE(device->bind(kVa, *bo, UINT64_MAX - 4095, 8192));
    EXPECT_FALSE(device->bind(facts.va_end, *bo, 0, 4096)); // the kernel's refusal
    EXPECT_FALSE(device->bind(kVa, *bo, 0, 0));
    EXPECT_TRUE(device->unbind(kVa + (1 << 24), 4096)); // nothing there: fine
}

TEST_F(DrmTest, PrivateBuffersAreNotExported) {
    EXPECT_FALSE(bo->export_fd());
}

TEST_F(DrmTest, ExportedMemoryIsSharedBetweenDevices) {
    auto a = device->create_bo({.size_bytes = 8192, .exportable = true});
    ASSERT_TRUE(a);
    auto fd = (*a)->export_fd();
    ASSERT_TRUE(fd);
    auto other = kmd::drm::DeviceImpl::open(facts, kernel);
    ASSERT_TRUE(other);
    auto b = (*other)->import_bo(*fd, 8192);
    ASSERT_TRUE(b);
    static_cast<uint32_t*>(*(*a)->map())[5] = 1234;
    EXPECT_EQ(static_cast<uint32_t*>(*(*b)->map())[5], 1234u);
    EXPECT_EQ((*other)->import_bo(*fd, 16384).error().code, ErrorCode::invalid_argument);
    EXPECT_FALSE((*other)->import_bo(-1, 4096));
    close(*fd);
}

TEST_F(DrmTest, ImportIntoTheSameFileSharesTheHandle) {
    auto a = device->create_bo({.size_bytes = 4096, .exportable = true});
    auto fd = (*a)->export_fd();
    ASSERT_TRUE(fd);
    auto b = device->import_bo(*fd, 4096);
    auto c = device->import_bo(*fd, 4096);
    close(*fd);
    ASSERT_TRUE(b && c);
    EXPECT_EQ(static_cast<kmd::drm::BoImpl&>(**a).handle(),
              static_cast<kmd::drm::BoImpl&>(**b).handle());
    a->reset();
    b->reset();
    EXPECT_TRUE((*c)->map()); // the handle lives until its last user
    size_t before = kernel.fake.objects();
    c->reset();
    EXPECT_EQ(kernel.fake.objects(), before - 1);
}

TEST_F(DrmTest, NothingIsLeftBehind) {
    size_t before = kernel.fake.objects();
    {
        auto d = kmd::drm::DeviceImpl::open(facts, kernel);
        auto b = (*d)->create_bo({.size_bytes = 4096, .exportable = true});
        auto q = (*d)->create_queue(kmd::QueueClass::copy);
        auto t = (*d)->create_timeline(3);
        ASSERT_TRUE(d && b && q && t);
        auto f = (*t)->export_sync_file(3);
        ASSERT_TRUE(f);
        close(*f);
        EXPECT_EQ(kernel.fake.objects(), before + 4);
    }
    EXPECT_EQ(kernel.fake.objects(), before);
}

TEST_F(DrmTest, FailuresHalfWayLeaveNothingBehind) {
    size_t before = kernel.fake.objects();
    for (unsigned long fail : {static_cast<unsigned long>(DRM_IOCTL_KITE_VM_CREATE),
                               static_cast<unsigned long>(DRM_IOCTL_KITE_DEV_QUERY)}) {
        kernel.hook = [fail](unsigned long r, void*) { return r == fail ? -ENOMEM : 0; };
        EXPECT_FALSE(kmd::drm::DeviceImpl::open(facts, kernel));
        EXPECT_EQ(kernel.fake.objects(), before);
    }
    auto a = device->create_bo({.size_bytes = 4096, .exportable = true});
    ASSERT_TRUE(a);
    auto fd = (*a)->export_fd();
    ASSERT_TRUE(fd);
    auto other = kmd::drm::DeviceImpl::open(facts, kernel);
    EXPECT_FALSE(other); // still failing
    kernel.hook = nullptr;
    other = kmd::drm::DeviceImpl::open(facts, kernel);
    size_t with = kernel.fake.objects();
    kernel.hook = [](unsigned long r, void*) { return r == DRM_IOCTL_KITE_BO_INFO ? -ENOMEM : 0; };
    EXPECT_EQ((*other)->import_bo(*fd, 4096).error().code, ErrorCode::out_of_host_memory);
    EXPECT_EQ(kernel.fake.objects(), with);
    close(*fd);
}

TEST_F(DrmTest, ErrnosKeepTheirMeaning) {
    struct {
        int error;
        ErrorCode code;
    } const cases[] = {
        {ENOSPC, ErrorCode::out_of_device_memory}, {ENOMEM, ErrorCode::out_of_host_memory},
        {EDQUOT, ErrorCode::out_of_device_memory}, {EINVAL, ErrorCode::invalid_argument},
        {ENOTTY, ErrorCode::unsupported},
    };
    for (auto c : cases) {
        kernel.hook = [c](unsigned long, void*) { return -c.error; };
        EXPECT_EQ(device->create_bo({.size_bytes = 4096}).error().code, c.code);
    }
}

} // namespace
} // namespace kite::drm_mock
