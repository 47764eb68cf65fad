// SPDX-License-Identifier: MIT
// The control socket: every request, and what is none; the VNC server as a client sees it.
#include "device/display/png.hpp"
#include "device/pci/viewer/control.hpp"
#include "device/pci/viewer/local_socket.hpp"
#include "device/pci/viewer/vnc.hpp"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

namespace kite::dev::pci {
namespace {

namespace reg = hw::reg;

class ViewerTest : public ::testing::Test {
protected:
    ViewerTest()
        : memory_(1 << 20),
          engine_({.memory = memory_,
                   .interrupt = [] {},
                   .now_ns =
                       [] {
                           return static_cast<uint64_t>(
                               std::chrono::steady_clock::now().time_since_epoch().count());
                       }},
                  {display::edid_for({1280, 800}, 0), display::Edid{}}) {
        hw::HeadState state{.enable = true,
                            .active_width = 64,
                            .active_height = 32,
                            .total_width = 100,
                            .total_height = 100,
                            .clock_khz = 600};
        state.planes[0] = {.enable = true,
                           .format = hw::ScanoutFormat::xrgb8888,
                           .alpha = 65535,
                           .pitch = 256,
                           .address = 65536,
                           .width = 64,
                           .height = 32};
        std::array<uint32_t, hw::HeadState::kDwords> dwords{};
        state.pack(dwords.data());
        std::memcpy(memory_.data() + 4096, dwords.data(), sizeof(dwords));
        memory_[65536 + 1] = std::byte{0x5a}; // green of the first pixel
        engine_.write(reg::kHeadStateLo, 4096);
        engine_.write(reg::kHeadCommit, 3);
    }
    std::vector<std::byte> memory_;
    display::Engine engine_;
};

TEST_F(ViewerTest, AnswersEveryRequest) {
    EXPECT_TRUE(control_answer(engine_, {}, "status")
                    .ends_with("head 1 disconnected off 0x0 0.000 Hz vblanks 0 commits 0\n"));
    EXPECT_TRUE(control_answer(engine_, {}, "crc 0").starts_with("ok 9\n"));
    EXPECT_EQ(control_answer(engine_, {}, "plug 1 1024x768"), "ok 0\n");
    EXPECT_TRUE(engine_.info(1).connected);
    EXPECT_EQ(control_answer(engine_, {}, "unplug 1"), "ok 0\n");
    EXPECT_FALSE(engine_.info(1).connected);
}

TEST_F(ViewerTest, TelemetryAndHeatAreTheHooks) {
    uint32_t heat = 0;
    const ControlHooks hooks{.telemetry = [] { return std::string("power_uw 5\n"); },
                             .heat = [&](uint32_t milliwatts) { heat = milliwatts; }};
    EXPECT_EQ(control_answer(engine_, hooks, "telemetry"), "ok 11\npower_uw 5\n");
    EXPECT_EQ(control_answer(engine_, hooks, "heat 1234"), "ok 0\n");
    EXPECT_EQ(heat, 1234u);
    for (const char* bad : {"heat", "heat -1", "heat 1 2", "heat x"}) {
        EXPECT_TRUE(control_answer(engine_, hooks, bad).starts_with("error ")) << bad;
    }
    EXPECT_TRUE(control_answer(engine_, {}, "telemetry").starts_with("error "));
    EXPECT_TRUE(control_answer(engine_, {}, "heat 1").starts_with("error "));
}

TEST_F(ViewerTest, RefusesNonsense) {
    for (const char* request :
         {"", " ", "screenshot", "screenshot 1", "screenshot 2", "screenshot x", "screenshot 0 0",
          "plug 0 1x1", "plug 0 9999x9999", "plug 0 x", "plug 0 12x", "plug", "unplug -1",
          "crc 99999999999", "nothing 0", "plug 0 800x600 more"}) {
        EXPECT_TRUE(control_answer(engine_, {}, request).starts_with("error ")) << request;
    }
    std::mt19937 random(5);
    for (int i = 0; i < 20000; ++i) {
        std::string request(random() % 24, ' ');
        for (char& c : request) {
            c = "screnhotplugu 0123x\t\xff"[random() % 21];
        }
        const std::string answer = control_answer(engine_, {}, request);
        EXPECT_TRUE(answer.starts_with("ok ") || answer.starts_with("error "));
    }
}

TEST_F(ViewerTest, ScreenshotComesOverTheSocket) {
    const auto path =
        std::filesystem::temp_directory_path() / ("kite-control-" + std::to_string(getpid()));
    auto listener = listen_local(path);
    ASSERT_TRUE(listener);
    const ControlServer server(std::move(*listener), engine_, {});
    const auto file = control_request(path, "screenshot 0");
    ASSERT_TRUE(file) << file.error().message;
    const auto image = display::decode_png(*file);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->width, 64u);
    EXPECT_EQ(image->rgb[1], 0x5a);
    const auto refused = control_request(path, "screenshot 7");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("head below 2"), std::string::npos);
    EXPECT_FALSE(control_request(path, std::string(2000, 'x'))); // cut off
    EXPECT_TRUE(control_request(path, "status"));
    std::filesystem::remove(path);
}

