// SPDX-License-Identifier: MIT
// A device and a client that is connected to it, in one process, for tests.
//
// The device is served by a thread over a socket pair; the client belongs to the test's thread.
// disconnect() and the destructor hang up and join. Aborts if the device cannot be built.
#pragma once

#include "device/pci/service.hpp"
#include "device/pci/testing/driver.hpp"

#include <cstdlib>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace kite::dev::pci::test {

/// Device, server thread, client.
class Session {
public:
    /// Small VRAM, the interpreter and a few faults.
    explicit Session(
        std::initializer_list<std::string_view> faults = {},
        exec::ExecutorConfig executor = {.mode = exec::ExecutorConfig::Mode::interpreter},
        uint64_t vram_bytes = 64 << 20, const LinkOptions& link = {})
        : quit_(eventfd(0, EFD_CLOEXEC)), pull_(eventfd(0, EFD_CLOEXEC)) {
        for (const std::string_view fault : faults) {
            if (!injector_.add(fault)) {
                std::abort();
            }
        }
        auto made = PciDevice::create({.vram_bytes = vram_bytes,
                                       .visible_bytes = vram_bytes,
                                       .link = link,
                                       .executor = std::move(executor),
                                       .threads = 2},
                                      injector_, trace_);
        if (!made) {
            std::abort();
        }
        device_ = std::move(*made);
        connect();
    }
    ~Session() { disconnect(); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// A new connection to the same device.
    void connect() {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
            std::abort();
        }
        client = std::make_unique<Client>(base::UniqueFd(pair[0]));
        thread_ = std::thread([this, end = pair[1]] {
            if (serve(base::UniqueFd(end), {.quit = quit_.get(), .pull = pull_.get()}, *device_)) {
                device_->disconnect();
            }
        });
    }
    /// Hangs up and waits until the device has been reset.
    void disconnect() {
        client.reset();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    /// Pulls the cable.
    void pull() {
        if (eventfd_write(pull_.get(), 1) != 0) {
            std::abort();
        }
    }
    /// The device.
    [[nodiscard]] PciDevice& device() { return *device_; }

    std::unique_ptr<Client> client; ///< the other end

private:
    Injector injector_;
    Trace trace_;
    base::UniqueFd quit_, pull_;
    std::unique_ptr<PciDevice> device_;
    std::thread thread_;
};

} // namespace kite::dev::pci::test
