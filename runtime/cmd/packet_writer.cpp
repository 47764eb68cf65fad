// SPDX-License-Identifier: MIT
#include "runtime/cmd/packet_writer.hpp"

#include <algorithm>

namespace kite::rt {
namespace {
constexpr uint64_t kFirstChunk = 4096, kChunk = 64 * 1024;
} // namespace

void PacketWriter::finish() {
    if (at_ != begin_)
        ranges_.push_back({begin_address_, static_cast<uint32_t>(at_ - begin_)});
    begin_address_ += static_cast<uint64_t>(at_ - begin_) * 4;
    begin_ = at_;
}

uint32_t* PacketWriter::reserve(uint32_t dwords) {
    if (static_cast<size_t>(end_ - at_) < dwords) {
        finish();
        uint64_t want =
            std::max<uint64_t>(chunks_.empty() ? kFirstChunk : kChunk, uint64_t{dwords} * 4);
        auto piece = heap_.allocate(want);
        if (!piece) {
            failed_ = true;
            scratch_.resize(std::max<size_t>(scratch_.size(), dwords));
            begin_ = at_ = end_ = nullptr;
            return scratch_.data();
        }
        chunks_.push_back(*piece);
        begin_ = at_ = static_cast<uint32_t*>(piece->host);
        end_ = begin_ + piece->size_bytes / 4;
        begin_address_ = piece->address;
    }
    uint32_t* out = at_;
    at_ += dwords;
    return out;
}

void PacketWriter::barrier() {
    if (last_barrier_)
        return;
    emit(hw::BarrierPacket{});
    last_barrier_ = true;
}

Upload PacketWriter::upload(uint64_t bytes) {
    bytes = (bytes + 63) / 64 * 64;
    if (up_end_ - up_address_ < bytes) {
        auto piece = heap_.allocate(std::max(bytes, up_end_ == 0 ? kFirstChunk : kChunk));
        if (!piece) {
            failed_ = true;
            scratch_.resize(std::max<size_t>(scratch_.size(), bytes / 4));
            return {0, scratch_.data()};
        }
        chunks_.push_back(*piece);
        up_address_ = piece->address;
        up_end_ = piece->address + piece->size_bytes;
        up_host_ = static_cast<std::byte*>(piece->host);
    }
    Upload u{up_address_, up_host_};
    up_address_ += bytes;
    up_host_ += bytes;
    return u;
}

void PacketWriter::reset() {
    for (GpuPiece& c : chunks_)
        heap_.release(c);
    chunks_.clear();
    ranges_.clear();
    begin_ = at_ = end_ = nullptr;
    begin_address_ = up_address_ = up_end_ = 0;
    up_host_ = nullptr;
    failed_ = last_barrier_ = false;
}

} // namespace kite::rt
