// SPDX-License-Identifier: MIT
// DMA rights: denied by default, granted, taken back from work that is running.
#include "tests/drm/accounts.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace kite::drm_test {
namespace {

constexpr uint32_t kClient = DRM_KITE_ACCOUNT_CLIENT, kUid = DRM_KITE_ACCOUNT_UID;
constexpr uint64_t kVa = 0x40000000;
constexpr uint32_t kImport = DRM_KITE_RIGHT_IMPORT_READ | DRM_KITE_RIGHT_IMPORT_WRITE;

int map_with(const Node& node, uint32_t vm, uint32_t bo, uint32_t flags) {
    drm_kite_vm_bind_op op{};
    op.op = DRM_KITE_VM_BIND_MAP;
    op.flags = flags;
    op.bo_handle = bo;
    op.va = kVa;
    op.range = 65536;
    return node.bind(vm, op);
}

TEST_F(DrmAccounts, OthersBuffersAreDeniedByDefault) {
    int fd = foreign_dma_buf(65536);
    if (fd < 0)
        GTEST_SKIP() << "no udmabuf";
    auto take = [fd](uint32_t expected) -> std::string {
        Node other;
        uint32_t bo = 0, vm = other.vm(), has = 0;
        if (rights(other, DRM_KITE_RIGHTS_CHECK, kClient, 0, 0, &has) != 0 || has != expected)
            return "rights " + std::to_string(has);
        int error = import_bo(other, fd, bo);
        if (!(expected & DRM_KITE_RIGHT_IMPORT_READ))
            return error == -EACCES ? "" : "imported " + std::to_string(error);
        if (error != 0)
            return "not imported " + std::to_string(error);
        if (map_with(other, vm, bo, DRM_KITE_VM_BIND_READONLY) != 0)
            return "not mapped for reading";
        error = map_with(other, vm, bo, 0);
        if (error != (expected & DRM_KITE_RIGHT_IMPORT_WRITE ? 0 : -EACCES))
            return "mapped for writing: " + std::to_string(error);
        return {};
    };
    constexpr uint32_t kUsual = DRM_KITE_RIGHT_SYSTEM | DRM_KITE_RIGHT_EXPORT;
    EXPECT_EQ(as_user(kUser, [&] { return take(kUsual); }), "");
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_GRANT, kUid, kUser, DRM_KITE_RIGHT_IMPORT_READ), 0);
    EXPECT_EQ(as_user(kUser, [&] { return take(kUsual | DRM_KITE_RIGHT_IMPORT_READ); }), "");
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_GRANT, kUid, kUser, kImport), 0);
    EXPECT_EQ(as_user(kUser, [&] { return take(kUsual | kImport); }), "");
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_RESET, kUid, kUser, kImport), 0);
    EXPECT_EQ(as_user(kUser, [&] { return take(kUsual); }), "");
    close(fd);
}

TEST_F(DrmAccounts, ExportNeedsItsRight) {
    uint64_t id = client_id(*node);
    uint32_t bo = node->bo(65536), same = 0;
    int fd = -1;
    ASSERT_EQ(export_bo(*node, bo, fd), 0);
    // A buffer of the same eGPU needs no right.
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_REVOKE, kClient, id, kImport), 0);
    EXPECT_EQ(import_bo(*node, fd, same), 0);
    EXPECT_EQ(same, bo);
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_REVOKE, kClient, id, DRM_KITE_RIGHT_EXPORT), 0);
    int second = -1;
    EXPECT_EQ(export_bo(*node, bo, second), -EACCES);
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_GRANT, kClient, id, DRM_KITE_RIGHT_EXPORT), 0);
    EXPECT_EQ(export_bo(*node, bo, second), 0);
    close(fd);
    close(second);
}

TEST_F(DrmAccounts, WithoutSystemMemoryVramRemains) {
    uint64_t id = client_id(*node);
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_REVOKE, kClient, id, DRM_KITE_RIGHT_SYSTEM), 0);
    EXPECT_EQ(try_bo(*node, 4096, DRM_KITE_BO_SYSTEM), -EACCES);
    uint32_t bo = node->bo(65536);
    drm_kite_bo_info info{};
    info.handle = bo;
    ASSERT_EQ(node->call(DRM_IOCTL_KITE_BO_INFO, info), 0);
    EXPECT_EQ(info.create_flags, uint32_t{DRM_KITE_BO_VRAM | DRM_KITE_BO_CPU_VISIBLE});
    Space s(*node);
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.store(0, 77)}, {signals(done)}), 0);
    EXPECT_EQ(node->wait(done), 0);
    EXPECT_EQ(s.host[0], 77u);
}

TEST_F(DrmAccounts, RevocationReachesRunningWork) {
    int fd = foreign_dma_buf(65536);
    if (fd < 0)
        GTEST_SKIP() << "no udmabuf";
    uint64_t id = client_id(*node);
    Space s(*node), bystander(*admin);
    uint32_t bo = 0;
    ASSERT_EQ(import_bo(*node, fd, bo), 0);
    ASSERT_EQ(map_with(*node, s.vm, bo, 0), 0);
    // Reads the other device's buffer for ever: its bytes are 0x5a.
    hw::WaitEventPacket wait;
    wait.address = kVa;
    wait.value = 1;
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.emit(wait)}, {signals(done)}), 0);
    EXPECT_NE(node->wait(done, 0, 300), 0) << "it did not wait";
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_REVOKE, kClient, id, kImport), 0);
    EXPECT_EQ(node->wait(done, 0, 5000), 0);
    auto state = node->vm_state(s.vm);
    EXPECT_EQ(state.state, uint32_t{DRM_KITE_VM_BANNED});
    EXPECT_EQ(state.address, kVa);
    std::printf("the device said: %s\n", state.text);
    // Neither an old handle nor a new import helps, in any VM.
    uint32_t fresh = node->vm(), again = 0;
    EXPECT_EQ(map_with(*node, fresh, bo, DRM_KITE_VM_BIND_READONLY), -EACCES);
    EXPECT_EQ(import_bo(*node, fd, again), -EACCES);
    // Somebody else's work goes on.
    uint32_t other = admin->syncobj();
    ASSERT_EQ(admin->submit(bystander.queue, {bystander.store(0, 5)}, {signals(other)}), 0);
    EXPECT_EQ(admin->wait(other), 0);
    EXPECT_EQ(bystander.host[0], 5u);
    close(fd);
}

TEST_F(DrmAccounts, RevocationRemovesIdleMappings) {
    uint64_t id = client_id(*node);
    Space s(*node); // its buffer may be in system memory
    ASSERT_EQ(rights(*admin, DRM_KITE_RIGHTS_REVOKE, kClient, id, DRM_KITE_RIGHT_SYSTEM), 0);
    EXPECT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_USABLE});
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.store(0, 1)}, {signals(done)}), 0);
    EXPECT_EQ(node->wait(done), 0);
    EXPECT_EQ(node->vm_state(s.vm).state, uint32_t{DRM_KITE_VM_BANNED});
    EXPECT_EQ(s.host[0], 0u);
}

} // namespace
} // namespace kite::drm_test
