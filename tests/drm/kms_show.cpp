// SPDX-License-Identifier: MIT
// Shows pictures on the eGPU's first head: every listed mode in turn, flipped for a while.
//
//     kms_show FOLDER [FLIPS]
// For mode N it flips FLIPS times between two pictures of noise, checks that the flips come at the
// mode's rate, one a vblank and with times that grow, then writes the picture on screen to
// FOLDER/frame-N.rgb (rows of red, green, blue) and prints "shown N WIDTH HEIGHT"; it goes on when
// FOLDER/seen-N is there, so that somebody outside can compare. Exit status 0, 1, or 77 without a
// display.
#include "tests/drm/kms_picture.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <random>
#include <string>
#include <xf86drm.h>
#include <xf86drmMode.h>

namespace {

using namespace kite::kms_test;

Picture noise(int fd, uint32_t width, uint32_t height, std::mt19937& random) {
    Picture p = make_picture(fd, width, height, true);
    for (size_t at = 0; at + 4 <= p.bytes; at += 4) {
        const auto value = static_cast<uint32_t>(random());
        std::memcpy(p.pixels + at, &value, 4);
    }
    return p;
}

struct Flip {
    bool done = false;
    unsigned sequence = 0;
    double seconds = 0;
};

void on_flip(int, unsigned sequence, unsigned seconds, unsigned micros, void* data) {
    *static_cast<Flip*>(data) = {true, sequence, seconds + micros * 1e-6};
}

Flip flip_to(int fd, uint32_t crtc, uint32_t fb) {
    Flip flip;
    if (drmModePageFlip(fd, crtc, fb, DRM_MODE_PAGE_FLIP_EVENT, &flip) != 0) {
        fail("page flip");
    }
    drmEventContext context{};
    context.version = 2;
    context.page_flip_handler = on_flip;
    while (!flip.done) {
        pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
        if (poll(&wait, 1, 10000) != 1 || drmHandleEvent(fd, &context) != 0) {
            fail("no flip within ten seconds");
        }
    }
    return flip;
}

// Flips and judges the times; a busy machine may miss vblanks, but each must lie on the grid.
void flip_and_judge(int fd, uint32_t crtc, const drmModeModeInfo& mode, const Picture (&p)[2],
                    int flips) {
    const double period = double{1} * mode.htotal * mode.vtotal / (mode.clock * 1000.0);
    Flip before = flip_to(fd, crtc, p[1].fb);
    const Flip first = before;
    double worst = 0;
    unsigned late = 0;
    for (int i = 0; i < flips; ++i) {
        const Flip now = flip_to(fd, crtc, p[i % 2].fb);
        const unsigned vblanks = now.sequence - before.sequence;
        const double error = now.seconds - before.seconds - vblanks * period;
        worst = std::abs(error) > std::abs(worst) ? error : worst;
        late += vblanks - 1;
        if (vblanks == 0 || now.seconds <= before.seconds) {
            fail("two flips in one vblank");
        }
        before = now;
    }
    const double rate = (before.sequence - first.sequence) / (before.seconds - first.seconds);
    std::printf("mode %s %.3f Hz: vblanks at %.3f Hz, %u of %d flips' vblanks missed, times off by "
                "%.3f ms at most\n",
                mode.name, 1 / period, rate, late, flips, worst * 1000);
    if (std::abs(rate * period - 1) > 0.02) {
        fail("the rate is not the mode's");
    }
}

} // namespace

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? argv[1] : ".";
    const int flips = argc > 2 ? std::atoi(argv[2]) : 60;
    const int fd = drmOpenWithType("kite", nullptr, DRM_NODE_PRIMARY);
    drmModeRes* resources = fd >= 0 ? drmModeGetResources(fd) : nullptr;
    if (resources == nullptr || resources->count_connectors == 0) {
        std::printf("no kite display\n");
        return 77;
    }
    drmModeConnector* connector = drmModeGetConnector(fd, resources->connectors[0]);
    if (connector == nullptr || connector->connection != DRM_MODE_CONNECTED) {
        fail("nothing is connected");
    }
    uint32_t crtc = resources->crtcs[0];
    std::mt19937 random(2026);
    for (int i = 0; i < connector->count_modes; ++i) {
        drmModeModeInfo& mode = connector->modes[i];
        const Picture p[2] = {noise(fd, mode.hdisplay, mode.vdisplay, random),
                              noise(fd, mode.hdisplay, mode.vdisplay, random)};
        if (drmModeSetCrtc(fd, crtc, p[0].fb, 0, 0, &connector->connector_id, 1, &mode) != 0) {
            fail("mode");
        }
        flip_and_judge(fd, crtc, mode, p, flips);
        std::printf("shown %d %u %u\n", i, mode.hdisplay, mode.vdisplay);
        std::fflush(stdout);
        compare_outside(folder, i, 0, rows_of(p[(flips + 1) % 2]));
        drop_picture(fd, p[0]);
        drop_picture(fd, p[1]);
    }
    std::printf("%d modes shown\n", connector->count_modes);
    return 0;
}
