# SPDX-License-Identifier: MIT
"""Rules that several kinds of entries share."""
import re

NAME = re.compile(r"^[a-z][a-z0-9_]*$")
TYPE_NAME = re.compile(r"^[A-Z][A-Za-z0-9]*$")


def check_bits(fields, width, must_cover, what, problems, reserved=()):
    """Every bit below `width` has one owner; with must_cover, none is without."""
    owner = {}
    for fld in fields:
        if fld.lo > fld.hi or fld.lo < 0 or fld.hi >= width:
            problems.append(f"{fld.where}: {what}.{fld.name}: bits {fld.lo}..{fld.hi} outside 0..{width - 1}")
            continue
        for bit in range(fld.lo, fld.hi + 1):
            if bit in owner:
                problems.append(f"{fld.where}: {what}: bit {bit} owned by {owner[bit]} and {fld.name}")
            owner[bit] = fld.name
    if must_cover:
        gaps = [bit for bit in range(width) if bit not in owner and bit not in reserved]
        if gaps:
            problems.append(f"{what}: bits {gaps} owned by nobody")


def check_enum_fits(desc, fld, what, problems):
    if fld.enum is None or fld.enum == "Operand":
        return
    enum = desc.enums.get(fld.enum)
    if enum is None:
        problems.append(f"{fld.where}: {what}.{fld.name}: unknown enum {fld.enum}")
        return
    for key, value in enum.values.items():
        if isinstance(value, int) and value >= (1 << fld.bits):
            problems.append(f"{fld.where}: {what}.{fld.name}: {fld.enum}.{key} = {value} needs more than {fld.bits} bits")


def check_doc(doc, where, what, problems):
    if not doc.strip():
        problems.append(f"{where}: {what} has no doc")
