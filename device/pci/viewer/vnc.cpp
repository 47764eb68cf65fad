// SPDX-License-Identifier: MIT
#include "device/pci/viewer/vnc.hpp"

#include "base/log.hpp"
#include "device/front/watchdog.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <rfb/rfb.h>
#include <vector>

namespace kite::dev::pci {

using base::ErrorCode;
using base::fail;

namespace {

constexpr int kWaitUs = 40'000;
constexpr int kBitsPerSample = 8, kSamples = 3, kBytesPerPixel = 4;
constexpr uint32_t kDarkWidth = 640, kDarkHeight = 480; // of a head that is off

} // namespace

// What the library keeps a pointer to.
struct VncServer::Screen {
    VncOptions options;
    rfbScreenInfoPtr rfb = nullptr;
    std::vector<uint8_t> pixels; // red, green, blue, nothing
    uint32_t width = kDarkWidth, height = kDarkHeight;
    char* passwords[2] = {};

    ~Screen() {
        if (rfb != nullptr) {
            rfbShutdownServer(rfb, TRUE);
            rfb->frameBuffer = nullptr;
            rfbScreenCleanup(rfb);
        }
    }
    void resize(uint32_t to_width, uint32_t to_height) {
        width = to_width;
        height = to_height;
        std::vector<uint8_t> fresh(std::size_t{width} * height * kBytesPerPixel);
        rfbNewFramebuffer(rfb, reinterpret_cast<char*>(fresh.data()), static_cast<int>(width),
                          static_cast<int>(height), kBitsPerSample, kSamples, kBytesPerPixel);
        pixels = std::move(fresh);
    }
};

VncServer::VncServer(std::unique_ptr<Screen> screen) : screen_(std::move(screen)) {}

base::Result<std::unique_ptr<VncServer>> VncServer::create(const VncOptions& options) {
    in_addr address{};
    if (inet_pton(AF_INET, options.address.c_str(), &address) != 1) {
        return fail(ErrorCode::invalid_argument, "{} is no IPv4 address", options.address);
    }
    rfbLogEnable(FALSE);
    auto screen = std::make_unique<Screen>();
    screen->options = options;
    screen->pixels.resize(std::size_t{kDarkWidth} * kDarkHeight * kBytesPerPixel);
    rfbScreenInfoPtr rfb = rfbGetScreen(nullptr, nullptr, kDarkWidth, kDarkHeight, kBitsPerSample,
                                        kSamples, kBytesPerPixel);
    if (rfb == nullptr) {
        return fail(ErrorCode::out_of_host_memory, "no memory for a VNC server");
    }
    screen->rfb = rfb;
    rfb->frameBuffer = reinterpret_cast<char*>(screen->pixels.data());
    rfb->desktopName = "Kite";
    rfb->cursor = nullptr;
    rfb->alwaysShared = TRUE;
    rfb->permitFileTransfer = FALSE;
    rfb->autoPort = FALSE;
    rfb->port = static_cast<int>(options.port);
    rfb->ipv6port = 0;
    rfb->listenInterface = address.s_addr;
    if (!options.password.empty()) {
        screen->passwords[0] = screen->options.password.data();
        rfb->authPasswdData = screen->passwords;
        rfb->passwordCheck = rfbCheckPasswordByList;
    }
    rfbInitServer(rfb);
    if (rfb->listenSock == RFB_INVALID_SOCKET) {
        return fail(ErrorCode::io, "cannot listen on {} port {}", options.address, options.port);
    }
    return std::unique_ptr<VncServer>(new VncServer(std::move(screen)));
}

VncServer::~VncServer() {
    quit_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
}

void VncServer::start(display::Engine& engine) {
    engine_ = &engine;
    thread_ = front::start_thread(
        "kite-vnc", [](void* self) { static_cast<VncServer*>(self)->run(); }, this);
}

void VncServer::run() {
    while (!quit_) {
        rfbProcessEvents(screen_->rfb, kWaitUs);
        // The size is told to clients when they connect, so it is kept right without any.
        const display::Scene scene = engine_->scene(screen_->options.head);
        const bool on = scene.state.enable;
        const uint32_t width = on ? scene.state.active_width : kDarkWidth;
        const uint32_t height = on ? scene.state.active_height : kDarkHeight;
        if (width != screen_->width || height != screen_->height) {
            screen_->resize(width, height);
        }
        if (screen_->rfb->clientHead != nullptr) {
            refresh(scene);
        }
    }
}

void VncServer::refresh(const display::Scene& scene) {
    Screen& s = *screen_;
    const uint32_t width = s.width, height = s.height;
    display::Image image = display::capture(scene, engine_->memory());
    image.rgb.resize(std::size_t{width} * height * 3); // dark when off
    std::vector<uint8_t> row(std::size_t{width} * kBytesPerPixel);
    for (uint32_t y = 0; y < height; ++y) {
        const uint8_t* from = image.rgb.data() + std::size_t{y} * width * 3;
        for (uint32_t x = 0; x < width; ++x) {
            std::memcpy(row.data() + std::size_t{x} * 4, from + std::size_t{x} * 3, 3);
        }
        uint8_t* to = s.pixels.data() + std::size_t{y} * row.size();
        if (std::memcmp(to, row.data(), row.size()) != 0) {
            std::memcpy(to, row.data(), row.size());
            rfbMarkRectAsModified(s.rfb, 0, static_cast<int>(y), static_cast<int>(width),
                                  static_cast<int>(y) + 1);
        }
    }
}

} // namespace kite::dev::pci
