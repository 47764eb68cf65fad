// SPDX-License-Identifier: MIT
#include "device/pci/service.hpp"

#include "base/log.hpp"

#include <cerrno>
#include <poll.h>

namespace kite::dev::pci {

bool wait_for_input(int fd, int quit, PciDevice* device) {
    for (;;) {
        pollfd fds[2] = {{.fd = quit, .events = POLLIN, .revents = 0},
                         {.fd = fd, .events = POLLIN, .revents = 0}};
        const int ready = poll(fds, 2, device != nullptr ? device->injector().next_ms() : -1);
        if (ready < 0 && errno != EINTR) {
            return false;
        }
        if (device != nullptr && device->injector().time_to_go()) {
            KITE_LOG(warn, "the device goes away on purpose");
            device->gpu().go();
        }
        if (ready > 0 && fds[0].revents != 0) {
            return false;
        }
        if (ready > 0 && fds[1].revents != 0) {
            return true;
        }
    }
}

bool serve(base::UniqueFd socket, int quit, PciDevice& device) {
    vfio::Channel channel(std::move(socket));
    vfio::Server server(channel, device);
    device.injector().start();
    for (;;) {
        if (!wait_for_input(channel.fd(), quit, &device)) {
            return false;
        }
        for (;;) {
            auto message = channel.receive();
            if (!message) {
                if (message.error().code != base::ErrorCode::interrupted) {
                    KITE_LOG(error, "{}", message.error().message);
                }
                return true;
            }
            if (!*message) {
                break;
            }
            if (auto done = server.handle(std::move(**message)); !done) {
                KITE_LOG(error, "{}", done.error().message);
                return true;
            }
        }
    }
}

} // namespace kite::dev::pci
