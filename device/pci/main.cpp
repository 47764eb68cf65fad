// SPDX-License-Identifier: MIT
// kite-device: sets the process up, then serves clients until it is told to end. SIGTERM, SIGINT
// and SIGHUP end it in order; SIGUSR1 pulls the cable (reads give ones, interrupts and DMA stop).
#include "base/log.hpp"
#include "device/pci/options.hpp"
#include "device/pci/pci_device.hpp"
#include "device/pci/sandbox/sandbox.hpp"
#include "device/pci/service.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace kite::dev::pci {
namespace {

using base::ErrorCode;
using base::fail;

base::Result<base::UniqueFd> listen_on(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return fail(ErrorCode::invalid_argument, "the socket's path is too long: {}", path);
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    base::UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct stat status{};
    if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        if (connect(probe.get(), generic, sizeof(address)) == 0) {
            return fail(ErrorCode::io, "somebody listens on {} already", path);
        }
        unlink(path.c_str());
    }
    base::UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const mode_t before = umask(0177);
    const bool bound = bind(listener.get(), generic, sizeof(address)) == 0;
    const int error = errno;
    umask(before);
    if (!bound || listen(listener.get(), 1) != 0) {
        return fail(ErrorCode::io, "cannot listen on {}: {}", path, base::errno_text(error));
    }
    return listener;
}

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
    auto listener = listen_on(options.socket);
    if (!listener) {
        return std::unexpected(std::move(listener.error()));
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
    const auto done = run(std::get<Options>(parsed));
    if (!done) {
        fmt::print(stderr, "kite-device: {}\n", done.error().message);
        return 1;
    }
    return 0;
}
