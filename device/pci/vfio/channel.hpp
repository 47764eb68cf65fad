// SPDX-License-Identifier: MIT
// Whole vfio-user messages over a stream socket, with their file descriptors.
//
// Owns the socket and a receive buffer; one thread at a time. receive() takes what the socket has
// and returns a message once it is complete, so that a peer that sends half a message never blocks
// the caller (the socket is non-blocking for reading). A message with an impossible size, more
// descriptors than kMaxFds or a broken header ends the connection. send() blocks for at most
// kSendTimeoutMs. Descriptors received and not taken are closed with the Message.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "device/pci/vfio/protocol.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace kite::dev::pci::vfio {

/// A message as received.
struct Message {
    Header header{};                 ///< as sent; size is true
    std::vector<std::byte> payload;  ///< what follows the header
    std::vector<base::UniqueFd> fds; ///< descriptors, in order
};

/// One end of a connection.
class Channel {
public:
    static constexpr int kSendTimeoutMs = 4000; ///< a peer that does not read is cut off

    explicit Channel(base::UniqueFd socket);
    /// The socket, to poll for input.
    [[nodiscard]] int fd() const { return socket_.get(); }
    /// The next message; nullopt if it has not come completely. An error ends the connection
    /// (ErrorCode::interrupted: the peer hung up).
    [[nodiscard]] base::Result<std::optional<Message>> receive();
    /// Sends a header, a payload and descriptors (not consumed). header.size is filled in.
    [[nodiscard]] base::Result<void> send(Header header, std::span<const std::byte> payload,
                                          std::span<const int> fds = {});

private:
    [[nodiscard]] base::Result<void> fill();

    base::UniqueFd socket_;
    std::vector<std::byte> buffer_;
    std::vector<base::UniqueFd> fds_; // that came with the bytes in buffer_
};

} // namespace kite::dev::pci::vfio
