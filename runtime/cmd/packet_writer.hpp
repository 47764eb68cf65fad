// SPDX-License-Identifier: MIT
// The only writer of packets: a growing command stream in GPU memory, and upload space for data
// that commands refer to.
//
// Packets go into host-visible chunks; a full chunk is closed as one indirect buffer and the next
// is opened. Upload space (push constants, dynamic buffers, update data) comes from chunks of its
// own. When memory runs out the writer keeps accepting into a scratch buffer and remembers the
// failure for vkEndCommandBuffer. Ownership: chunks go back to the heap on reset(); the GPU must be
// done with them. Threading: externally synchronised.
#pragma once

#include "kite_hw/packets.hpp"
#include "runtime/memory/gpu_heap.hpp"

#include <vector>

namespace kite::rt {

/// Upload space.
struct Upload {
    uint64_t address = 0; ///< GPU address
    void* host = nullptr; ///< host pointer
};

/// The writer.
class PacketWriter {
public:
    explicit PacketWriter(GpuHeap& heap) : heap_(heap) {}
    ~PacketWriter() { reset(); }
    PacketWriter(const PacketWriter&) = delete;
    PacketWriter& operator=(const PacketWriter&) = delete;

    /// Writes a packet without array.
    template <class P>
    void emit(const P& p) {
        p.pack(reserve(P::kDwords));
        last_barrier_ = false;
    }
    /// Writes header and fixed part of a packet with `count` elements; the caller packs the
    /// elements.
    template <class P>
    uint32_t* emit_array(const P& p, uint32_t count) {
        uint32_t* out = reserve(P::dwords(count));
        p.pack(out, count);
        last_barrier_ = false;
        return out;
    }
    /// Writes a Barrier unless the last packet is one.
    void barrier();
    /// Space for data, aligned to 64 bytes.
    Upload upload(uint64_t bytes);
    /// Closes the stream; the ranges to submit are ranges().
    void finish();
    /// Frees everything.
    void reset();
    /// Closed ranges, in order.
    [[nodiscard]] const std::vector<kmd::Ib>& ranges() const { return ranges_; }
    /// True when memory ran out since reset().
    [[nodiscard]] bool failed() const { return failed_; }

private:
    uint32_t* reserve(uint32_t dwords);

    GpuHeap& heap_;
    std::vector<GpuPiece> chunks_;
    std::vector<kmd::Ib> ranges_;
    std::vector<uint32_t> scratch_;
    uint32_t* begin_ = nullptr;  ///< of the open range
    uint32_t* at_ = nullptr;     ///< next dword
    uint32_t* end_ = nullptr;    ///< end of the chunk
    uint64_t begin_address_ = 0; ///< GPU address of begin_
    uint64_t up_address_ = 0, up_end_ = 0;
    std::byte* up_host_ = nullptr;
    bool failed_ = false;
    bool last_barrier_ = false;
};

} // namespace kite::rt
