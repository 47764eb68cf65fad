// SPDX-License-Identifier: MIT
// Accounts and limits: what is counted, what is refused, and who tries to get round it.
#include "tests/drm/accounts.hpp"

#include <chrono>
#include <sched.h>
#include <thread>
#include <unistd.h>

namespace kite::drm_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint32_t kClient = DRM_KITE_ACCOUNT_CLIENT, kUid = DRM_KITE_ACCOUNT_UID;
constexpr uint32_t kVram = DRM_KITE_RESOURCE_VRAM, kSystem = DRM_KITE_RESOURCE_SYSTEM;

/// The user's use, once what ends with a closed file has ended.
uint64_t settled(const Node& admin, uint32_t resource) {
    uint64_t used = 1;
    for (int i = 0; i < 200 && used != 0; ++i) {
        used = account(admin, kUid, kUser, resource).used;
        if (used != 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return used;
}

TEST_F(DrmAccounts, WhatAFileMakesIsCharged) {
    auto used = [&](uint32_t resource) { return account(*node, kClient, 0, resource).used; };
    EXPECT_EQ(used(kVram), 0u);
    uint32_t vram = node->bo(3 * kMiB, DRM_KITE_BO_VRAM);
    uint32_t both = node->bo(2 * kMiB, DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM);
    EXPECT_EQ(used(kVram), 5 * kMiB);
    EXPECT_EQ(used(kSystem), 0u);
    uint32_t system = node->bo(kMiB + 1, DRM_KITE_BO_SYSTEM);
    EXPECT_EQ(used(kSystem), kMiB + 4096);
    EXPECT_EQ(account(*node, kUid, 0, kSystem).used >= kMiB + 4096, true);
    EXPECT_EQ(node->close_bo(vram), 0);
    EXPECT_EQ(node->close_bo(both), 0);
    EXPECT_EQ(node->close_bo(system), 0);
    // Buffers are charged until the device has cleared them.
    for (int i = 0; i < 200 && used(kVram) + used(kSystem) != 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(used(kVram), 0u);
    EXPECT_EQ(used(kSystem), 0u);
    EXPECT_EQ(account(*node, kClient, 0, kVram).peak, 5 * kMiB);
    uint32_t vm = node->vm();
    EXPECT_EQ(used(DRM_KITE_RESOURCE_VMS), 1u);
    (void)node->queue(vm);
    EXPECT_EQ(used(DRM_KITE_RESOURCE_QUEUES), 1u);
}

TEST_F(DrmAccounts, PageTablesAreCharged) {
    uint32_t vm = node->vm();
    uint64_t before = account(*node, kClient, 0, kVram).used;
    EXPECT_GT(before, 0u); // the directory
    for (uint64_t i = 0; i < 16; ++i) {
        drm_kite_vm_bind_op op{};
        op.op = DRM_KITE_VM_BIND_SPARSE;
        op.va = 0x40000000 + i * 2 * kMiB + 4096;
        op.range = 4096; // a slot that one entry cannot say
        ASSERT_EQ(node->bind(vm, op), 0);
    }
    EXPECT_GE(account(*node, kClient, 0, kVram).used, before + 16 * 4096);
    // With nothing left no table can be had, and nothing has changed.
    uint64_t used = account(*node, kClient, 0, kVram).used;
    ASSERT_EQ(set_limit(*admin, kClient, client_id(*node), kVram, used), 0);
    drm_kite_vm_bind_op op{};
    op.op = DRM_KITE_VM_BIND_SPARSE;
    op.va = 0x80000000 + 4096;
    op.range = 4096;
    EXPECT_EQ(node->bind(vm, op), -EDQUOT);
    EXPECT_EQ(account(*node, kClient, 0, kVram).used, used);
}

TEST_F(DrmAccounts, ALimitRefusesAndNothingChanges) {
    uint64_t id = client_id(*node);
    ASSERT_EQ(set_limit(*admin, kClient, id, kVram, 4 * kMiB), 0);
    uint32_t first = 0, second = 0;
    ASSERT_EQ(try_bo(*node, 3 * kMiB, DRM_KITE_BO_VRAM, &first), 0);
    EXPECT_EQ(node->memory().vram_quota_left, kMiB);
    EXPECT_EQ(try_bo(*node, kMiB + 1, DRM_KITE_BO_VRAM), -EDQUOT);
    EXPECT_EQ(try_bo(*node, ~uint64_t{0} - 8191, DRM_KITE_BO_VRAM), -ENOSPC);
    EXPECT_EQ(try_bo(*node, ~uint64_t{0}, DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM), -EINVAL);
    auto now = account(*node, kClient, 0, kVram);
    EXPECT_EQ(now.used, 3 * kMiB);
    EXPECT_EQ(now.refused, 1u);
    EXPECT_EQ(now.limit, 4 * kMiB);
    EXPECT_EQ(try_bo(*node, kMiB, DRM_KITE_BO_VRAM, &second), 0);
    // Lower than what is in use: it stays, nothing is added.
    ASSERT_EQ(set_limit(*admin, kClient, id, kVram, kMiB), 0);
    EXPECT_EQ(node->memory().vram_quota_left, 0u);
    EXPECT_EQ(try_bo(*node, 4096, DRM_KITE_BO_VRAM), -EDQUOT);
    EXPECT_EQ(node->close_bo(first), 0);
    EXPECT_EQ(node->close_bo(second), 0);
    EXPECT_EQ(try_bo(*node, kMiB, DRM_KITE_BO_VRAM), 0);
    // Another file of the same user is not concerned.
    EXPECT_EQ(try_bo(*admin, 2 * kMiB, DRM_KITE_BO_VRAM), 0);
    EXPECT_EQ(admin->memory().vram_quota_left, kNoLimit);
}

TEST_F(DrmAccounts, VmsAndQueuesHaveLimits) {
    uint64_t id = client_id(*node);
    ASSERT_EQ(set_limit(*admin, kClient, id, DRM_KITE_RESOURCE_VMS, 1), 0);
    ASSERT_EQ(set_limit(*admin, kClient, id, DRM_KITE_RESOURCE_QUEUES, 2), 0);
    uint32_t vm = node->vm();
    drm_kite_vm_create more{};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_CREATE, more), -EDQUOT);
    (void)node->queue(vm);
    (void)node->queue(vm, DRM_KITE_QUEUE_COPY);
    drm_kite_queue_create third{};
    third.vm_id = vm;
    third.priority = DRM_KITE_PRIORITY_NORMAL;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_QUEUE_CREATE, third), -EDQUOT);
}

