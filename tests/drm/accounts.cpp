// SPDX-License-Identifier: MIT
#include "tests/drm/accounts.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/udmabuf.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kite::drm_test {

int read_account(const Node& node, uint32_t kind, uint64_t id, uint32_t resource,
                 drm_kite_account& out) {
    out = {};
    out.kind = kind;
    out.id = id;
    out.resource = resource;
    return node.call(DRM_IOCTL_KITE_ACCOUNT, out);
}

drm_kite_account account(const Node& node, uint32_t kind, uint64_t id, uint32_t resource) {
    drm_kite_account out;
    if (int error = read_account(node, kind, id, resource, out); error != 0)
        throw std::runtime_error("ACCOUNT: " + std::string(std::strerror(-error)));
    return out;
}

int set_limit(const Node& node, uint32_t kind, uint64_t id, uint32_t resource, uint64_t limit) {
    drm_kite_account a{};
    a.kind = kind;
    a.id = id;
    a.resource = resource;
    a.flags = DRM_KITE_ACCOUNT_SET_LIMIT;
    a.limit = limit;
    return node.call(DRM_IOCTL_KITE_ACCOUNT, a);
}

int rights(const Node& node, uint32_t op, uint32_t kind, uint64_t id, uint32_t which,
           uint32_t* effective) {
    drm_kite_dma_rights r{};
    r.kind = kind;
    r.op = op;
    r.id = id;
    r.rights = which;
    int error = node.call(DRM_IOCTL_KITE_DMA_RIGHTS, r);
    if (error == 0 && effective != nullptr)
        *effective = r.effective;
    return error;
}

int try_bo(const Node& node, uint64_t size, uint32_t flags, uint32_t* handle) {
    drm_kite_bo_create c{};
    c.size = size;
    c.flags = flags;
    int error = node.call(DRM_IOCTL_KITE_BO_CREATE, c);
    if (error == 0 && handle != nullptr)
        *handle = c.handle;
    return error;
}

uint64_t client_id(const Node& node) {
    return account(node, DRM_KITE_ACCOUNT_CLIENT, 0, DRM_KITE_RESOURCE_VRAM).id;
}

int export_bo(const Node& node, uint32_t bo, int& fd) {
    drm_prime_handle p{};
    p.handle = bo;
    p.flags = DRM_CLOEXEC | DRM_RDWR;
    int error = node.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, p);
    fd = p.fd;
    return error;
}

int import_bo(const Node& node, int fd, uint32_t& bo) {
    drm_prime_handle p{};
    p.fd = fd;
    int error = node.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, p);
    bo = p.handle;
    return error;
}

int foreign_dma_buf(uint64_t size) {
    int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
    if (device < 0)
        return -1;
    int memory = memfd_create("kite-test", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    int fd = -1;
    if (memory >= 0 && ftruncate(memory, static_cast<off_t>(size)) == 0) {
        std::vector<char> bytes(size, 0x5a);
        udmabuf_create create{};
        create.memfd = static_cast<uint32_t>(memory);
        create.flags = UDMABUF_FLAGS_CLOEXEC;
        create.size = size;
        if (pwrite(memory, bytes.data(), size, 0) == static_cast<ssize_t>(size) &&
            fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0)
            fd = ::ioctl(device, UDMABUF_CREATE, &create);
    }
    close(memory);
    close(device);
    return fd;
}

Somebody::Somebody(uint32_t uid, const std::function<std::string()>& work) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        throw std::runtime_error("pipe");
    pipe_ = ends[0];
    pid_ = fork();
    if (pid_ < 0)
        throw std::runtime_error("fork");
    if (pid_ != 0) {
        close(ends[1]);
        return;
    }
    std::string text;
    try {
        if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 ||
            setresuid(uid, uid, uid) != 0)
            text = "cannot become somebody else";
        else
            text = work();
    } catch (const std::exception& error) {
        text = error.what();
    }
    if (write(ends[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        _exit(2);
    _exit(text.empty() ? 0 : 1);
}

std::string Somebody::wait() {
    if (pid_ < 0)
        return {};
    std::string text;
    char block[256];
    for (ssize_t n; (n = read(pipe_, block, sizeof(block))) > 0;)
        text.append(block, static_cast<size_t>(n));
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    if (text.empty() && status != 0)
        text = "ended with status " + std::to_string(status);
    return text;
}

void Somebody::kill() {
    if (pid_ >= 0)
        ::kill(pid_, SIGKILL);
}

Somebody::~Somebody() {
    kill();
    (void)wait();
    close(pipe_);
}

std::string as_user(uint32_t uid, const std::function<std::string()>& work) {
    return Somebody(uid, work).wait();
}

void DrmAccounts::SetUp() {
    DrmIoctl::SetUp();
    if (IsSkipped())
        return;
    drm_kite_account a;
    if (read_account(*node, DRM_KITE_ACCOUNT_CLIENT, 0, 0, a) == -EINVAL)
        GTEST_SKIP() << "this driver has no accounts";
    if (geteuid() != 0)
        GTEST_SKIP() << "not root";
    // Everybody may render here; udev would say so elsewhere.
    ASSERT_EQ(chmod(find_node().c_str(), 0666), 0);
    admin = std::make_unique<Node>();
}

void DrmAccounts::TearDown() {
    // Whatever a failed test left behind.
    if (!admin)
        return;
    for (uint32_t resource = 0; resource <= DRM_KITE_RESOURCE_QUEUES; ++resource)
        EXPECT_EQ(set_limit(*admin, DRM_KITE_ACCOUNT_UID, kUser, resource, kNoLimit), 0);
    EXPECT_EQ(rights(*admin, DRM_KITE_RIGHTS_RESET, DRM_KITE_ACCOUNT_UID, kUser, 15), 0);
}

} // namespace kite::drm_test
