// SPDX-License-Identifier: MIT
// A device, one address space and one queue for tests, with 16 MiB of VRAM mapped at kBase and a
// small packet writer.
//
// Uses only the public interface; one test thread. Failures to set up abort with a message.
#pragma once

#include "kite_device/device.hpp"
#include "kite_hw/packets.hpp"

#include <condition_variable>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace kite::dev::test {

/// Packets in the making.
class Stream {
public:
    /// Appends a packet without trailing array.
    template <class P>
    void add(const P& packet) {
        const size_t at = words.size();
        words.resize(at + P::kDwords);
        packet.pack(words.data() + at);
    }
    /// Appends a packet with a trailing array.
    template <class P>
    void add(const P& packet, std::span<const typename P::Element> elements) {
        const size_t at = words.size();
        const auto count = static_cast<uint32_t>(elements.size());
        words.resize(at + P::dwords(count));
        packet.pack(words.data() + at, count);
        for (uint32_t i = 0; i < count; ++i) {
            P::pack_element(words.data() + at, i, elements[i]);
        }
    }
    std::vector<uint32_t> words; ///< the packets
};

/// The device under test.
class TestGpu {
public:
    static constexpr uint64_t kBase = 0x10000000; ///< GPU address of the mapped memory
    static constexpr uint64_t kBytes = 16 << 20;  ///< its size
    static constexpr uint64_t kPackets = 0;       ///< offset where submit() puts packets
    static constexpr uint64_t kFree = 1 << 20;    ///< first offset for tests

    explicit TestGpu(DeviceConfig config);
    ~TestGpu();
    TestGpu(const TestGpu&) = delete;
    TestGpu& operator=(const TestGpu&) = delete;

    /// Memory at an offset.
    template <class T>
    T* at(uint64_t offset) {
        return reinterpret_cast<T*>(memory_ + offset);
    }
    /// GPU address of an offset.
    static uint64_t va(uint64_t offset) { return kBase + offset; }
    /// Writes a program at an offset (64-byte aligned); returns the packet that binds it.
    hw::BindProgramPacket load(uint64_t offset, hw::Stage stage, std::string_view assembly,
                               std::array<uint32_t, 3> workgroup = {1, 1, 1},
                               uint32_t registers = 32);
    /// Submits and waits.
    Status run(const Stream& stream);
    /// Submits packets that are in memory already.
    Status run_at(uint64_t offset, uint32_t dwords);

    Device* device = nullptr;      ///< the device
    AddressSpace* space = nullptr; ///< its space
    Queue* queue = nullptr;        ///< its queue

private:
    static void completed(void* user, uint64_t cookie, Status status);
    std::byte* memory_ = nullptr;
    std::mutex mutex_;
    std::condition_variable done_;
    uint64_t cookie_ = 0, finished_ = 0;
    Status status_ = Status::ok;
};

} // namespace kite::dev::test