TEST_F(DrmAccounts, DumbBuffersCount) {
    drm_mode_create_dumb dumb{};
    dumb.width = 256;
    dumb.height = 256;
    dumb.bpp = 32;
    ASSERT_EQ(set_limit(*admin, kClient, client_id(*node), kVram, 100000), 0);
    int error = node->call(DRM_IOCTL_MODE_CREATE_DUMB, dumb);
    // A render node refuses before; a primary node by the quota.
    EXPECT_TRUE(error == -EDQUOT || error == -EACCES) << error;
}

TEST_F(DrmAccounts, OnlyAdministratorsSetAndSeeOthers) {
    uint64_t mine = client_id(*node);
    EXPECT_EQ(as_user(kUser,
                      [&]() -> std::string {
                          Node other;
                          drm_kite_account a;
                          if (read_account(other, kClient, 0, kVram, a) != 0)
                              return "cannot read its own account";
                          if (read_account(other, kUid, kUser, kVram, a) != 0)
                              return "cannot read its own user's account";
                          if (read_account(other, kClient, mine, kVram, a) != -EACCES)
                              return "reads somebody else's account";
                          if (read_account(other, kUid, 0, kVram, a) != -EACCES)
                              return "reads another user's account";
                          if (set_limit(other, kUid, kUser, kVram, kNoLimit) != -EACCES ||
                              set_limit(other, kClient, 0, kVram, kNoLimit) != -EACCES)
                              return "sets a limit";
                          if (rights(other, DRM_KITE_RIGHTS_GRANT, kClient, 0,
                                     DRM_KITE_RIGHT_IMPORT_READ) != -EACCES)
                              return "grants itself a right";
                          return {};
                      }),
              "");
}

