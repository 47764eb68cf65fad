# SPDX-License-Identifier: MIT
"""Emit vectors.inc (instructions encoded here, from the field table) and the fuzzers' dictionaries.

The encoder below reads the [[field]] table; the C++ one is written by hand for speed. The vectors
make sure that they agree.
"""
import random

from emit_common import HEAD, ident

SLOT_NAMES = ["dst", "src0", "src1", "src2", "src3", "src4"]


def encode(isa, values):
    words = [0, 0, 0, 0]
    for fld in isa.fields:
        words[fld.word] |= (values.get(fld.name, 0) & ((1 << fld.bits) - 1)) << fld.lo
    return words


def random_values(desc, op, ty, rng):
    """Field values of an instruction whose operands are in allowed files; tuples stay in range."""
    isa = desc.isa
    values = {"op": op.code, "ty": desc.enums["Type"].values[ty], "sub": 0}
    for sub in op.sub:
        choices = list(desc.enums[sub.enum].values.values()) if sub.enum else range(1 << sub.bits)
        values["sub"] |= rng.choice(choices) << sub.lo
    slots = [(op.dst, op.dst_files)] + list(zip(op.src, op.src_files))
    slots += [("0", "Z")] * (6 - len(slots))
    literal = False
    for name, (_, files) in zip(SLOT_NAMES, slots):
        file = rng.choice(files)
        literal = literal or file == "L"
        index = rng.randrange(1024) if file in "VS" else 0
        values[name] = (isa.files[file][0] << 14) | index
    values["m"] = rng.randrange(2)
    values["imm"] = rng.getrandbits(32) if literal or op.imm is not None else 0
    if op.has_src34:
        values["imm"] = values["src3"] | values["src4"] << 16
    return values


def emit_vectors(desc):
    rng = random.Random(20260101)
    out = HEAD + "// {op, type, m, sub, operands dst src0..src4 (packed), imm, words}\n"
    for op in desc.isa.ops:
        for ty in op.types:
            for _ in range(2):
                v = random_values(desc, op, ty, rng)
                operands = ", ".join(f"{v[name]:#x}" for name in SLOT_NAMES)
                imm = 0 if op.has_src34 else v["imm"]
                words = ", ".join(f"{w:#010x}u" for w in encode(desc.isa, v))
                out += (f"{{Op::{ident(op.name)}, Type::{ident(ty)}, {str(bool(v['m'])).lower()}, {v['sub']:#x}, "
                        f"{{{operands}}}, {imm:#x}u, {{{words}}}}},\n")
    return out


def dict_bytes(words):
    data = b"".join(w.to_bytes(4, "little") for w in words)
    return '"' + "".join(f"\\x{b:02x}" for b in data) + '"'


def emit_isa_dict(desc):
    out = "# libFuzzer dictionary: the first word of every op with each of its types.\n"
    types = desc.enums["Type"].values
    for op in desc.isa.ops:
        for ty in op.types:
            out += f"{op.name}_{ty}={dict_bytes([op.code | types[ty] << 10])}\n"
    return out


def emit_packet_dict(desc):
    out = "# libFuzzer dictionary: packet headers with their shortest legal length.\n"
    for record in desc.records:
        if record.kind == "packet":
            out += f"{record.name}={dict_bytes([record.number | record.dwords << 16])}\n"
    return out
