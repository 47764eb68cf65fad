// SPDX-License-Identifier: MIT
// The server side of vfio-user: judges messages, calls a Target, answers.
//
// The Target is the PCI device; it is called by the thread that calls handle(), one message at a
// time, in order. Everything a peer sends is hostile: sizes, counts, flags and indices are checked
// before the Target sees them, and what it sees is bounded (accesses of at most kMaxData bytes
// inside a region). A refused request is answered with an errno; a request that breaks the framing
// ends the connection. The Target must answer at once: a client gives up after 5 seconds.
//
// Example: Server server(channel, device); while (auto m = channel.receive()) server.handle(**m);
#pragma once

#include "device/pci/vfio/channel.hpp"

namespace kite::dev::pci::vfio {

/// A region as the client may see it.
struct Region {
    uint64_t size = 0;     ///< bytes, 0 = none
    bool writable = false; ///< writes are meaningful
    int fd = -1;           ///< may be mapped by the client; owned by the target
    uint64_t mappable = 0; ///< bytes from offset 0 that the descriptor shows
};

/// A PCI device behind the protocol. Functions that return int return 0 or an errno, positive.
class Target {
public:
    /// Region `index` < kRegionCount.
    virtual Region region(uint32_t index) = 0;
    /// Vectors of interrupt index `index` < kIrqIndexCount.
    virtual uint32_t irq_count(uint32_t index) = 0;
    /// Reads inside a region.
    virtual void read(uint32_t region, uint64_t offset, std::span<std::byte> data) = 0;
    /// Writes inside a region.
    virtual void write(uint32_t region, uint64_t offset, std::span<const std::byte> data) = 0;
    /// Sets the eventfd of an MSI-X vector (empty: none). `vector` < irq_count.
    virtual void set_vector(uint32_t vector, base::UniqueFd eventfd) = 0;
    /// Raises an MSI-X vector as if the device had.
    virtual void trigger_vector(uint32_t vector) = 0;
    /// Guest memory appears; fd may be empty (not reachable). Never wraps, size > 0.
    virtual int dma_map(const DmaMap& map, base::UniqueFd fd) = 0;
    /// Guest memory goes; on return nothing uses it any more.
    virtual int dma_unmap(uint64_t address, uint64_t size) = 0;
    /// All guest memory goes.
    virtual void dma_unmap_all() = 0;
    /// Device reset.
    virtual int reset() = 0;

protected:
    ~Target() = default;
};

/// Serves one connection.
class Server {
public:
    /// Both outlive the server.
    Server(Channel& channel, Target& target) : channel_(channel), target_(target) {}

    /// Executes a request and answers it. An error ends the connection.
    [[nodiscard]] base::Result<void> handle(Message message);
    /// True once the version was agreed on.
    [[nodiscard]] bool ready() const { return ready_; }

private:
    struct Reply {
        std::vector<std::byte> data;
        int fd = -1;
    };
    // 0 or the errno of an error answer.
    [[nodiscard]] int dispatch(Message& message, Reply& reply);
    [[nodiscard]] int version(const Message& message, Reply& reply);
    [[nodiscard]] int dma_map(Message& message);
    [[nodiscard]] int dma_unmap(const Message& message, Reply& reply);
    [[nodiscard]] int region_info(const Message& message, Reply& reply);
    [[nodiscard]] int irq_info(const Message& message, Reply& reply);
    [[nodiscard]] int set_irqs(Message& message);
    [[nodiscard]] int region_read(const Message& message, Reply& reply);
    [[nodiscard]] int region_write(const Message& message, Reply& reply);

    Channel& channel_;
    Target& target_;
    bool ready_ = false;
};

} // namespace kite::dev::pci::vfio
