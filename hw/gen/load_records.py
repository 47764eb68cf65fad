# SPDX-License-Identifier: MIT
"""Load packets, memory structures, registers, limits and formats."""
import re
from dataclasses import dataclass, field

from load import Enum, Source, load_enums, make_field

SCALARS = {"u32": 1, "i32": 1, "f32": 1, "u64": 2, "va": 2}
TYPE = re.compile(r"^(?:(enum|struct):)?([A-Za-z0-9_]+)(?:\[(\d+)\])?$")


@dataclass
class RecordField:
    """One field of a packet or structure; `bits` fields carry their members."""
    name: str
    type: str
    doc: str
    where: str
    members: list = field(default_factory=list)
    kind: str = ""      # scalar, enum, struct, bits, or "" if the type is unknown
    base: str = ""      # u32, ..., or the name of the enum or struct
    count: int = 1
    is_array: bool = False
    dwords: int = 0     # of the whole field, arrays included
    at: int = 0         # dword offset in the record

    @property
    def must_be_zero(self):
        return self.doc == "0" and self.kind == "scalar"


@dataclass
class Record:
    """A [[packet]] or [[struct]]."""
    kind: str
    name: str
    number: int | None
    fields: list
    array: RecordField | None
    doc: str
    home: str
    where: str
    dwords: int = 0     # fixed part; packets include the header dword

    def shape(self):
        """What must not change once released."""
        rows = [[f.name, f.type, [[m.name, m.lo, m.hi, m.enum] for m in f.members]] for f in self.fields]
        return rows + ([[self.array.name, self.array.type]] if self.array else [])


@dataclass
class Limit:
    name: str
    value: int
    doc: str
    where: str


@dataclass
class Register:
    name: str
    offset: int
    access: str
    reset: int
    fields: list
    doc: str
    where: str
    count: int = 1
    stride: int = 4


def parse_type(fld):
    if fld.type == "bits":
        fld.kind, fld.base = "bits", "u32"
        return
    match = TYPE.match(fld.type)
    if not match:
        return
    prefix, base, count = match.groups()
    fld.base, fld.is_array, fld.count = base, count is not None, int(count or 1)
    if prefix:
        fld.kind = prefix
    elif base in SCALARS:
        fld.kind = "scalar"


def make_record_field(entry, where):
    fld = RecordField(entry.get("name", "?"), entry.get("type", "?"), entry.get("doc", ""), where)
    fld.members = [make_field(bit, f"{where} {fld.name}.{bit.get('name', '?')}") for bit in entry.get("bits", [])]
    parse_type(fld)
    return fld


def element_dwords(fld, structs):
    if fld.kind == "struct":
        target = structs.get(fld.base)
        return target.dwords if target else 0
    return SCALARS.get(fld.base, 1)


def lay_out(record, structs):
    at = 1 if record.kind == "packet" else 0
    for fld in record.fields:
        fld.at = at
        fld.dwords = element_dwords(fld, structs) * fld.count
        at += fld.dwords
    record.dwords = at
    if record.array:
        record.array.at = at
        record.array.dwords = element_dwords(record.array, structs)


def load_records(desc):
    structs = {}
    for home in ("descriptors", "packets", "mmu", "rings", "display"):
        path = desc.root / f"{home}.toml"
        if not path.exists():
            continue
        src = Source(path)
        load_enums(desc, src, home)
        for kind in ("struct", "packet"):
            for entry in src.data.get(kind, []):
                name = entry.get("name", "?")
                where = src.where(name)
                record = Record(kind, name, entry.get("id"),
                                [make_record_field(f, where) for f in entry.get("fields", [])],
                                make_record_field(entry["array"], where) if "array" in entry else None,
                                entry.get("doc", ""), home, where)
                lay_out(record, structs)
                desc.records.append(record)
                if kind == "struct":
                    structs[name] = record
    ids = {snake_id(r.name): r.number for r in desc.records if r.kind == "packet" and r.number is not None}
    if ids:
        desc.enums["Packet"] = Enum("Packet", ids, "Packet ids: bits 0-15 of a packet's header dword.",
                                    "packets.toml")
        desc.enum_home["Packet"] = "packets"


def snake_id(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def load_registers(desc):
    path = desc.root / "registers.toml"
    if not path.exists():
        return
    src = Source(path)
    load_enums(desc, src, "registers")
    for entry in src.data.get("register", []):
        name = entry.get("name", "?")
        where = src.where(name)
        desc.registers.append(Register(
            name, entry.get("offset", -1), entry.get("access", ""), entry.get("reset", 0),
            [make_field(f, f"{where} {f.get('name', '?')}") for f in entry.get("fields", [])],
            entry.get("doc", ""), where, entry.get("count", 1), entry.get("stride", 4)))


def load_limits(desc):
    path = desc.root / "limits.toml"
    if path.exists():
        src = Source(path)
        for entry in src.data.get("limit", []):
            name = entry.get("name", "?")
            desc.limits.append(Limit(name, entry.get("value"), entry.get("doc", ""), src.where(name)))


def load_formats(desc):
    path = desc.root / "formats.toml"
    if path.exists():
        from formats import read_formats
        read_formats(desc, Source(path))
