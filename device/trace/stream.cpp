// SPDX-License-Identifier: MIT
#include "device/trace/stream.hpp"

#include "kite_hw/limits.hpp"
#include "kite_hw/packet_dump.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::trace {

using hw::Packet;

namespace {

constexpr size_t kLongest = size_t{64} << 20; // dwords

class Flattener {
public:
    Flattener(const SpaceMemory& memory, uint32_t draws) : memory_(memory), wanted_(draws) {}

    // False once the stream is complete.
    bool run(uint64_t va, uint32_t dwords, unsigned depth);
    base::Result<FlatStream> finish();

private:
    bool packet(std::span<const uint32_t> words, unsigned depth);
    void note(std::span<const uint32_t> words);
    void append(std::span<const uint32_t> words) {
        out_.words.insert(out_.words.end(), words.begin(), words.end());
    }
    void begin_scope(const uint32_t* words);

    const SpaceMemory& memory_;
    const uint32_t wanted_;
    FlatStream out_;
    bool in_scope_ = false;
};

bool Flattener::run(uint64_t va, uint32_t dwords, unsigned depth) {
    const uint64_t bytes = uint64_t{dwords} * 4;
    if (va % 4 != 0 || va > memory_.mask || bytes > memory_.mask + 1 - va) {
        // The device says what is wrong with the address.
        const hw::CallPacket call{.address = va, .dwords = dwords};
        uint32_t words[hw::CallPacket::kDwords];
        call.pack(words);
        append(words);
        return false;
    }
    std::vector<uint32_t> words;
    for (uint64_t at = 0; at < dwords;) {
        uint32_t header = 0;
        std::memcpy(&header, memory_.base + va + at * 4, 4);
        const uint32_t length = hw::packet_dwords(header);
        const uint64_t rest = dwords - at;
        words.resize(static_cast<size_t>(length == 0 ? 1 : std::min<uint64_t>(length, rest)));
        std::memcpy(words.data(), memory_.base + va + at * 4, words.size() * 4);
        at += words.size();
        if (out_.words.size() + words.size() > kLongest || out_.actions.size() > kLongest) {
            out_.words.resize(kLongest + 1);
            return false;
        }
        if (words.size() < length || !hw::check_packet(words)) {
            append(words);
            return false;
        }
        if (!packet(words, depth)) {
            return false;
        }
    }
    return true;
}

bool Flattener::packet(std::span<const uint32_t> words, unsigned depth) {
    const Packet id = hw::packet_id(words[0]);
    if (id == Packet::call && depth < hw::limits::kMaxCallDepth) {
        const auto call = hw::CallPacket::unpack(words.data());
        // An empty call costs time but no space; count it, or nested loops of them never end.
        out_.words.push_back(hw::packet_header(Packet::nop, 1));
        return run(call.address, call.dwords, depth + 1);
    }
    if (id == Packet::wait_event) {
        uint32_t barrier[hw::BarrierPacket::kDwords];
        hw::BarrierPacket{}.pack(barrier);
        append(barrier);
        return true;
    }
    note(words);
    append(words);
    return !(is_draw(id) && out_.draws == wanted_);
}

void Flattener::begin_scope(const uint32_t* words) {
    const auto p = hw::BeginRenderingPacket::unpack(words);
    const auto image = [](const hw::Attachment& a) {
        return a.resolve_mode != hw::ResolveMode::none ? a.resolve.image : a.surface.image;
    };
    out_.targets = {};
    const uint32_t colors = hw::BeginRenderingPacket::count(hw::packet_dwords(words[0]));
    for (uint32_t i = 0; i < colors; ++i) {
        const auto a = hw::BeginRenderingPacket::unpack_element(words, i);
        out_.targets.colors.push_back(a.present ? image(a) : hw::ImageDescriptor{});
    }
    if (p.depth.present) {
        out_.targets.depth = image(p.depth);
    }
    if (p.stencil.present) {
        out_.targets.stencil = image(p.stencil);
    }
    in_scope_ = true;
}

void Flattener::note(std::span<const uint32_t> packet) {
    const uint32_t* words = packet.data();
    const Packet id = hw::packet_id(words[0]);
    if (is_draw(id)) {
        ++out_.draws;
    }
    const bool shown =
        (id >= Packet::begin_rendering && id <= Packet::clear_image) || id == Packet::label;
    if (shown) {
        out_.actions.push_back({.word = out_.words.size(),
                                .draw = is_draw(id) ? out_.draws : 0,
                                .in_scope = in_scope_});
    }
    const auto target = [&](const hw::Surface& surface) {
        out_.targets = {.colors = {surface.image}, .depth = {}, .stencil = {}};
    };
    switch (id) {
    case Packet::begin_rendering:
        begin_scope(words);
        break;
    case Packet::end_rendering:
        in_scope_ = false;
        break;
    case Packet::copy_buffer_to_image:
        target(hw::CopyBufferToImagePacket::unpack(words).image);
        break;
    case Packet::copy_image:
        target(hw::CopyImagePacket::unpack(words).dst);
        break;
    case Packet::blit_image:
        target(hw::BlitImagePacket::unpack(words).dst);
        break;
    case Packet::resolve_image:
        target(hw::ResolveImagePacket::unpack(words).dst);
        break;
    case Packet::clear_image:
        target(hw::ClearImagePacket::unpack(words).image);
        break;
    default:
        break;
    }
}

base::Result<FlatStream> Flattener::finish() {
    if (out_.words.size() > kLongest) {
        return base::fail(base::ErrorCode::unsupported, "a command stream of over {} dwords",
                          kLongest);
    }
    if (wanted_ != 0 && out_.draws == wanted_ && in_scope_) {
        out_.words.push_back(hw::packet_header(Packet::end_rendering, 1));
    }
    return std::move(out_);
}

} // namespace

bool is_draw(Packet id) {
    return id == Packet::draw || id == Packet::draw_indexed || id == Packet::draw_indirect;
}

base::Result<FlatStream> flatten(const SpaceMemory& memory, std::span<const BufferEntry> buffers,
                                 uint32_t draws) {
    Flattener flattener(memory, draws);
    for (const BufferEntry& b : buffers) {
        if (!flattener.run(b.va, b.dwords, 0)) {
            break;
        }
    }
    return flattener.finish();
}

} // namespace kite::dev::trace
