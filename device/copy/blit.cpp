// SPDX-License-Identifier: MIT
#include "device/copy/copy.hpp"
#include "device/copy/region.hpp"
#include "device/format/codec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace kite::dev::copy {

using base::ErrorCode;
using base::fail;
using format::SurfaceView;

namespace {

/// Where each destination coordinate of one axis reads: between i0 and i1 with weight w of i1.
struct Axis {
    uint32_t first = 0;           ///< first destination coordinate
    std::vector<uint32_t> i0, i1; ///< source coordinates
    std::vector<float> w;         ///< all 0 for nearest
    [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(i0.size()); }
};

/// Vulkan, "Image Copies With Scaling": u = (x + 1/2 - dst0) * (src1 - src0) / (dst1 - dst0) +
/// src0, clamped to the source's edge.
Axis make_axis(int32_t src0, int32_t src1, int32_t dst0, int32_t dst1, uint32_t source_size,
               bool linear) {
    Axis axis;
    const int32_t low = std::min(dst0, dst1), high = std::max(dst0, dst1);
    const double scale = (static_cast<double>(src1) - src0) / (static_cast<double>(dst1) - dst0);
    const double last = static_cast<double>(source_size) - 1.0;
    axis.first = static_cast<uint32_t>(low);
    for (int32_t x = low; x < high; ++x) {
        double u = (x + 0.5 - dst0) * scale + src0;
        u -= linear ? 0.5 : 0.0;
        const double floor = std::floor(u);
        axis.i0.push_back(static_cast<uint32_t>(std::clamp(floor, 0.0, last)));
        axis.i1.push_back(static_cast<uint32_t>(std::clamp(floor + 1.0, 0.0, last)));
        axis.w.push_back(linear ? static_cast<float>(u - floor) : 0.0f);
    }
    return axis;
}

/// Texels of any format.
struct AnyTexels {
    const SurfaceView& s;
    void read(uint32_t x, uint32_t y, uint32_t z, float out[4]) const {
        if (s.info->compressed) {
            const uint32_t bw = s.info->block_w, bh = s.info->block_h;
            format::decode_block_texel(s.format, s.at(x / bw, y / bh, z), y % bh * bw + x % bw,
                                       out);
        } else {
            format::decode_float(s.format, s.at(x, y, z), out);
        }
    }
};

/// Texels of four bytes through tables: the formats of most mip chains.
struct ByteTexels {
    const SurfaceView& s;
    std::array<float, 256> color{}, alpha{};
    std::array<uint8_t, 4> at{}; ///< byte of each component

