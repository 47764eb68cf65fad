// SPDX-License-Identifier: MIT
//
// What the tests of accounts and rights share: asking for accounts, and being somebody else.
//
// As somebody else a test runs in a child process, which cannot use GoogleTest's checks: the
// function says what went wrong as text, empty if nothing did. Needs root, as tests in the guest
// have. Failure: helpers that must succeed throw std::runtime_error.
#pragma once

#include "tests/drm/node.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace kite::drm_test {

/// An unprivileged user that nobody else in the guest is.
inline constexpr uint32_t kUser = 64321;
inline constexpr uint64_t kNoLimit = ~uint64_t{0};

/// ACCOUNT without flags; the error as negative errno.
int read_account(const Node& node, uint32_t kind, uint64_t id, uint32_t resource,
                 drm_kite_account& out);
/// The same, where it must work.
drm_kite_account account(const Node& node, uint32_t kind, uint64_t id, uint32_t resource);
/// ACCOUNT with SET_LIMIT: 0 or -errno.
int set_limit(const Node& node, uint32_t kind, uint64_t id, uint32_t resource, uint64_t limit);
/// DMA_RIGHTS: 0 or -errno; `effective` receives the rights then.
int rights(const Node& node, uint32_t op, uint32_t kind, uint64_t id, uint32_t which,
           uint32_t* effective = nullptr);
/// BO_CREATE: 0 or -errno; the handle.
int try_bo(const Node& node, uint64_t size, uint32_t flags, uint32_t* handle = nullptr);
/// Id of a file's own account.
uint64_t client_id(const Node& node);
/// drm_prime_handle with a handle or a file.
int export_bo(const Node& node, uint32_t bo, int& fd);
int import_bo(const Node& node, int fd, uint32_t& bo);
/// A dma-buf of another device (udmabuf) with `size` bytes of 0x5a, or -1.
int foreign_dma_buf(uint64_t size);

/// A process that runs `work` as `uid`; wait() gives what it says went wrong.
class Somebody {
public:
    Somebody(uint32_t uid, const std::function<std::string()>& work);
    ~Somebody();
    Somebody(const Somebody&) = delete;
    Somebody& operator=(const Somebody&) = delete;
    std::string wait();
    void kill();

private:
    int pid_, pipe_;
};

/// work() in a child that is `uid`; what it says went wrong.
std::string as_user(uint32_t uid, const std::function<std::string()>& work);

/// Skips without a kite device, without root, and with a driver that has no accounts.
class DrmAccounts : public DrmIoctl {
protected:
    void SetUp() override;
    void TearDown() override;
    /// A second file, the administrator's.
    std::unique_ptr<Node> admin;
};

} // namespace kite::drm_test
