// SPDX-License-Identifier: MIT
#include "device/pci/viewer/control.hpp"

#include "base/log.hpp"
#include "device/display/png.hpp"
#include "device/front/watchdog.hpp"
#include "device/pci/viewer/local_socket.hpp"

#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kite::dev::pci {

using base::ErrorCode;
using base::fail;

namespace {

constexpr int kPatienceMs = 5000;

std::string ok(std::string_view bytes) {
    return fmt::format("ok {}\n", bytes.size()).append(bytes);
}

std::string error(std::string_view text) {
    return fmt::format("error {}\n", text);
}

// Takes the next word off the front.
std::string_view next_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

std::optional<uint32_t> number(std::string_view word) {
    uint32_t value = 0;
    const auto [end, bad] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty() || bad != std::errc() || end != word.data() + word.size()) {
        return std::nullopt;
    }
    return value;
}

std::string status(display::Engine& engine) {
    std::string text;
    for (uint32_t i = 0; i < engine.heads(); ++i) {
        const auto head = engine.info(i);
        text += fmt::format("head {} {} {} {}x{} {:.3f} Hz vblanks {} commits {}\n", i,
                            head.connected ? "connected" : "disconnected", head.on ? "on" : "off",
                            head.width, head.height,
                            head.frame_ns != 0 ? 1e9 / static_cast<double>(head.frame_ns) : 0.0,
                            head.vblanks, head.commits);
    }
    return ok(text);
}

std::string screenshot(display::Engine& engine, uint32_t head) {
    const auto scene = engine.scene(head);
    if (!scene.state.enable) {
        return error("the head is off");
    }
    auto png = display::encode_png(display::capture(scene, engine.memory()));
    return png ? ok(*png) : error(png.error().message);
}

std::string plug(display::Engine& engine, uint32_t head, std::string_view mode) {
    const auto wanted = mode.empty() ? display::WantedMode{} : display::parse_mode(mode);
    if (!wanted) {
        return error(fmt::format("a mode is {}", display::kModeSyntax));
    }
    engine.set_monitor(head, display::edid_for(*wanted, head));
    return ok("");
}

} // namespace

std::string control_answer(display::Engine& engine, const ControlHooks& hooks,
                           std::string_view request) {
    const std::string_view verb = next_word(request);
    if (verb == "status") {
        return status(engine);
    }
    if (verb == "telemetry" && hooks.telemetry) {
        return ok(hooks.telemetry());
    }
    if (verb == "heat" && hooks.heat) {
        const auto milliwatts = number(next_word(request));
        if (!milliwatts || !next_word(request).empty()) {
            return error("a number of milliwatts is wanted");
        }
        hooks.heat(*milliwatts);
        return ok("");
    }
    const auto head = number(next_word(request));
    const std::string_view rest = next_word(request);
    if (verb != "screenshot" && verb != "crc" && verb != "plug" && verb != "unplug") {
        return error("requests are status, telemetry, heat, screenshot, crc, plug and unplug");
    }
    if (!head || *head >= engine.heads() || !next_word(request).empty() ||
        (verb != "plug" && !rest.empty())) {
        return error(fmt::format("the number of a head below {} is wanted", engine.heads()));
    }
    if (verb == "screenshot") {
        return screenshot(engine, *head);
    }
    if (verb == "crc") {
        return ok(
            fmt::format("{:08x}\n", display::frame_crc(engine.scene(*head), engine.memory())));
    }
    if (verb == "plug") {
        return plug(engine, *head, rest);
    }
    engine.set_monitor(*head, {});
    return ok("");
}

ControlServer::ControlServer(base::UniqueFd listener, display::Engine& engine, ControlHooks hooks)
    : listener_(std::move(listener)), quit_(eventfd(0, EFD_CLOEXEC)), engine_(engine),
      hooks_(std::move(hooks)) {
    thread_ = front::start_thread(
        "kite-control", [](void* self) { static_cast<ControlServer*>(self)->run(); }, this);
}

ControlServer::~ControlServer() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(quit_.get(), &one, sizeof(one));
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool ControlServer::wait(int fd, short events, int timeout_ms) const {
    pollfd fds[2] = {{.fd = quit_.get(), .events = POLLIN, .revents = 0},
                     {.fd = fd, .events = events, .revents = 0}};
    int ready = 0;
    do {
        ready = poll(fds, 2, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 && fds[0].revents == 0;
}

void ControlServer::run() {
    while (wait(listener_.get(), POLLIN, -1)) {
        const base::UniqueFd peer(
            accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (peer) {
            serve(peer.get());
        }
    }
}

void ControlServer::serve(int peer) {
    std::string input;
    for (;;) {
        std::size_t end = 0;
        while ((end = input.find('\n')) == std::string::npos) {
            char bytes[kLongestRequest];
            if (input.size() > kLongestRequest || !wait(peer, POLLIN, kPatienceMs)) {
                return;
            }
            const ssize_t n = read(peer, bytes, sizeof(bytes));
            if (n <= 0) {
                return;
            }
            input.append(bytes, static_cast<std::size_t>(n));
        }
        const std::string answer =
            control_answer(engine_, hooks_, std::string_view(input).substr(0, end));
        input.erase(0, end + 1);
        for (std::size_t sent = 0; sent < answer.size();) {
            const ssize_t n = write(peer, answer.data() + sent, answer.size() - sent);
            if (n > 0) {
                sent += static_cast<std::size_t>(n);
            } else if (errno != EAGAIN || !wait(peer, POLLOUT, kPatienceMs)) {
                return;
            }
        }
    }
}

base::Result<std::string> control_request(const std::string& path, const std::string& request) {
    auto peer = connect_local(path);
    if (!peer) {
        return std::unexpected(std::move(peer.error()));
    }
    const std::string line = request + "\n";
    if (write(peer->get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        return fail(ErrorCode::io, "cannot ask {}: {}", path, base::errno_text(errno));
    }
    std::string answer;
    for (;;) {
        const std::size_t end = answer.find('\n');
        if (end != std::string::npos) {
            if (!answer.starts_with("ok ")) {
                return fail(ErrorCode::io, "{}", answer.substr(answer.find(' ') + 1, end));
            }
            const auto bytes = number(std::string_view(answer).substr(3, end - 3));
            if (bytes && answer.size() - end - 1 >= *bytes) {
                return answer.substr(end + 1, *bytes);
            }
        }
        char buffer[65536];
        const ssize_t n = read(peer->get(), buffer, sizeof(buffer));
        if (n <= 0) {
            return fail(ErrorCode::io, "{} does not answer", path);
        }
        answer.append(buffer, static_cast<std::size_t>(n));
    }
}

} // namespace kite::dev::pci
