# SPDX-License-Identifier: MIT
"""Refuse a hardware description that contradicts itself, has gaps, or changes what was released.

Every rule appends one line per finding; nothing stops at the first. An empty list means "accepted".
"""
import hashlib
import json

from check_common import NAME, TYPE_NAME, check_bits, check_doc, check_enum_fits
from check_records import check_formats, check_limits, check_records, check_registers
from load import FILES, WIDTHS


def check_enums(desc, problems):
    for enum in desc.enums.values():
        check_doc(enum.doc, enum.where, f"enum {enum.name}", problems)
        if not TYPE_NAME.match(enum.name):
            problems.append(f"{enum.where}: enum name {enum.name} is not PascalCase")
        seen = {}
        for key, value in enum.values.items():
            if not NAME.match(key):
                problems.append(f"{enum.where}: {enum.name}.{key} is not a snake_case name")
            if not isinstance(value, int) or value < 0:
                problems.append(f"{enum.where}: {enum.name}.{key} is not a number")
            elif value in seen:
                problems.append(f"{enum.where}: {enum.name}.{key} has the value of {seen[value]}")
            seen[value] = key
        if not enum.values:
            problems.append(f"{enum.where}: enum {enum.name} has no values")


def check_op(desc, op, problems):
    what = f"op {op.name}"
    if not NAME.match(op.name):
        problems.append(f"{op.where}: {what} is not a snake_case name")
    check_doc(op.doc, op.where, what, problems)
    check_doc(op.sem, op.where, f"{what} (sem)", problems)
    if not 0 <= op.code < 1024:
        problems.append(f"{op.where}: {what}: code {op.code:#x} does not fit 10 bits")
    types = desc.enums.get("Type")
    for ty in op.types:
        if types is None or ty not in types.values:
            problems.append(f"{op.where}: {what}: unknown type {ty}")
    if len(op.src) > 5:
        problems.append(f"{op.where}: {what}: more than five sources")
    if len(op.src) != len(op.src_files):
        problems.append(f"{op.where}: {what}: {len(op.src)} sources but {len(op.src_files)} src_files")
    for width in [op.dst, *op.src]:
        if width not in WIDTHS:
            problems.append(f"{op.where}: {what}: unknown width {width!r}")
    for files in [op.dst_files, *op.src_files]:
        if not files or any(f not in FILES for f in files):
            problems.append(f"{op.where}: {what}: unknown operand files {files!r}")
    if "L" in op.dst_files:
        problems.append(f"{op.where}: {what}: a literal destination")
    if op.imm is not None and (op.has_src34 or any("L" in f for f in op.src_files)):
        problems.append(f"{op.where}: {what}: imm word has two owners")
    if op.has_src34 and any("L" in f for f in op.src_files):
        problems.append(f"{op.where}: {what}: imm word holds src3/src4 and a literal")
    check_bits(op.sub, 16, False, what, problems)
    names = set()
    for sub in op.sub:
        check_doc(sub.doc, sub.where, f"{what}.{sub.name}", problems)
        check_enum_fits(desc, sub, what, problems)
        if sub.name in names:
            problems.append(f"{sub.where}: {what}: sub field {sub.name} twice")
        names.add(sub.name)
    if any(w in ("n", "nt") for w in [op.dst, *op.src]) and "n" not in names:
        problems.append(f"{op.where}: {what}: width n without a sub field n")


def check_isa(desc, problems):
    isa = desc.isa
    for name in FILES:
        if name not in isa.files:
            problems.append(f"operand file {name} is not described")
    for name, (_, doc) in isa.files.items():
        check_doc(doc, "encoding.toml", f"operand file {name}", problems)
    for word in range(4):
        fields = [f for f in isa.fields if f.word == word]
        check_bits(fields, 32, True, f"instruction word {word}", problems)
    for fld in isa.fields:
        check_doc(fld.doc, fld.where, f"field {fld.name}", problems)
        check_enum_fits(desc, fld, "instruction", problems)
    codes, names = {}, set()
    for op in isa.ops:
        if op.code in codes:
            problems.append(f"{op.where}: op {op.name} has the code of {codes[op.code]} ({op.code:#x})")
        codes[op.code] = op.name
        if op.name in names:
            problems.append(f"{op.where}: op {op.name} defined twice")
        names.add(op.name)
        check_op(desc, op, problems)
    values = {}
    for sv in isa.sysvals:
        check_doc(sv.doc, sv.where, f"sysval {sv.name}", problems)
        if sv.value in values:
            problems.append(f"{sv.where}: sysval {sv.name} has the value of {values[sv.value]}")
        values[sv.value] = sv.name
        if not sv.stages or any(s not in "vfcteg" for s in sv.stages):
            problems.append(f"{sv.where}: sysval {sv.name}: stages {sv.stages!r}")


def digest(value):
    """Short hash of the encoding-relevant part of an entry."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def release_state(desc):
    """{kind: {name: "number hash"}} for everything that can be frozen."""
    state = {"op": {}, "enum": {}, "sysval": {}, "packet": {}, "struct": {}, "format": {}}
    for op in desc.isa.ops:
        shape = [op.types, op.dst, op.dst_files, op.dst_is_source, op.src, op.src_files,
                 op.imm is not None, [[s.name, s.lo, s.hi, s.enum] for s in op.sub]]
        state["op"][op.name] = f"{op.code:#x} {digest(shape)}"
    for enum in desc.enums.values():
        for key, value in enum.values.items():
            state["enum"][f"{enum.name}.{key}"] = f"{value}"
    for sv in desc.isa.sysvals:
        state["sysval"][sv.name] = f"{sv.value} {digest([sv.width, sv.indices, sv.uniform])}"
    for record in desc.records:
        number = "-" if record.number is None else f"{record.number:#x}"
        state[record.kind][record.name] = f"{number} {digest(record.shape())}"
    for fmt in desc.formats:
        state["format"][fmt.name] = f"{fmt.id}"
    return state


def check_released(desc, problems):
    state = release_state(desc)
    for kind, entries in desc.released.items():
        if kind not in state:
            problems.append(f"released.toml: unknown kind {kind}")
            continue
        for name, frozen in entries.items():
            now = state[kind].get(name)
            if now is None:
                problems.append(f"released.toml: released {kind} {name} is gone")
            elif now != frozen:
                problems.append(f"released.toml: released {kind} {name} changed: was {frozen}, is {now}")


def check(desc):
    """All findings on a description, as lines of text."""
    problems = list(desc.duplicates)
    check_enums(desc, problems)
    check_isa(desc, problems)
    check_records(desc, problems)
    check_registers(desc, problems)
    check_formats(desc, problems)
    check_limits(desc, problems)
    check_released(desc, problems)
    return problems
