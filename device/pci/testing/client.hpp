// SPDX-License-Identifier: MIT
// A vfio-user client for tests: what QEMU says to a device, one request at a time.
//
// Owns its socket; one thread. Every call sends a request and waits for the answer (at most
// kAnswerMs); an answer that breaks the protocol aborts the test program with a message, an error
// answer is returned as its errno. raw() sends anything, for tests of hostile messages.
#pragma once

#include "device/pci/vfio/channel.hpp"

#include <string_view>

namespace kite::dev::pci::test {

/// The client's end.
class Client {
public:
    static constexpr int kAnswerMs = 5000; ///< QEMU's patience

    explicit Client(base::UniqueFd socket) : channel_(std::move(socket)) {}

    /// The socket.
    [[nodiscard]] int fd() const { return channel_.fd(); }

    /// An answer: errno (0: fine), payload, descriptors.
    struct Answer {
        int error = 0;
        std::vector<std::byte> payload;
        std::vector<base::UniqueFd> fds;
    };

    /// Sends a request and waits for its answer.
    Answer call(vfio::Command command, std::span<const std::byte> payload,
                std::span<const int> fds = {});
    /// Sends a header as it is (size filled in unless `keep_size`) without waiting.
    void raw(vfio::Header header, std::span<const std::byte> payload,
             std::span<const int> fds = {});
    /// The next answer, nullopt if none comes in time or the server hung up.
    std::optional<vfio::Message> next(int timeout_ms = kAnswerMs);

    /// Agrees on the version as QEMU does.
    void version();
    /// A region's size, and its descriptor if it may be mapped.
    struct Region {
        uint64_t size = 0;
        uint64_t mappable = 0;
        base::UniqueFd fd;
    };
    Region region(uint32_t index);
    /// Writes to a region; errno.
    int write(uint32_t region, uint64_t offset, std::span<const std::byte> data,
              bool no_reply = false);
    /// Reads from a region; errno.
    int read(uint32_t region, uint64_t offset, std::span<std::byte> data);
    /// Sets eventfds of MSI-X vectors from `start` on; errno.
    int set_vectors(uint32_t start, std::span<const int> fds);
    /// Guest memory comes; errno.
    int dma_map(uint64_t address, uint64_t size, int fd, uint64_t offset, bool writable = true);
    /// Guest memory goes; errno.
    int dma_unmap(uint64_t address, uint64_t size);
    /// Device reset; errno.
    int reset();

    /// A register of BAR0.
    uint32_t reg(uint32_t offset);
    /// Writes a register of BAR0.
    void set_reg(uint32_t offset, uint32_t value);
    /// A value in config space.
    template <class T>
    T config(uint64_t offset) {
        T value{};
        (void)read(vfio::kRegionConfig, offset, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    /// Writes a value to config space.
    template <class T>
    void set_config(uint64_t offset, T value) {
        (void)write(vfio::kRegionConfig, offset, std::as_bytes(std::span(&value, 1)));
    }

private:
    vfio::Channel channel_;
    uint16_t id_ = 0;
};

} // namespace kite::dev::pci::test
