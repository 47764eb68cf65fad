// SPDX-License-Identifier: MIT
//
// The fake kite.ko behind runtime/kmd/drm's table of system calls, for unit tests.
//
// `hook` sees every ioctl first and may answer it (interruptions, device loss). Ownership: the
// test's; files close when the back end closes them. Threading: as the fake's. Failure: -errno.
#pragma once

#include "runtime/kmd/drm/kernel.hpp"
#include "tests/drm_mock/fake.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace kite::drm_mock {

/// See the head of this file.
class FakeKernel final : public rt::kmd::drm::Kernel {
public:
    FakeKernel() : fake(Fake::get()) {}
    std::vector<rt::kmd::drm::Node> nodes() override {
        rt::kmd::drm::Node n;
        n.path = "/dev/dri/renderD200";
        n.nodes = {true, 226, 1, 226, 200};
        n.pci = {0, 1, 0, 0};
        n.on_pci = true;
        n.vendor = 0x1af4;
        n.product = 0x10f0;
        return {n};
    }
    int open(const char*) override { return fake.open(); }
    void close(int fd) override {
        if (fake.owns(fd))
            fake.close(fd);
        else
            ::close(fd);
    }
    int ioctl(int fd, unsigned long request, void* argument) override {
        if (hook)
            if (int r = hook(request, argument); r != 0)
                return r;
        return fake.ioctl(fd, request, argument);
    }
    int map(int fd, uint64_t offset, uint64_t size, void** out) override {
        int real = -1;
        uint64_t at = 0;
        if (!fake.translate(fd, offset, size, &real, &at))
            return -EINVAL;
        *out =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, real, static_cast<off_t>(at));
        return *out == MAP_FAILED ? -ENOMEM : 0;
    }
    void unmap(void* address, uint64_t size) override { munmap(address, size); }

    Fake& fake;                                    ///< behind it
    std::function<int(unsigned long, void*)> hook; ///< 0: go on
};

} // namespace kite::drm_mock
