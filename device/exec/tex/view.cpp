// SPDX-License-Identifier: MIT
#include "device/exec/tex/view.hpp"

#include "device/format/codec.hpp"

#include <array>
#include <cstring>

namespace kite::dev::exec::tex {

namespace {

template <class T>
T read_words(const DrawContext& draw, uint64_t va) {
    std::array<uint32_t, T::kDwords> words;
    std::memcpy(words.data(), draw.window + (va & draw.va_mask), sizeof(words));
    return T::unpack(words.data());
}

uint32_t minify(uint32_t size, int32_t level) {
    return std::max(1u, size >> std::min(level, 31));
}
uint64_t div_up(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

} // namespace

ImageView read_image(const DrawContext& draw, uint64_t va) {
    ImageView v;
    v.desc = read_words<hw::ImageDescriptor>(draw, va);
    v.window = draw.window;
    v.va_mask = draw.va_mask;
    const hw::FormatInfo* info = v.desc.format == 0 ? nullptr : hw::format_info(v.desc.format);
    if (info == nullptr || info->bytes_per_block == 0)
        return v;
    const auto& d = v.desc;
    if (d.base_level + d.level_count_minus_1 > d.resource_levels_minus_1 ||
        d.resource_levels_minus_1 >= hw::limits::kMaxImageLevels)
        return v;
    v.format = info;
    v.integer = format::is_integer(d.format);
    v.levels = static_cast<int32_t>(d.level_count_minus_1) + 1;
    v.layers = static_cast<int32_t>(d.layer_count_minus_1) + 1;
    return v;
}

hw::SamplerDescriptor read_sampler(const DrawContext& draw, uint64_t va) {
    return read_words<hw::SamplerDescriptor>(draw, va);
}

Extent ImageView::extent(int32_t level) const {
    if (desc.dim == hw::ViewDim::buffer)
        return {static_cast<int32_t>(std::min(desc.elements, 0x7fffffffu)), 1, 1};
    const int32_t l = level + static_cast<int32_t>(desc.base_level);
    const bool volume = desc.dim == hw::ViewDim::d3;
    return {static_cast<int32_t>(minify(desc.width_minus_1 + 1, l)),
            static_cast<int32_t>(minify(desc.height_minus_1 + 1, l)), volume ? depth(l) : 1};
}

int32_t ImageView::depth(int32_t l) const {
    const uint32_t all = minify(desc.depth_minus_1 + 1, l);
    if (!desc.sliced)
        return static_cast<int32_t>(all);
    const uint32_t rest = desc.base_layer < all ? all - desc.base_layer : 0;
    return static_cast<int32_t>(std::min(rest, desc.layer_count_minus_1 + 1));
}

std::byte* ImageView::address(int32_t level, int32_t x, int32_t y, int32_t z,
                              int32_t sample) const {
    const uint64_t bytes = format->bytes_per_block;
    if (desc.dim == hw::ViewDim::buffer)
        return window + ((desc.address + uint64_t(uint32_t(x)) * bytes) & va_mask);
    const int32_t l = level + static_cast<int32_t>(desc.base_level);
    const uint64_t wb = div_up(minify(desc.width_minus_1 + 1, l), format->block_w);
    const uint64_t hb = div_up(minify(desc.height_minus_1 + 1, l), format->block_h);
    const uint64_t bx = uint32_t(x) / format->block_w, by = uint32_t(y) / format->block_h;
    const uint64_t samples = uint64_t{1} << desc.log2_samples;
    uint64_t offset = 0, slice = 0;
    if (desc.layout == hw::ImageLayout::tiled) {
        const uint64_t block_bytes = 16 * samples * bytes;
        const uint64_t across = div_up(wb, 4);
        const uint64_t index = (bx & 1) | (by & 1) << 1 | (bx & 2) << 1 | (by & 2) << 2;
        offset = ((by >> 2) * across + (bx >> 2)) * block_bytes +
                 uint64_t(uint32_t(sample)) * 16 * bytes + index * bytes;
        slice = across * div_up(hb, 4) * block_bytes;
    } else {
        const uint64_t pitch = l == 0 ? desc.row_pitch : (wb * bytes + 63) & ~uint64_t{63};
        offset = by * pitch + bx * bytes;
        slice = l == 0 && desc.slice_pitch != 0 ? uint64_t{desc.slice_pitch} * 64 : hb * pitch;
    }
    const uint64_t layer =
        uint64_t(uint32_t(z)) + (desc.dim == hw::ViewDim::d3 && !desc.sliced ? 0 : desc.base_layer);
    const uint64_t stride = desc.image_3d ? slice : uint64_t{desc.layer_stride_64} * 64;
    const uint64_t va = desc.address + layer * stride +
                        uint64_t{desc.level_offset_64[static_cast<size_t>(l)]} * 64 + offset;
    return window + (va & va_mask);
}

Texel ImageView::load(int32_t level, int32_t x, int32_t y, int32_t z, int32_t sample) const {
    Texel t;
    const std::byte* p = address(level, x, y, z, sample);
    if (format->compressed) {
        const auto index =
            static_cast<unsigned>((y % format->block_h) * format->block_w + x % format->block_w);
        format::decode_block_texel(desc.format, p, index, t.f);
    } else if (integer) {
        format::decode_int(desc.format, p, t.u);
    } else {
        format::decode_float(desc.format, p, t.f);
    }
    return t;
}

Texel ImageView::swizzle(const Texel& t) const {
    const uint32_t one = integer ? 1u : 0x3f800000u;
    const auto pick = [&](hw::Swizzle s) {
        const auto n = static_cast<unsigned>(s);
        return n < 4 ? t.u[n] : n == 5 ? one : 0u;
    };
    Texel r;
    r.u[0] = pick(desc.swz_r);
    r.u[1] = pick(desc.swz_g);
    r.u[2] = pick(desc.swz_b);
    r.u[3] = pick(desc.swz_a);
    return r;
}

} // namespace kite::dev::exec::tex
