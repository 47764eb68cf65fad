// SPDX-License-Identifier: MIT
// kite-device: sets the process up, then serves clients until it is told to end. SIGTERM, SIGINT
// and SIGHUP end it in order; SIGUSR1 pulls the cable (reads give ones, interrupts and DMA stop).
// With --screenshot or --send it asks a device that runs, over its control socket.
#include "base/log.hpp"
#include "device/pci/options.hpp"
#include "device/pci/pci_device.hpp"
#include "device/pci/sandbox/sandbox.hpp"
#include "device/pci/service.hpp"
#include "device/pci/viewer/control.hpp"
#include "device/pci/viewer/local_socket.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kite::dev::pci {
namespace {

// A descriptor for signals that are blocked from now on, in all threads to come.
base::UniqueFd signals(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers) {
        sigaddset(&set, number);
    }
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return base::UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void raise_limits() {
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

base::Result<void> run(Options& options) {
    signal(SIGPIPE, SIG_IGN);
    const base::UniqueFd quit = signals({SIGTERM, SIGINT, SIGHUP});
    // The handler never runs, as the signal is blocked; it makes /proc tell that we take it.
    signal(SIGUSR1, [](int) {});
    const base::UniqueFd pull = signals({SIGUSR1});
    const Watch watch{.quit = quit.get(), .pull = pull.get()};
    raise_limits();
    auto listener = listen_local(options.socket);
    if (!listener) {
        return std::unexpected(std::move(listener.error()));
    }
    base::UniqueFd control_listener;
    if (!options.control.empty()) {
        auto control = listen_local(options.control);
        if (!control) {
            return std::unexpected(std::move(control.error()));
        }
        control_listener = std::move(*control);
    }
    std::unique_ptr<VncServer> vnc;
    if (options.vnc.port != 0) {
        auto server = VncServer::create(options.vnc);
        if (!server) {
            return std::unexpected(std::move(server.error()));
        }
        vnc = std::move(*server);
    }
    Trace trace;
    if (!options.trace.empty()) {
        auto opened = Trace::open(options.trace);
        if (!opened) {
            return std::unexpected(std::move(opened.error()));
        }
        trace = std::move(*opened);
    }
    if (auto done = drop_privileges(options.user, options.cache_dir); !done) {
        return done;
    }
    auto device = PciDevice::create(options.gpu, options.injector, trace);
    if (!device) {
        return std::unexpected(std::move(device.error()));
    }
    const std::unique_ptr<VncServer> viewer = std::move(vnc); // ends before the device
    if (viewer) {
        viewer->start((*device)->gpu().display());
    }
    std::optional<ControlServer> control;
    if (control_listener) {
        Gpu& gpu = (*device)->gpu();
        control.emplace(
            std::move(control_listener), gpu.display(),
            ControlHooks{.telemetry = [&gpu] { return gpu.telemetry(); },
                         .heat = [&gpu](uint32_t milliwatts) { gpu.set_heat(milliwatts); }});
    }
    if (options.sandbox) {
        if (auto done = filter_system_calls(); !done) {
            return done;
        }
    }
    KITE_LOG(info, "listening on {}", options.socket);
    do {
        if (!wait_for_input(listener->get(), watch, nullptr)) {
            break;
        }
        base::UniqueFd client(accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) {
            continue;
        }
        KITE_LOG(info, "client connected");
        const bool go_on = serve(std::move(client), watch, **device);
        KITE_LOG(info, "client gone");
        if (!go_on) {
            break;
        }
        (*device)->disconnect();
    } while (options.persist);
    unlink(options.socket.c_str());
    if (!options.control.empty()) {
        unlink(options.control.c_str());
    }
    return {};
}

// Asks a device that runs; its answer goes to a file or to standard output.
base::Result<void> ask(const Options& options) {
    const bool picture = !options.screenshot.empty();
    auto answer = control_request(
        options.control, picture ? fmt::format("screenshot {}", options.head) : options.request);
    if (!answer) {
        return std::unexpected(std::move(answer.error()));
    }
    const bool to_file = picture && options.screenshot != "-";
    std::FILE* out = to_file ? std::fopen(options.screenshot.c_str(), "wb") : stdout;
    if (out == nullptr) {
        return base::fail(base::ErrorCode::io, "cannot write {}: {}", options.screenshot,
                          base::errno_text(errno));
    }
    const bool written = std::fwrite(answer->data(), 1, answer->size(), out) == answer->size();
    if ((to_file ? std::fclose(out) : std::fflush(out)) != 0 || !written) {
        return base::fail(base::ErrorCode::io, "cannot write the answer: {}",
                          base::errno_text(errno));
    }
    return {};
}

} // namespace
} // namespace kite::dev::pci

int main(int argc, char** argv) {
    using namespace kite::dev::pci;
    auto parsed = parse_options(argc, argv);
    if (const int* status = std::get_if<int>(&parsed)) {
        return *status;
    }
    Options& options = std::get<Options>(parsed);
    const auto done = options.socket.empty() ? ask(options) : run(options);
    if (!done) {
        fmt::print(stderr, "kite-device: {}\n", done.error().message);
        return 1;
    }
    return 0;
}
