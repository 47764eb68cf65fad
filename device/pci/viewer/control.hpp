// SPDX-License-Identifier: MIT
// The control socket: what people and tests ask of the device from outside the guest.
//
// A request is a line, an answer "ok BYTES\n" and so many bytes, or "error TEXT\n". Requests:
//   status                 facts about every head, a line each
//   telemetry              sensors, link and rings, a "name value" line each
//   heat MILLIWATTS        heat from outside, until it is changed
//   screenshot HEAD        a PNG of what the head shows
//   crc HEAD               CRC-32 of it, as the write-back tells it
//   plug HEAD [WxH[@HZ]]   hang a monitor on the connector, with that mode preferred
//   unplug HEAD            take it away
// A thread of the server's own answers; whoever sends nonsense gets an error, whoever sends too
// much or does not read is cut off. Example: control_request(path, "screenshot 0").
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "device/display/engine.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace kite::dev::pci {

/// Longest request, without its newline.
inline constexpr std::size_t kLongestRequest = 256;

/// What is asked of the device apart from its heads; what is missing is refused.
struct ControlHooks {
    std::function<std::string()> telemetry; ///< the figures
    std::function<void(uint32_t)> heat;     ///< heat from outside, milliwatts
};

/// The answer to one request, as it goes over the socket.
[[nodiscard]] std::string control_answer(display::Engine& engine, const ControlHooks& hooks,
                                         std::string_view request);

/// Answers on a listening socket until it is destroyed.
class ControlServer {
public:
    /// Starts the thread; `engine` and what the hooks use outlive the server.
    ControlServer(base::UniqueFd listener, display::Engine& engine, ControlHooks hooks);
    /// Ends it.
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

private:
    void run();
    void serve(int peer);
    [[nodiscard]] bool wait(int fd, short events, int timeout_ms) const;

    base::UniqueFd listener_;
    base::UniqueFd quit_;
    display::Engine& engine_;
    ControlHooks hooks_;
    std::thread thread_;
};

/// Asks a server; the bytes of its answer, or its error.
[[nodiscard]] base::Result<std::string> control_request(const std::string& path,
                                                        const std::string& request);

} // namespace kite::dev::pci
