# SPDX-License-Identifier: MIT
"""Emit the reference pages: isa.md, packets.md, descriptors.md, formats.md, limits.md, registers.md."""
from load import WIDTH_DOC

NOTE = "<!-- Generated from hw/*.toml; edit the description, not this page. -->\n\n"


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def table(head, rows):
    out = "| " + " | ".join(head) + " |\n|" + " --- |" * len(head) + "\n"
    for row in rows:
        out += "| " + " | ".join(cell(c) for c in row) + " |\n"
    return out + "\n"


def enum_section(enum):
    rows = [(f"`{k}`", v, enum.value_docs.get(k, "")) for k, v in enum.values.items()]
    if any(row[2] for row in rows):
        return f"### {enum.name}\n\n{enum.doc}\n\n" + table(["name", "value", ""], rows)
    return f"### {enum.name}\n\n{enum.doc}\n\n" + table(["name", "value"], [r[:2] for r in rows])


def op_section(op):
    out = f"### `{op.name}` ({op.code:#05x})\n\n{op.doc[:1].upper()}{op.doc[1:]}.\n\n`{op.sem}`\n\n"
    rows = []
    if op.dst != "0":
        rows.append(("dst (read)" if op.dst_is_source else "dst", WIDTH_DOC[op.dst], op.dst_files))
    for i, (width, files) in enumerate(zip(op.src, op.src_files)):
        rows.append((f"src{i}", WIDTH_DOC[width], files))
    if rows:
        out += table(["operand", "registers", "files"], rows)
    if op.types != ["none"]:
        out += "Types: " + ", ".join(f"`{t}`" for t in op.types) + "\n\n"
    if op.imm is not None:
        out += f"Immediate: {op.imm}.\n\n"
    if op.sub:
        rows = [(f"`{s.name}`", f"{s.lo}-{s.hi}" if s.hi > s.lo else s.lo, s.enum or "", s.doc) for s in op.sub]
        out += table(["sub field", "bits", "enum", "meaning"], rows)
    return out


def emit_isa(desc):
    isa = desc.isa
    out = f"# Kite ISA, version {isa.version}\n\n" + NOTE
    for title, doc in isa.docs:
        out += f"## {title}\n\n{doc.strip()}\n\n"
        if title == "Encoding":
            out += table(["word", "bits", "field", "meaning"],
                         [(f.word, f"{f.lo}-{f.hi}", f"`{f.name}`", f.doc) for f in isa.fields])
            out += table(["operand file", "value", "meaning"],
                         [(f"`{n}`", v, d) for n, (v, d) in isa.files.items()])
    groups = []
    for op in isa.ops:
        if op.group not in groups:
            groups.append(op.group)
    out += "## Instructions\n\n" + table(
        ["op", "code", "group", "semantics"], [(f"`{o.name}`", f"{o.code:#05x}", o.group, o.sem) for o in isa.ops])
    for group in groups:
        out += f"## Group {group}\n\n" + "".join(op_section(op) for op in isa.ops if op.group == group)
    stages = {"v": "vertex", "f": "fragment", "c": "compute", "t": "tess_control", "e": "tess_eval", "g": "geometry"}
    out += "## System values\n\n" + table(
        ["name", "value", "stages", "uniform", "registers", "indices", "meaning"],
        [(f"`{s.name}`", s.value, " ".join(stages[x] for x in s.stages), "yes" if s.uniform else "no", s.width,
          s.indices, s.doc) for s in isa.sysvals])
    out += "## Enumerations\n\n" + "".join(
        enum_section(e) for e in desc.enums.values() if desc.enum_home[e.name] == "isa")
    return out


def record_section(record):
    title = record.name + (f" ({record.number:#04x})" if record.number is not None else "")
    out = f"### {title}\n\n{record.doc[:1].upper()}{record.doc[1:]}.\n\n"
    rows = []
    for fld in record.fields:
        rows.append((fld.at, "", f"`{fld.name}`", fld.type, fld.doc))
        for bit in fld.members:
            rows.append(("", f"{bit.lo}-{bit.hi}" if bit.hi > bit.lo else bit.lo, f"`{bit.name}`", bit.enum or "", bit.doc))
    if record.array:
        rows.append((record.array.at, "", f"`{record.array.name}[]`", record.array.type, record.array.doc))
    unit = "packet: header dword first" if record.kind == "packet" else f"{record.dwords * 4} bytes"
    return out + (table(["dword", "bits", "field", "type", "meaning"], rows) if rows else "") + f"{record.dwords} dwords ({unit}).\n\n"


def emit_home(desc, home, title):
    out = f"# {title}\n\n" + NOTE
    for kind, head in (("packet", "Packets"), ("struct", "Structures")):
        records = [r for r in desc.records if r.home == home and r.kind == kind]
        if records:
            out += f"## {head}\n\n" + "".join(record_section(r) for r in records)
    enums = [e for e in desc.enums.values() if desc.enum_home[e.name] == home and e.name != "Packet"]
    return out + ("## Enumerations\n\n" + "".join(enum_section(e) for e in enums) if enums else "")


def emit_packets(desc):
    return emit_home(desc, "packets", "Command stream")


def emit_descriptors(desc):
    return emit_home(desc, "descriptors", "Structures in GPU memory")


def emit_formats(desc):
    out = "# Pixel formats\n\n" + NOTE
    out += table(["capability", "meaning"], [(f"`{n}`", d) for n, d in desc.caps.items()])
    out += table(["profile", "meaning", "capabilities"],
                 [(f"`{n}`", p["doc"], ", ".join(p["caps"])) for n, p in desc.profiles.items()])
    rows = []
    for fmt in desc.formats:
        chans = " ".join(f"{n}:{t}{b}@{s}" if b else f"{n}:{t}" for n, (t, b, s) in fmt.channels.items())
        block = f"{fmt.bytes}" + (f" per {fmt.block[0]}x{fmt.block[1]}" if fmt.block != (1, 1) else "")
        rows.append((fmt.id, f"`{fmt.name}`", block, chans, fmt.profile))
    return out + table(["id", "name", "bytes", "channels (type bits @ shift)", "profile"], rows)


def emit_limits(desc):
    return "# Limits\n\n" + NOTE + table(["limit", "value", "meaning"],
                                         [(f"`{x.name}`", x.value, x.doc) for x in desc.limits])


def emit_registers(desc):
    out = "# Registers\n\n" + NOTE
    for reg in desc.registers:
        many = f", {reg.count} times every {reg.stride:#x}" if reg.count > 1 else ""
        out += f"## {reg.name} ({reg.offset:#06x}{many})\n\n{reg.doc}. Access {reg.access}, reset {reg.reset:#x}.\n\n"
        if reg.fields:
            out += table(["bits", "field", "meaning"],
                         [(f"{f.lo}-{f.hi}", f"`{f.name}`", f.doc) for f in reg.fields])
    enums = [e for e in desc.enums.values() if desc.enum_home[e.name] == "registers"]
    out += "".join(enum_section(e) for e in enums)
    return out + emit_home(desc, "rings", "Rings and faults") + emit_home(desc, "mmu", "Page tables") + emit_home(desc, "display", "Display heads")
