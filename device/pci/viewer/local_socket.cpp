// SPDX-License-Identifier: MIT
#include "device/pci/viewer/local_socket.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace kite::dev::pci {

using base::ErrorCode;
using base::fail;

namespace {

std::optional<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return std::nullopt;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

} // namespace

base::Result<base::UniqueFd> listen_local(const std::string& path) {
    const auto address = address_of(path);
    if (!address) {
        return fail(ErrorCode::invalid_argument, "the socket's path is too long: {}", path);
    }
    const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
    const base::UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct stat status{};
    if (lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        if (connect(probe.get(), generic, sizeof(*address)) == 0) {
            return fail(ErrorCode::io, "somebody listens on {} already", path);
        }
        unlink(path.c_str());
    }
    base::UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const mode_t before = umask(0177);
    const bool bound = bind(listener.get(), generic, sizeof(*address)) == 0;
    const int error = errno;
    umask(before);
    if (!bound || listen(listener.get(), 4) != 0) {
        return fail(ErrorCode::io, "cannot listen on {}: {}", path, base::errno_text(error));
    }
    return listener;
}

base::Result<base::UniqueFd> connect_local(const std::string& path) {
    const auto address = address_of(path);
    if (!address) {
        return fail(ErrorCode::invalid_argument, "the socket's path is too long: {}", path);
    }
    base::UniqueFd peer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(peer.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
        return fail(ErrorCode::io, "cannot connect to {}: {}", path, base::errno_text(errno));
    }
    return peer;
}

} // namespace kite::dev::pci
