// SPDX-License-Identifier: MIT
#include "device/exec/jit/texgen/key.hpp"

#include <cstring>

namespace kite::dev::exec::jit::texgen {

size_t TexKeyHash::operator()(const TexKey& key) const {
    uint64_t words[3];
    std::memcpy(words, &key, sizeof(words));
    uint64_t h = 0;
    for (const uint64_t w : words) {
        h = (h ^ w) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
    }
    return static_cast<size_t>(h);
}

hw::ViewDim view_dim(hw::Dim dim) {
    switch (dim) {
    case hw::Dim::d1:
        return hw::ViewDim::d1;
    case hw::Dim::d2:
        return hw::ViewDim::d2;
    case hw::Dim::d3:
        return hw::ViewDim::d3;
    case hw::Dim::cube:
        return hw::ViewDim::cube;
    case hw::Dim::buffer:
        break;
    }
    return hw::ViewDim::buffer;
}

bool decodable(const hw::FormatInfo& format) {
    if (format.compressed || format.bytes_per_block == 0 || format.bytes_per_block > 16 ||
        format.two_planes()) {
        return false;
    }
    for (const hw::Channel& ch : format.ch) {
        // Every channel lies inside one dword of the texel.
        if (ch.type != hw::ChannelType::none && ch.bits != 0 &&
            (ch.bits > 32 || ch.shift % 32 + ch.bits > 32)) {
            return false;
        }
        const bool float_width =
            ch.type != hw::ChannelType::sfloat || ch.bits == 16 || ch.bits == 32;
        const bool norm = ch.type == hw::ChannelType::unorm || ch.type == hw::ChannelType::snorm;
        if (!float_width || (norm && ch.bits > 24) ||
            (ch.type == hw::ChannelType::srgb && ch.bits != 8)) {
            return false;
        }
    }
    return true;
}

namespace {

bool has_border(const TexKey& key) {
    const auto border = static_cast<uint8_t>(hw::Wrap::clamp_to_border);
    return key.wrap_u == border || key.wrap_v == border;
}

// Sampler state of tex and txg. False: no routine.
bool add_sampler(TexKey& key, const hw::FormatInfo& format, const hw::SamplerDescriptor& s,
                 bool gather, bool ref, hw::LodMode lodmode) {
    const auto known = [](hw::Wrap w) { return w <= hw::Wrap::mirror_clamp_to_edge; };
    if (!known(s.wrap_u) || !known(s.wrap_v)) {
        return false;
    }
    key.wrap_u = static_cast<uint8_t>(s.wrap_u);
    key.wrap_v = key.dim == static_cast<uint8_t>(hw::ViewDim::d1)
                     ? static_cast<uint8_t>(hw::Wrap::clamp_to_edge)
                     : static_cast<uint8_t>(s.wrap_v);
    key.unnormalized = s.unnormalized ? 1 : 0;
    key.compare = ref ? static_cast<uint8_t>(s.compare_op) : uint8_t{0};
    if (gather) {
        return true;
    }
    const bool integer = format.is_integer();
    key.mag = integer ? uint8_t{0} : static_cast<uint8_t>(s.mag_filter);
    key.min = integer ? uint8_t{0} : static_cast<uint8_t>(s.min_filter);
    key.mip = integer || key.mips == 0 ? uint8_t{0} : static_cast<uint8_t>(s.mip_filter);
    if (s.unnormalized) {
        key.min = key.mag; // lambda is 0
    }
    const bool filtered = key.mag != 0 || key.min != 0 || key.mip != 0;
    if (filtered && s.reduction != hw::ReductionMode::weighted_average) {
        return false;
    }
    const bool derivatives =
        lodmode == hw::LodMode::grad ||
        (key.implicit != 0 && (lodmode == hw::LodMode::implicit || lodmode == hw::LodMode::bias));
    if (derivatives && s.aniso_log2 != 0 && !integer && !s.unnormalized) {
        if (s.aniso_log2 > 4) {
            return false;
        }
        key.aniso_log2 = static_cast<uint8_t>(s.aniso_log2);
        if (ref || has_border(key) || s.reduction != hw::ReductionMode::weighted_average) {
            return false;
        }
    }
    return true;
}

} // namespace

std::optional<TexKey> make_key(const hw::Inst& inst, bool implicit, unsigned width,
                               const uint32_t* image, const uint32_t* sampler) {
    const bool sampled = inst.op == hw::Op::tex || inst.op == hw::Op::txg;
    if (!sampled && inst.op != hw::Op::txf) {
        return {};
    }
    const auto d = hw::ImageDescriptor::unpack(image);
    const hw::FormatInfo* format = d.format == 0 ? nullptr : hw::format_info(d.format);
    if (format == nullptr || !decodable(*format) || d.layout > hw::ImageLayout::tiled ||
        d.log2_samples > 3) {
        return {};
    }
    const auto dim = static_cast<hw::Dim>(inst.sub & 7u);
    const bool array = (inst.sub & 8u) != 0;
    const bool buffer = d.dim == hw::ViewDim::buffer;
    const bool flat = d.dim == hw::ViewDim::d1 || d.dim == hw::ViewDim::d2;
    if (view_dim(dim) != d.dim || !(flat || (buffer && inst.op == hw::Op::txf && !array))) {
        return {};
    }
    const bool tiled = d.layout == hw::ImageLayout::tiled;
    if ((buffer && tiled) || (!tiled && d.log2_samples != 0) || (sampled && d.log2_samples != 0)) {
        return {};
    }
    TexKey key;
    key.op = static_cast<uint16_t>(inst.op);
    key.sub = inst.sub;
    key.format = static_cast<uint16_t>(d.format);
    key.swizzle = static_cast<uint16_t>(image[3] & 0xfffu);
    key.width = static_cast<uint8_t>(width);
    key.dim = static_cast<uint8_t>(d.dim);
    key.tiled = tiled ? 1 : 0;
    key.log2_samples = static_cast<uint8_t>(d.log2_samples);
    key.image_3d = d.image_3d ? 1 : 0;
    key.mips = !buffer && d.level_count_minus_1 != 0 ? 1 : 0;
    if (inst.op == hw::Op::txf) {
        const auto sub = hw::TxfSub::unpack(inst.sub);
        if (sub.lodmode != hw::LodMode::lod && sub.lodmode != hw::LodMode::zero) {
            return {};
        }
        return key;
    }
    const bool gather = inst.op == hw::Op::txg;
    if (gather && d.dim != hw::ViewDim::d2) {
        return {};
    }
    const auto sub = hw::TexSub::unpack(inst.sub); // txg's ref bit is at the same place
    key.implicit = implicit && !gather ? 1 : 0;
    const auto s = hw::SamplerDescriptor::unpack(sampler);
    if (!add_sampler(key, *format, s, gather, sub.ref, sub.lodmode)) {
        return {};
    }
    if (gather) {
        key.mips = 0; // level 0 only
    }
    return key;
}

} // namespace kite::dev::exec::jit::texgen
