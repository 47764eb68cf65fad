// SPDX-License-Identifier: MIT
// A VNC server that shows a head (libvncserver).
//
// Loopback only unless told otherwise, a password on request. It looks only: input goes to the
// guest through QEMU's own devices. The frame is composed some 25 times a second while a client is
// connected, never otherwise, and only rows that changed are sent. A thread of the server's own
// does everything; clients are hostile and handled by the library. create() opens the port, so it
// comes before the sandbox; it fails with what is wrong with address or port.
#pragma once

#include "base/result.hpp"
#include "device/display/engine.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace kite::dev::pci {

/// Where to listen.
struct VncOptions {
    unsigned port = 0;                 ///< 0: no server
    std::string address = "127.0.0.1"; ///< IPv4 address to listen on
    std::string password;              ///< empty: none
    unsigned head = 0;                 ///< what to show
};

/// The server.
class VncServer {
public:
    /// Listens; start() serves.
    [[nodiscard]] static base::Result<std::unique_ptr<VncServer>> create(const VncOptions& options);
    /// Ends it.
    ~VncServer();
    VncServer(const VncServer&) = delete;
    VncServer& operator=(const VncServer&) = delete;
    /// Starts the thread; `engine` outlives the server.
    void start(display::Engine& engine);

private:
    struct Screen;
    explicit VncServer(std::unique_ptr<Screen> screen);
    void run();
    void refresh(const display::Scene& scene);

    std::unique_ptr<Screen> screen_;
    display::Engine* engine_ = nullptr;
    std::atomic<bool> quit_ = false;
    std::thread thread_;
};

} // namespace kite::dev::pci
