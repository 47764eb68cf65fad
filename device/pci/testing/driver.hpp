// SPDX-License-Identifier: MIT
// A small driver for tests: does to the device, through a vfio-user client, what kite.ko does.
//
// Owns the mapping of the aperture and the eventfds; one thread. Memory is handed out from the
// start of VRAM and never taken back. Waiting is bounded by the caller's timeout. What cannot fail
// in a working device aborts the test program with a message.
#pragma once

#include "base/mapping.hpp"
#include "device/pci/testing/client.hpp"
#include "kite_hw/packets.hpp"
#include "kite_hw/registers.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kite::dev::pci::test {

/// Packets in the making.
struct Packets {
    std::vector<uint32_t> words; ///< the packets

    /// Appends a packet without trailing array.
    template <class P>
    Packets& add(const P& packet) {
        const size_t at = words.size();
        words.resize(at + P::kDwords);
        packet.pack(words.data() + at);
        return *this;
    }
};

/// Flags of a mapping.
struct MapFlags {
    bool system = false;    ///< a bus address
    bool read_only = false; ///< GPU writes fault
    bool zero = false;      ///< a hole that reads 0
};

/// The driver.
class Driver {
public:
    static constexpr unsigned kRings = 4;         ///< rings it uses
    static constexpr uint32_t kEntries = 64;      ///< of each
    static constexpr uint32_t kFaults = 16;       ///< records in the fault queue
    static constexpr unsigned kFaultVector = 8;   ///< MSI-X vector of faults
    static constexpr uint32_t kCopy = 2;          ///< the copy ring
    static constexpr uint32_t kMmu = 3;           ///< the mmu ring
    static constexpr uint64_t kCode = 0x10000000; ///< where load() maps programs and packets

    /// Probes the device: maps BAR2, sets up interrupts, the fault queue and the rings.
    explicit Driver(Client& client);

    /// VRAM at an offset.
    template <class T>
    T* at(uint64_t offset) {
        return vram_.at<T>(offset);
    }
    /// Fresh zeroed VRAM.
    uint64_t allocate(uint64_t size, uint64_t align = 4096);

    /// Sets up rings, faults and interrupts (after a reset).
    void set_up();
    /// Writes an entry with the next seqno (returned) and rings the doorbell.
    uint64_t submit(unsigned ring, hw::RingEntry entry);
    /// Writes an entry as it is, without the doorbell.
    void write_entry(unsigned ring, const hw::RingEntry& entry);
    /// Rings the doorbell for what was written.
    void doorbell(unsigned ring);
    /// Waits until the ring's write-back has reached seqno.
    [[nodiscard]] bool wait(unsigned ring, uint64_t seqno, int timeout_ms = 10000);
    /// submit() and wait(); aborts if it takes too long.
    void run(unsigned ring, const hw::RingEntry& entry);
    /// The write-back of a ring.
    [[nodiscard]] hw::RingWriteback writeback(unsigned ring);
    /// Entries written to a ring.
    [[nodiscard]] uint32_t tail(unsigned ring) const { return rings_[ring].tail; }
    /// True once the vector's eventfd fired within the time; consumes it.
    [[nodiscard]] bool interrupt(unsigned vector, int timeout_ms);
    /// The next fault record, waiting for it.
    [[nodiscard]] std::optional<hw::FaultRecord> fault(int timeout_ms = 10000);
    /// Text of a record.
    [[nodiscard]] static std::string text(const hw::FaultRecord& record);

    /// Makes a context with an empty page directory.
    void create_context(uint32_t id);
    /// Writes page table entries; tables are made on demand. Sizes in multiples of 4 KiB.
    void map(uint32_t context, uint64_t va, uint64_t address, uint64_t size, MapFlags flags = {});
    /// Makes entries invalid.
    void unmap(uint32_t context, uint64_t va, uint64_t size);
    /// Lets the device walk a range again; waits.
    void invalidate(uint32_t context, uint64_t va = 0, uint64_t size = 0);
    /// Offset of a context's page directory.
    [[nodiscard]] uint64_t directory(uint32_t context) const { return directories_[context]; }

    /// Assembles a compute program into fresh VRAM that is mapped in the context; the packet that
    /// binds it.
    hw::BindProgramPacket load(uint32_t context, std::string_view assembly,
                               std::array<uint32_t, 3> workgroup);
    /// Puts packets into fresh mapped VRAM; the ring entry that runs them.
    hw::RingEntry packets(uint32_t context, const Packets& packets);

private:
    struct RingState {
        uint64_t base = 0, writeback = 0, seqno = 0;
        uint32_t tail = 0;
    };
    void set_entry(uint32_t context, uint64_t va, const hw::PageTableEntry& entry);

    Client& client_;
    base::Mapping vram_;
    uint64_t next_ = 0;
    std::array<RingState, kRings> rings_{};
    uint64_t faults_ = 0;
    uint32_t faults_read_ = 0;
    std::array<uint64_t, 96> directories_{};
    std::array<uint64_t, 96> code_{}; // next address of load() and packets()
    std::vector<base::UniqueFd> eventfds_;
};

} // namespace kite::dev::pci::test
