// SPDX-License-Identifier: MIT
#include "device/front/packet_reader.hpp"

#include "kite_hw/packet_dump.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::front {

namespace {
constexpr uint32_t kFetchDwords = 8192;
}

PacketReader::Step PacketReader::fail(std::string text) {
    error_ = std::move(text);
    return Step::error;
}

void PacketReader::fill(uint32_t wanted) {
    const size_t have = buffer_.size() - at_;
    if (have >= wanted || left_ == 0) {
        return;
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
    const auto fetch = static_cast<size_t>(
        std::min<uint64_t>(left_, std::max<uint64_t>(kFetchDwords, wanted - have)));
    buffer_.resize(have + fetch);
    std::memcpy(buffer_.data() + have, window_.at(va_), fetch * 4);
    va_ += fetch * 4;
    left_ -= fetch;
}

PacketReader::Step PacketReader::next() {
    if (buffer_.empty()) {
        address_ = va_;
        if (va_ % 4 != 0) {
            return fail("packets are not 4-byte aligned");
        }
        if (!window_.contains(va_, left_ * 4)) {
            return fail("packets outside the address space");
        }
    }
    fill(1);
    if (at_ == buffer_.size()) {
        return Step::end;
    }
    address_ = va_ - (buffer_.size() - at_) * 4;
    const uint32_t length = hw::packet_dwords(buffer_[at_]);
    if (length == 0) {
        return fail("packet of length 0");
    }
    fill(length);
    if (buffer_.size() - at_ < length) {
        return fail("packet longer than its buffer");
    }
    words_ = {buffer_.data() + at_, length};
    at_ += length;
    std::string why;
    if (!hw::check_packet(words_, &why)) {
        return fail(std::move(why));
    }
    return Step::packet;
}

} // namespace kite::dev::front
