# SPDX-License-Identifier: MIT
"""Refusals for packets, structures, registers, limits and formats."""
from check_common import NAME, TYPE_NAME, check_bits, check_doc, check_enum_fits


def check_field_type(desc, structs, fld, what, problems):
    if not fld.kind:
        problems.append(f"{fld.where}: {what}.{fld.name}: unknown type {fld.type!r}")
    elif fld.kind == "enum" and fld.base not in desc.enums:
        problems.append(f"{fld.where}: {what}.{fld.name}: unknown enum {fld.base}")
    elif fld.kind == "struct" and fld.base not in structs:
        problems.append(f"{fld.where}: {what}.{fld.name}: struct {fld.base} is not defined before its use")
    elif fld.count < 1:
        problems.append(f"{fld.where}: {what}.{fld.name}: empty array")


def member_names(record):
    for fld in record.fields:
        if fld.kind == "bits":
            yield from (bit.name for bit in fld.members)
        else:
            yield fld.name


def check_record(desc, structs, record, problems):
    what = f"{record.kind} {record.name}"
    check_doc(record.doc, record.where, what, problems)
    if not TYPE_NAME.match(record.name):
        problems.append(f"{record.where}: {what} is not a PascalCase name")
    for fld in record.fields + ([record.array] if record.array else []):
        check_doc(fld.doc, fld.where, f"{what}.{fld.name}", problems)
        check_field_type(desc, structs, fld, what, problems)
        if not NAME.match(fld.name):
            problems.append(f"{fld.where}: {what}.{fld.name} is not a snake_case name")
        if fld.kind == "bits":
            if not fld.members:
                problems.append(f"{fld.where}: {what}.{fld.name}: bits without members")
            check_bits(fld.members, 32, False, f"{what}.{fld.name}", problems)
            for bit in fld.members:
                check_doc(bit.doc, bit.where, f"{what}.{bit.name}", problems)
                check_enum_fits(desc, bit, what, problems)
    if record.array and (record.array.is_array or record.array.kind == "bits"):
        problems.append(f"{record.where}: {what}: trailing array of {record.array.type}")
    seen = set()
    for name in member_names(record):
        if name in seen and name not in ("pad", "reserved"):
            problems.append(f"{record.where}: {what}: two members called {name}")
        seen.add(name)


def check_records(desc, problems):
    structs, names, ids = set(), set(), {}
    for record in desc.records:
        check_record(desc, structs, record, problems)
        if (record.kind, record.name) in names:
            problems.append(f"{record.where}: {record.kind} {record.name} defined twice")
        names.add((record.kind, record.name))
        if record.kind == "struct":
            structs.add(record.name)
        elif record.number is None or not 0 <= record.number < 0x10000:
            problems.append(f"{record.where}: packet {record.name} has no id that fits 16 bits")
        elif record.number in ids:
            problems.append(f"{record.where}: packet {record.name} has the id of {ids[record.number]}")
        else:
            ids[record.number] = record.name


def check_registers(desc, problems):
    owner = {}
    for reg in desc.registers:
        what = f"register {reg.name}"
        check_doc(reg.doc, reg.where, what, problems)
        if reg.access not in ("ro", "rw", "wo", "w1c"):
            problems.append(f"{reg.where}: {what}: access {reg.access!r}")
        if reg.offset < 0 or reg.offset % 4:
            problems.append(f"{reg.where}: {what}: offset {reg.offset}")
        for i in range(reg.count):
            at = reg.offset + i * reg.stride
            if at in owner:
                problems.append(f"{reg.where}: {what}: offset {at:#x} belongs to {owner[at]}")
            owner[at] = reg.name
        check_bits(reg.fields, 32, False, what, problems)
        for fld in reg.fields:
            check_doc(fld.doc, fld.where, f"{what}.{fld.name}", problems)
            check_enum_fits(desc, fld, what, problems)


def check_limits(desc, problems):
    seen = set()
    for limit in desc.limits:
        check_doc(limit.doc, limit.where, f"limit {limit.name}", problems)
        if not isinstance(limit.value, int) or limit.value < 0:
            problems.append(f"{limit.where}: limit {limit.name} is not a number")
        if not NAME.match(limit.name):
            problems.append(f"{limit.where}: limit {limit.name} is not a snake_case name")
        if limit.name in seen:
            problems.append(f"{limit.where}: limit {limit.name} defined twice")
        seen.add(limit.name)


def check_formats(desc, problems):
    names, ids, vks = set(), {}, {}
    for fmt in desc.formats:
        what = f"format {fmt.name}"
        if fmt.problem:
            problems.append(f"{fmt.where}: {what}: {fmt.problem}")
        if not 0 < fmt.id < 1024:
            problems.append(f"{fmt.where}: {what}: id {fmt.id} does not fit a descriptor")
        for table, value in ((ids, fmt.id), (vks, fmt.vk)):
            if value in table:
                problems.append(f"{fmt.where}: {what} has the number of {table[value]}")
            table[value] = fmt.name
        if fmt.name in names:
            problems.append(f"{fmt.where}: {what} defined twice")
        names.add(fmt.name)
        if fmt.profile not in desc.profiles:
            problems.append(f"{fmt.where}: {what}: unknown profile {fmt.profile}")
        for cap in fmt.caps:
            if cap not in desc.caps:
                problems.append(f"{fmt.where}: {what}: unknown capability {cap}")
    for fmt in desc.formats:
        for plane in fmt.planes:
            if plane not in names:
                problems.append(f"{fmt.where}: format {fmt.name}: unknown plane format {plane}")
    for name, profile in desc.profiles.items():
        check_doc(profile.get("doc", ""), "formats.toml", f"profile {name}", problems)