// A minimal VNC client: protocol 3.8, no password, raw rectangles.
class VncClient {
public:
    explicit VncClient(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected =
            connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    }
    std::string take(std::size_t bytes) {
        std::string text(bytes, '\0');
        for (std::size_t at = 0; at < bytes;) {
            const ssize_t n = recv(fd_.get(), text.data() + at, bytes - at, 0);
            if (n <= 0) {
                return text.substr(0, at);
            }
            at += static_cast<std::size_t>(n);
        }
        return text;
    }
    void give(const std::string& text) {
        EXPECT_EQ(send(fd_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    bool connected = false;

private:
    base::UniqueFd fd_;
};

unsigned short16(const std::string& text, std::size_t at) {
    return static_cast<unsigned>(static_cast<uint8_t>(text[at])) << 8 |
           static_cast<uint8_t>(text[at + 1]);
}

TEST_F(ViewerTest, VncShowsTheFrame) {
    const auto port = static_cast<uint16_t>(20000 + getpid() % 20000);
    auto server = VncServer::create({.port = port, .address = "127.0.0.1", .password = {}});
    ASSERT_TRUE(server) << server.error().message;
    (*server)->start(engine_);
    std::this_thread::sleep_for(std::chrono::milliseconds(200)); // until the size is known
    VncClient client(port);
    ASSERT_TRUE(client.connected);
    EXPECT_EQ(client.take(12).substr(0, 4), "RFB ");
    client.give("RFB 003.008\n");
    const auto kinds = static_cast<uint8_t>(client.take(1)[0]);
    EXPECT_NE(client.take(kinds).find('\1'), std::string::npos);
    client.give(std::string(1, '\1'));
    EXPECT_EQ(client.take(4), std::string(4, '\0'));
    client.give(std::string(1, '\1'));
    const std::string init = client.take(24);
    ASSERT_EQ(init.size(), 24u);
    EXPECT_EQ(short16(init, 0), 64u);
    EXPECT_EQ(short16(init, 2), 32u);
    client.take(short16(init, 22));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    client.give(std::string("\3\0\0\0\0\0\0\x40\0\x20", 10));
    const std::string update = client.take(4);
    ASSERT_EQ(update.size(), 4u);
    const std::string rect = client.take(12);
    ASSERT_EQ(rect.size(), 12u);
    const std::size_t bytes = std::size_t{short16(rect, 4)} * short16(rect, 6) * 4;
    const std::string pixels = client.take(bytes);
    ASSERT_EQ(pixels.size(), bytes);
    EXPECT_EQ(static_cast<uint8_t>(pixels[1]), 0x5a);
    EXPECT_FALSE(VncServer::create({.port = port, .address = "nowhere", .password = {}}));
}

} // namespace
} // namespace kite::dev::pci
