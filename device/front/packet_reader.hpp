// SPDX-License-Identifier: MIT
// Fetches packets from GPU memory: every packet is copied once, then judged, so that a guest that
// rewrites it meanwhile changes nothing.
//
// One reader per indirect buffer (or Call), used by one thread. The words of the current packet
// stay valid until the next call of next(). Lengths beyond the buffer's end, unknown ids, reserved
// bits and unknown enum values end the stream with an error text.
#pragma once

#include "device/mem/window.hpp"
#include "kite_hw/packets.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kite::dev::front {

/// Reads the packets of one range.
class PacketReader {
public:
    /// What next() found.
    enum class Step : uint8_t { packet, end, error };

    /// The range [va, va + dwords * 4); va is checked by next().
    PacketReader(const mem::Window& window, uint64_t va, uint32_t dwords)
        : window_(window), va_(va), left_(dwords) {}

    /// Fetches the next packet.
    Step next();
    /// The packet: header and all its dwords.
    [[nodiscard]] std::span<const uint32_t> words() const { return words_; }
    /// GPU address of the packet (also of the one in error).
    [[nodiscard]] uint64_t address() const { return address_; }
    /// Why next() returned error.
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    Step fail(std::string text);
    void fill(uint32_t wanted);

    const mem::Window& window_;
    uint64_t va_;   // of the first dword that is not in buffer_
    uint64_t left_; // dwords from va_ on
    uint64_t address_ = 0;
    std::vector<uint32_t> buffer_;
    size_t at_ = 0; // next packet in buffer_
    std::span<const uint32_t> words_;
    std::string error_;
};

} // namespace kite::dev::front