    explicit ByteTexels(const SurfaceView& surface) : s(surface) {
        for (unsigned c = 0; c < 4; ++c) {
            at[c] = s.info->ch[c].shift / 8;
        }
        for (unsigned v = 0; v < 256; ++v) {
            alpha[v] = static_cast<float>(v) / 255.0f;
            color[v] = s.info->srgb ? format::srgb_to_linear(static_cast<uint8_t>(v)) : alpha[v];
        }
    }
    static bool fits(const hw::FormatInfo& info) {
        return info.bytes_per_block == 4 &&
               std::all_of(info.ch, info.ch + 4, [](const hw::Channel& c) {
                   return c.bits == 8 &&
                          (c.type == hw::ChannelType::unorm || c.type == hw::ChannelType::srgb);
               });
    }
    void read(uint32_t x, uint32_t y, uint32_t z, float out[4]) const {
        const std::byte* p = s.at(x, y, z);
        for (unsigned c = 0; c < 3; ++c) {
            out[c] = color[static_cast<uint8_t>(p[at[c]])];
        }
        out[3] = alpha[static_cast<uint8_t>(p[at[3]])];
    }
};

struct Blit {
    SurfaceView src, dst;
    Axis x, y, z;
    bool linear = false;
};

void blend(const float a[4], const float b[4], float w, float out[4]) {
    for (unsigned c = 0; c < 4; ++c) {
        out[c] = a[c] * (1.0f - w) + b[c] * w;
    }
}

template <class Texels>
void read_linear(const Blit& b, const Texels& texels, uint32_t x, uint32_t y, uint32_t z,
                 float out[4]) {
    float plane[2][4];
    const unsigned planes = b.z.w[z] != 0.0f ? 2 : 1;
    for (unsigned p = 0; p < planes; ++p) {
        const uint32_t sz = p == 0 ? b.z.i0[z] : b.z.i1[z];
        float t[4][4], row[2][4];
        texels.read(b.x.i0[x], b.y.i0[y], sz, t[0]);
        texels.read(b.x.i1[x], b.y.i0[y], sz, t[1]);
        texels.read(b.x.i0[x], b.y.i1[y], sz, t[2]);
        texels.read(b.x.i1[x], b.y.i1[y], sz, t[3]);
        blend(t[0], t[1], b.x.w[x], row[0]);
        blend(t[2], t[3], b.x.w[x], row[1]);
        blend(row[0], row[1], b.y.w[y], plane[p]);
    }
    if (planes == 2) {
        blend(plane[0], plane[1], b.z.w[z], out);
    } else {
        std::memcpy(out, plane[0], sizeof(plane[0]));
    }
}

/// One destination row of a bitwise or integer copy.
void copy_row(const Blit& b, uint32_t y, uint32_t z) {
    const bool raw = b.src.format == b.dst.format;
    const uint32_t sy = b.y.i0[y], sz = b.z.i0[z];
    for (uint32_t x = 0; x < b.x.size(); ++x) {
        const std::byte* in = b.src.at(b.x.i0[x], sy, sz);
        std::byte* out = b.dst.at(b.x.first + x, b.y.first + y, b.z.first + z);
        if (raw) {
            std::memcpy(out, in, b.dst.bpb);
        } else {
            uint32_t value[4];
            format::decode_int(b.src.format, in, value);
            format::encode_int(b.dst.format, value, out);
        }
    }
}

/// One destination row through floats.
template <class Texels>
void convert_row(const Blit& b, const Texels& texels, uint32_t y, uint32_t z) {
    for (uint32_t x = 0; x < b.x.size(); ++x) {
        float value[4];
        if (b.linear) {
            read_linear(b, texels, x, y, z, value);
        } else {
            texels.read(b.x.i0[x], b.y.i0[y], b.z.i0[z], value);
        }
        format::encode_float(b.dst.format, value,
                             b.dst.at(b.x.first + x, b.y.first + y, b.z.first + z));
    }
}

const char* refusal(const SurfaceView& src, const SurfaceView& dst, const hw::BlitImagePacket& p) {
    if (src.samples != 1 || dst.samples != 1) {
        return "multisampled image";
    }
    if (dst.info->compressed) {
        return "compressed destination";
    }
    const bool integer = format::is_integer(src.format);
    if (integer != format::is_integer(dst.format) ||
        (integer && src.info->is_sint() != dst.info->is_sint())) {
        return "integer and other formats, or signed and unsigned ones, cannot be mixed";
    }
    if (integer && p.filter == hw::Filter::linear) {
        return "integer formats cannot be filtered";
    }
    const uint32_t size[3] = {dst.width, dst.height, dst.volume ? dst.layers : 1};
    for (unsigned i = 0; i < 3; ++i) {
        if (std::min(p.dst0[i], p.dst1[i]) < 0 ||
            static_cast<uint32_t>(std::max(p.dst0[i], p.dst1[i])) > size[i]) {
            return "destination corners outside the image";
        }
    }
    return nullptr;
}

} // namespace

base::Result<void> blit_image(const Engine& engine, const hw::BlitImagePacket& p) {
    auto source = open_surface(engine, p.src, "source");
    auto destination = open_surface(engine, p.dst, "destination");
    if (!source || !destination) {
        return std::unexpected(std::move(!source ? source.error() : destination.error()));
    }
    Blit b{.src = *source,
           .dst = *destination,
           .x = {},
           .y = {},
           .z = {},
           .linear = p.filter == hw::Filter::linear};
    if (const char* why = refusal(b.src, b.dst, p)) {
        return fail(ErrorCode::corrupt, "{}", why);
    }
    const bool volume = b.src.volume || b.dst.volume;
    if (!volume && (p.layers > b.src.layers || p.layers > b.dst.layers)) {
        return fail(ErrorCode::corrupt, "{} layers outside the images", p.layers);
    }
    b.x = make_axis(p.src0[0], p.src1[0], p.dst0[0], p.dst1[0], b.src.width, b.linear);
    b.y = make_axis(p.src0[1], p.src1[1], p.dst0[1], p.dst1[1], b.src.height, b.linear);
    if (volume) {
        b.z = make_axis(p.src0[2], p.src1[2], p.dst0[2], p.dst1[2], b.src.volume ? b.src.layers : 1,
                        b.linear);
    } else {
        const auto layers = static_cast<int32_t>(p.layers);
        b.z = make_axis(0, layers, 0, layers, b.src.layers, false);
    }
    if (b.x.size() == 0 || b.y.size() == 0 || b.z.size() == 0) {
        return {};
    }
    const auto rows = [&](base::FunctionRef<void(uint32_t, uint32_t)> row) {
        // A texel takes some 10 ns to convert; count it as 64 bytes of work.
        for_rows(engine, b.y.size(), b.z.size(), uint64_t{b.x.size()} * 64, row);
    };
    if (!b.linear && (b.src.format == b.dst.format || format::is_integer(b.src.format))) {
        rows([&](uint32_t y, uint32_t z) { copy_row(b, y, z); });
    } else if (ByteTexels::fits(*b.src.info)) {
        const ByteTexels texels(b.src);
        rows([&](uint32_t y, uint32_t z) { convert_row(b, texels, y, z); });
    } else {
        const AnyTexels texels{b.src};
        rows([&](uint32_t y, uint32_t z) { convert_row(b, texels, y, z); });
    }
    return {};
}

} // namespace kite::dev::copy
