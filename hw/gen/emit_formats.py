# SPDX-License-Identifier: MIT
"""Emit formats.hpp and formats_table.cpp."""
from emit_common import HEAD, HPP_TAIL, doc_comment, hpp_head
from formats import CHANNEL_TYPES

PURPOSE = (
    "Pixel formats: how texels lie in memory and what the hardware can do with them. The id of a core Vulkan "
    "format is its VkFormat number; formats of extensions have ids of their own, see format_from_vk(). Constant "
    "tables, thread-safe; an unknown id gives nullptr. Example: if (const FormatInfo* f = format_info(id); f && "
    "f->has(FormatCap::blend)) ...")

BODY = """/// How a channel's bits are read.
enum class ChannelType : uint8_t {
@TYPES@};

/// One channel of a texel.
struct Channel {
    ChannelType type = ChannelType::none;
    /// Width in bits; 0 if absent or inside a compressed block.
    uint8_t bits = 0;
    /// Bit offset of the lowest bit from the texel's first byte (little endian).
    uint8_t shift = 0;
};

/// What the description says about one format.
struct FormatInfo {
    /// Vulkan's name without VK_FORMAT_.
    const char* name;
    /// Hardware id.
    uint16_t id;
    /// VkFormat number.
    uint32_t vk;
    /// Bytes of a block (of a texel if not compressed); of the depth plane for depth-stencil.
    uint8_t bytes_per_block;
    /// Texels of a block.
    uint8_t block_w, block_h;
    /// Present channels among r, g, b, a.
    uint8_t channels;
    /// r, g, b, a. Depth is ch[0]; depth-stencil has stencil in ch[1], in its own plane.
    Channel ch[4];
    bool srgb, depth, stencil, compressed;
    /// A _PACK format: the texel is one little-endian integer.
    bool packed;
    /// The bits above the channels hold an exponent they share (E5B9G9R9).
    bool shared_exponent;
    /// Depth-stencil: formats of the two planes; else 0.
    uint16_t plane[2];
    /// FormatCap bits.
    uint32_t caps;

    /// True if the hardware can do this with the format.
    constexpr bool has(FormatCap cap) const { return (caps & static_cast<uint32_t>(cap)) != 0; }
    /// True for unsigned and signed integer colours and for stencil.
    constexpr bool is_integer() const { return is_uint() || is_sint(); }
    /// True for unsigned integers.
    constexpr bool is_uint() const { return first().type == ChannelType::uint; }
    /// True for signed integers.
    constexpr bool is_sint() const { return first().type == ChannelType::sint; }
    /// True for depth-stencil formats, whose planes are separate images.
    constexpr bool two_planes() const { return plane[0] != 0; }
    /// The first channel present.
    constexpr const Channel& first() const {
        return ch[0].type != ChannelType::none ? ch[0] : ch[3];
    }
};

/// The format's entry; nullptr for an unknown id (0 too).
const FormatInfo* format_info(uint32_t id);
/// All formats in id order.
std::span<const FormatInfo> all_formats();
/// The hardware id of a VkFormat number; 0 if the hardware does not know it.
uint32_t format_from_vk(uint32_t vk_format);
"""


def emit_header(desc):
    out = hpp_head(PURPOSE, ["<cstdint>", "<span>"])
    out += "/// What can be done with a format.\nenum class FormatCap : uint32_t {\n"
    for bit, (name, doc) in enumerate(desc.caps.items()):
        out += doc_comment(doc[:1].upper() + doc[1:] + ".", "    ") + f"    {name} = 1u << {bit},\n"
    out += "};\n\n/// Hardware format ids.\nenum class Format : uint16_t {\n    /// No format: a null descriptor.\n    none = 0,\n"
    for fmt in desc.formats:
        out += f"    {fmt.name.lower()} = {fmt.id},\n"
    types = "".join(f"    {name},\n" for name in CHANNEL_TYPES)
    return out + "};\n\n" + BODY.replace("@TYPES@", types) + HPP_TAIL


def channel(spec):
    return f"{{ChannelType::{spec[0]}, {spec[1]}, {spec[2]}}}" if spec else "{}"


def emit_table(desc):
    bits = {name: 1 << i for i, name in enumerate(desc.caps)}
    ids = {fmt.name: fmt.id for fmt in desc.formats}
    top = max(ids.values())
    out = HEAD + '#include "kite_hw/formats.hpp"\n\nnamespace kite::hw {\n\nnamespace {\n\nconstexpr FormatInfo kFormats[] = {\n'
    for fmt in desc.formats:
        chans = ", ".join(channel(fmt.channels.get(c)) for c in "rgba")
        flags = ", ".join(str(f in fmt.flags).lower() for f in
                          ("srgb", "depth", "stencil", "compressed", "packed", "shared_exponent"))
        planes = ", ".join(str(ids[p]) for p in fmt.planes) or "0, 0"
        caps = sum(bits[c] for c in fmt.caps)
        out += (f'    {{"{fmt.name}", {fmt.id}, {fmt.vk}, {fmt.bytes}, {fmt.block[0]}, {fmt.block[1]}, '
                f"{len(fmt.channels)},\n     {{{chans}}},\n     {flags}, {{{planes}}}, {caps:#x}}},\n")
    index = {fmt.id: i for i, fmt in enumerate(desc.formats)}
    rows = [str(index.get(i, -1)) for i in range(top + 1)]
    out += "};\n\n// Row of each id, -1 where there is none.\nconstexpr int16_t kRows[] = {\n"
    for i in range(0, len(rows), 20):
        out += "    " + ", ".join(rows[i:i + 20]) + ",\n"
    return out + """};

} // namespace

const FormatInfo* format_info(uint32_t id) {
    return id < std::size(kRows) && kRows[id] >= 0 ? &kFormats[kRows[id]] : nullptr;
}

std::span<const FormatInfo> all_formats() { return kFormats; }

uint32_t format_from_vk(uint32_t vk_format) {
    if (const FormatInfo* direct = format_info(vk_format); direct != nullptr && direct->vk == vk_format) {
        return vk_format;
    }
    for (const FormatInfo& info : kFormats) {
        if (info.vk == vk_format) {
            return info.id;
        }
    }
    return 0;
}

} // namespace kite::hw
"""
