// SPDX-License-Identifier: MIT
#include "device/pci/vfio/channel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

namespace kite::dev::pci::vfio {

using base::ErrorCode;
using base::fail;

namespace {

// Room for the descriptors of one message, and then some: the kernel would drop what does not fit.
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int) * 32);

} // namespace

Channel::Channel(base::UniqueFd socket) : socket_(std::move(socket)) {}

base::Result<void> Channel::fill() {
    std::byte bytes[16384];
    // Never take more than belongs to the message in hand: descriptors come with its first byte.
    size_t wanted = sizeof(Header);
    if (buffer_.size() >= sizeof(Header)) {
        Header header;
        std::memcpy(&header, buffer_.data(), sizeof(header));
        wanted = header.size;
    }
    alignas(cmsghdr) char control[kControlBytes];
    iovec data{.iov_base = bytes, .iov_len = std::min(sizeof(bytes), wanted - buffer_.size())};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    ssize_t got = 0;
    do {
        got = recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return {};
        }
        return fail(ErrorCode::io, "cannot receive: {}", base::errno_text(errno));
    }
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            fds_.emplace_back(fd);
        }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0 || fds_.size() > kMaxFds) {
        return fail(ErrorCode::corrupt, "a message carries more than {} descriptors", kMaxFds);
    }
    if (got == 0) {
        return fail(ErrorCode::interrupted, "the peer hung up");
    }
    buffer_.insert(buffer_.end(), bytes, bytes + got);
    return {};
}

base::Result<std::optional<Message>> Channel::receive() {
    for (;;) {
        Header header{};
        if (buffer_.size() >= sizeof(header)) {
            std::memcpy(&header, buffer_.data(), sizeof(header));
            if (header.size < sizeof(header) || header.size > kMaxMessage) {
                return fail(ErrorCode::corrupt, "a message of {} bytes", header.size);
            }
            if (buffer_.size() == header.size) {
                Message message{.header = header,
                                .payload = {buffer_.begin() + sizeof(header), buffer_.end()},
                                .fds = std::move(fds_)};
                buffer_.clear();
                fds_.clear();
                return message;
            }
        }
        const size_t before = buffer_.size();
        if (auto ok = fill(); !ok) {
            return std::unexpected(std::move(ok.error()));
        }
        if (buffer_.size() == before) {
            return std::nullopt;
        }
    }
}

base::Result<void> Channel::send(Header header, std::span<const std::byte> payload,
                                 std::span<const int> fds) {
    header.size = static_cast<uint32_t>(sizeof(header) + payload.size());
    iovec data[2] = {
        {.iov_base = &header, .iov_len = sizeof(header)},
        {.iov_base = const_cast<std::byte*>(payload.data()), .iov_len = payload.size()}};
    alignas(cmsghdr) char control[kControlBytes] = {};
    msghdr message{};
    message.msg_iov = data;
    message.msg_iovlen = 2;
    if (!fds.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
        cmsghdr* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::memcpy(CMSG_DATA(c), fds.data(), sizeof(int) * fds.size());
    }
    size_t left = header.size;
    while (left > 0) {
        const ssize_t sent = sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            pollfd room{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
            if (poll(&room, 1, kSendTimeoutMs) == 0) {
                return fail(ErrorCode::timeout, "the peer does not read");
            }
            continue;
        }
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return fail(ErrorCode::io, "cannot send: {}", base::errno_text(errno));
        }
        // Descriptors went with the first byte.
        message.msg_control = nullptr;
        message.msg_controllen = 0;
        auto gone = static_cast<size_t>(sent);
        left -= gone;
        for (iovec& part : data) {
            const size_t n = std::min(gone, part.iov_len);
            part.iov_base = static_cast<std::byte*>(part.iov_base) + n;
            part.iov_len -= n;
            gone -= n;
        }
    }
    return {};
}

} // namespace kite::dev::pci::vfio
