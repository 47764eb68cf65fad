// SPDX-License-Identifier: MIT
// Random command streams that get past the first check: right lengths, known enum values, mostly
// sensible addresses and images.
//
// Drives tests and the packet fuzzer into the units behind the front end. Deterministic for a seed.
// Walks the generated packet tables, so a new packet is covered without a change here. One thread;
// never fails.
#pragma once

#include "device/embed/test_gpu.hpp"
#include "kite_hw/packet_dump.hpp"

#include <random>
#include <span>

namespace kite::dev::test {

/// Makes random packets.
class PacketGenerator {
public:
    explicit PacketGenerator(uint32_t seed) : engine_(seed) {}
    /// A stream of `packets` packets that uses the programs of load_programs().
    [[nodiscard]] Stream stream(unsigned packets, std::span<const hw::BindProgramPacket> programs);

private:
    uint32_t random() { return static_cast<uint32_t>(engine_()); }
    uint32_t below(uint32_t n) { return random() % n; }
    uint32_t small();
    uint64_t address();
    void packet(const hw::PacketInfo& info, Stream& out);
    void record(const hw::RecordInfo& record, uint32_t* words, uint32_t from);
    void field(const hw::FieldInfo& field, uint32_t* words);
    void image(uint32_t* words);
    void rendering(Stream& out);
    void begin_capture(Stream& out);
    void more_stages(Stream& out);

    std::mt19937 engine_;
    uint32_t samples_ = 1;                            // of the images in the current stream
    std::span<const hw::BindProgramPacket> programs_; // of the current stream
};

/// Writes the programs that streams use, one per stage, to a device's memory.
[[nodiscard]] std::vector<hw::BindProgramPacket> load_programs(TestGpu& gpu);

} // namespace kite::dev::test