TEST_F(DrmAccounts, NonsenseIsRefused) {
    auto with = [&](auto change) {
        drm_kite_account a{};
        change(a);
        return node->call(DRM_IOCTL_KITE_ACCOUNT, a);
    };
    using A = drm_kite_account;
    EXPECT_EQ(with([](A& a) { a.kind = 3; }), -EINVAL);
    EXPECT_EQ(with([](A& a) { a.resource = 4; }), -EINVAL);
    EXPECT_EQ(with([](A& a) { a.flags = 2; }), -EINVAL);
    EXPECT_EQ(with([](A& a) { a.pad = 1; }), -EINVAL);
    EXPECT_EQ(with([](A& a) { a.id = 1ull << 60; }), -ENOENT);
    EXPECT_EQ(with([](A& a) {
                  a.kind = kUid;
                  a.id = 1ull << 32;
              }),
              -EINVAL);
    EXPECT_EQ(rights(*node, DRM_KITE_RIGHTS_CHECK, kClient, 0, 1), -EINVAL);
    EXPECT_EQ(rights(*node, DRM_KITE_RIGHTS_GRANT, kClient, 0, 0), -EINVAL);
    EXPECT_EQ(rights(*node, DRM_KITE_RIGHTS_GRANT, kClient, 0, 16), -EINVAL);
    EXPECT_EQ(rights(*node, 4, kClient, 0, 1), -EINVAL);
}

TEST_F(DrmAccounts, AUsersQuotaHoldsForAllItsProcesses) {
    ASSERT_EQ(set_limit(*admin, kUid, kUser, kVram, 8 * kMiB), 0);
    auto greedy = []() -> std::string {
        // Files and processes of the same user, all at once.
        std::vector<std::unique_ptr<Node>> files;
        for (int i = 0; i < 4; ++i) {
            files.push_back(std::make_unique<Node>());
            while (try_bo(*files.back(), kMiB, DRM_KITE_BO_VRAM) == 0) {
            }
        }
        uint64_t used = account(*files[0], kUid, kUser, kVram).used;
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return used <= 8 * kMiB ? std::string() : "used " + std::to_string(used);
    };
    std::vector<std::unique_ptr<Somebody>> all;
    for (int i = 0; i < 4; ++i)
        all.push_back(std::make_unique<Somebody>(kUser, greedy));
    for (auto& one : all)
        EXPECT_EQ(one->wait(), "");
    auto after = account(*admin, kUid, kUser, kVram);
    EXPECT_LE(after.peak, 8 * kMiB);
    EXPECT_GE(after.peak, 7 * kMiB);
    EXPECT_GT(after.refused, 0u);
    EXPECT_EQ(settled(*admin, kVram), 0u) << "dead clients leave something behind";
}

TEST_F(DrmAccounts, AUserNamespaceIsNoDisguise) {
    ASSERT_EQ(set_limit(*admin, kUid, kUser, kVram, 2 * kMiB), 0);
    std::string said = as_user(kUser, []() -> std::string {
        if (unshare(CLONE_NEWUSER) != 0)
            return "no user namespaces";
        Node other;
        // Root of its namespace has all capabilities there, and is the same user here.
        if (set_limit(other, kUid, kUser, kVram, kNoLimit) != -EACCES)
            return "sets a limit";
        if (try_bo(other, 4 * kMiB, DRM_KITE_BO_VRAM) != -EDQUOT)
            return "passes the quota";
        return {};
    });
    if (said == "no user namespaces")
        GTEST_SKIP() << said;
    EXPECT_EQ(said, "");
}

TEST_F(DrmAccounts, AKilledClientLeavesNothing) {
    for (int round = 0; round < 3; ++round) {
        Somebody victim(kUser, []() -> std::string {
            Node other;
            Space s(other);
            std::vector<uint32_t> all;
            for (uint32_t i = 0;; ++i) {
                if (all.size() < 32)
                    all.push_back(other.bo(65536, DRM_KITE_BO_VRAM));
                uint32_t done = other.syncobj();
                s.at = 16384 / 2;
                (void)other.submit(s.queue, {s.store(0, i)}, {signals(done)});
            }
        });
        uint64_t used = 0;
        for (int i = 0; i < 600 && used < 16 * 65536; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            used = account(*admin, kUid, kUser, kVram).used;
        }
        EXPECT_GE(used, 16u * 65536);
        victim.kill();
        EXPECT_NE(victim.wait(), "");
        for (uint32_t resource = 0; resource <= DRM_KITE_RESOURCE_QUEUES; ++resource)
            EXPECT_EQ(settled(*admin, resource), 0u) << "resource " << resource;
    }
}

} // namespace
} // namespace kite::drm_test
