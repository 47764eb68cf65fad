# SPDX-License-Identifier: MIT
"""Pixel formats: what a Vulkan format name says about bytes, blocks and channels."""
import re
from dataclasses import dataclass, field

SUFFIX_TYPES = {"UNORM": "unorm", "SNORM": "snorm", "USCALED": "uscaled", "SSCALED": "sscaled", "UINT": "uint",
                "SINT": "sint", "SFLOAT": "sfloat", "UFLOAT": "ufloat", "SRGB": "srgb"}
CHANNEL_TYPES = ["none", *SUFFIX_TYPES.values()]
COLOR = re.compile(r"^((?:[RGBAE]\d+)+)_([A-Z]+?)(?:_PACK(\d+))?$")
BLOCK = re.compile(r"^(BC\d)H?(?:_(RGBA?))?_([A-Z]+)_BLOCK$")
ETC = re.compile(r"^(?:ETC2|EAC)_((?:[RGBA]\d+)+)_([A-Z]+)_BLOCK$")
ASTC = re.compile(r"^ASTC_(\d+)x(\d+)_([A-Z]+)_BLOCK$")
BLOCK_CHANNELS = {"BC2": "RGBA", "BC3": "RGBA", "BC4": "R", "BC5": "RG", "BC6": "RGB", "BC7": "RGBA"}
DEPTH = {"D16_UNORM": ("unorm", 16, 2), "X8_D24_UNORM_PACK32": ("unorm", 24, 4), "D32_SFLOAT": ("sfloat", 32, 4)}


@dataclass
class Format:
    name: str
    id: int
    vk: int
    profile: str
    planes: list
    where: str
    bytes: int = 0
    block: tuple = (1, 1)
    channels: dict = field(default_factory=dict)    # r, g, b, a -> (type, bits, shift)
    flags: set = field(default_factory=set)
    caps: list = field(default_factory=list)
    problem: str = ""


def same_type(names, kind):
    """Block formats: channels with a type but no bits of their own."""
    out = {}
    for name in names:
        out[name.lower()] = ("unorm" if kind == "srgb" and name == "A" else kind, 0, 0)
    return out


def parse_color(fmt, match):
    channels = [(name, int(bits)) for name, bits in re.findall(r"([RGBAE])(\d+)", match[1])]
    kind = SUFFIX_TYPES.get(match[2])
    total = sum(bits for _, bits in channels)
    if kind is None or total % 8 or (match[3] and int(match[3]) != total):
        fmt.problem = "name does not parse"
        return
    if match[3]:
        fmt.flags.add("packed")
        channels.reverse()      # _PACK lists the most significant first
    shift = 0
    for name, bits in channels:
        if name == "E":
            fmt.flags.add("shared_exponent")
        else:
            this = "unorm" if kind == "srgb" and name == "A" else kind
            fmt.channels[name.lower()] = (this, bits, shift)
        shift += bits
    fmt.bytes = total // 8


def derive(fmt):
    """Fill bytes, block, channels and flags from the name."""
    name = fmt.name
    if "SRGB" in name:
        fmt.flags.add("srgb")
    if name in DEPTH:
        kind, bits, fmt.bytes = DEPTH[name]
        fmt.channels["r"] = (kind, bits, 0)
        fmt.flags.add("depth")
    elif name == "S8_UINT":
        fmt.bytes = 1
        fmt.channels["r"] = ("uint", 8, 0)
        fmt.flags.add("stencil")
    elif fmt.planes:
        fmt.flags |= {"depth", "stencil"}
        fmt.bytes = 4 if "16" not in name else 2
        depth = {"D16": "D16_UNORM", "D24": "X8_D24_UNORM_PACK32", "D32": "D32_SFLOAT"}[name[:3]]
        fmt.channels["r"] = (DEPTH[depth][0], DEPTH[depth][1], 0)
        fmt.channels["g"] = ("uint", 8, 0)
    elif match := BLOCK.match(name):
        fmt.flags.add("compressed")
        fmt.block = (4, 4)
        fmt.bytes = 8 if match[1] in ("BC1", "BC4") else 16
        fmt.channels = same_type(match[2] or BLOCK_CHANNELS[match[1]], SUFFIX_TYPES[match[3]])
    elif match := ETC.match(name):
        fmt.flags.add("compressed")
        fmt.block = (4, 4)
        names = re.findall(r"([RGBA])\d+", match[1])
        fmt.bytes = 16 if "A8" in match[1] or match[1] == "R11G11" else 8
        fmt.channels = same_type(names, SUFFIX_TYPES[match[2]])
    elif match := ASTC.match(name):
        fmt.flags.add("compressed")
        fmt.block = (int(match[1]), int(match[2]))
        fmt.bytes = 16
        fmt.channels = same_type("RGBA", SUFFIX_TYPES[match[3]])
    elif match := COLOR.match(name):
        parse_color(fmt, match)
    else:
        fmt.problem = "name does not parse"


def read_formats(desc, src):
    desc.caps = dict(src.data.get("caps", {}))
    desc.profiles = {p.get("name", "?"): p for p in src.data.get("profile", [])}
    for entry in src.data.get("format", []):
        name = entry.get("name", "?")
        fmt = Format(name, entry.get("id", -1), entry.get("vk", entry.get("id", -1)),
                     entry.get("profile", "?"), entry.get("planes", []), src.where(name))
        derive(fmt)
        fmt.caps = desc.profiles.get(fmt.profile, {}).get("caps", [])
        desc.formats.append(fmt)
    desc.formats.sort(key=lambda f: f.id)
