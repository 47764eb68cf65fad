// SPDX-License-Identifier: MIT
#include "device/pci/service.hpp"

#include "base/log.hpp"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace kite::dev::pci {

bool wait_for_input(int fd, const Watch& watch, PciDevice* device) {
    for (;;) {
        const bool whole = device != nullptr && !device->gpu().gone();
        pollfd fds[3] = {{.fd = watch.quit, .events = POLLIN, .revents = 0},
                         {.fd = fd, .events = POLLIN, .revents = 0},
                         {.fd = whole ? watch.pull : -1, .events = POLLIN, .revents = 0}};
        const int ready = poll(fds, 3, device != nullptr ? device->injector().next_ms() : -1);
        if (ready < 0 && errno != EINTR) {
            return false;
        }
        const bool pulled = ready > 0 && fds[2].revents != 0;
        if (pulled) {
            // Taken note of: a signalfd's record or an eventfd's count.
            char record[128];
            [[maybe_unused]] const ssize_t n = ::read(watch.pull, record, sizeof(record));
        }
        if (pulled || (device != nullptr && device->injector().time_to_go())) {
            KITE_LOG(warn, "the device is gone, {}", pulled ? "pulled" : "as injected");
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

bool serve(base::UniqueFd socket, const Watch& watch, PciDevice& device) {
    vfio::Channel channel(std::move(socket));
    vfio::Server server(channel, device);
    device.injector().start();
    for (;;) {
        if (!wait_for_input(channel.fd(), watch, &device)) {
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
