# SPDX-License-Identifier: MIT
"""Read hw/*.toml into plain objects, with defaults filled in and source lines remembered.

Nothing is judged here beyond what is needed to build the objects; check.py refuses.
"""
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

FILES = ["V", "S", "L", "Z"]
SLOTS = ["dst", "src0", "src1", "src2", "src3", "src4"]
WIDTHS = {
    "0": "zero", "1": "one", "2": "two", "4": "four", "t": "t", "n": "n", "nt": "nt", "4t": "four_t",
    "coord": "coord", "s": "source_type", "sys": "sys",
}
WIDTH_DOC = {
    "1": "1", "2": "2", "4": "4", "t": "1, or 2 for 64-bit types", "n": "n",
    "nt": "n, times 2 for 64-bit types", "4t": "4, times 2 for 64-bit types",
    "coord": "coordinate tuple", "s": "1, or 2 for a 64-bit source type", "sys": "width of the value",
}


class HwError(Exception):
    """The description cannot be read or is refused; the text names file, line and entry."""


@dataclass
class Field:
    """A run of bits with a name: a sub field of an op, or a field of a packet word."""
    name: str
    lo: int
    hi: int
    doc: str = ""
    enum: str | None = None
    word: int = 0
    where: str = ""

    @property
    def bits(self):
        return self.hi - self.lo + 1

    @property
    def minus_one(self):
        return self.doc.endswith("minus 1")


@dataclass
class Enum:
    name: str
    values: dict
    doc: str
    where: str
    flags: bool = False
    value_docs: dict = field(default_factory=dict)


@dataclass
class Op:
    name: str
    code: int
    types: list
    dst: str
    dst_files: str
    dst_is_source: bool
    src: list
    src_files: list
    sub: list
    imm: str | None
    sem: str
    doc: str
    group: str
    where: str

    @property
    def has_src34(self):
        return len(self.src) > 3


@dataclass
class SysVal:
    name: str
    value: int
    stages: str
    uniform: bool
    width: int
    indices: int
    doc: str
    where: str


@dataclass
class Isa:
    version: int = 0
    consts: dict = field(default_factory=dict)
    fields: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    ops: list = field(default_factory=list)
    sysvals: list = field(default_factory=list)
    docs: list = field(default_factory=list)


@dataclass
class Description:
    """Everything under hw/, merged."""
    root: Path
    isa: Isa = field(default_factory=Isa)
    enums: dict = field(default_factory=dict)
    enum_home: dict = field(default_factory=dict)
    records: list = field(default_factory=list)
    formats: list = field(default_factory=list)
    caps: dict = field(default_factory=dict)
    profiles: dict = field(default_factory=dict)
    limits: list = field(default_factory=list)
    registers: list = field(default_factory=list)
    released: dict = field(default_factory=dict)
    docs: dict = field(default_factory=dict)
    duplicates: list = field(default_factory=list)


class Source:
    """One parsed file that can tell on which line an entry stands."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        try:
            self.data = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise HwError(f"{path.name}: {error}") from error

    def where(self, name):
        pattern = re.compile(r'^\s*(?:\{\s*)?name\s*=\s*"%s"' % re.escape(name))
        for number, line in enumerate(self.text.splitlines(), 1):
            if pattern.match(line):
                return f"{self.path.name}:{number}"
        return self.path.name


def bit_range(spec, where):
    """`[lo, hi]`, or a single number for a single bit."""
    if isinstance(spec, int):
        return spec, spec
    if not (isinstance(spec, list) and len(spec) == 2 and all(isinstance(b, int) for b in spec)):
        raise HwError(f"{where}: bits must be [lo, hi]")
    return spec[0], spec[1]


def make_field(entry, where):
    for key in ("name", "bits"):
        if key not in entry:
            raise HwError(f"{where}: field without {key}")
    lo, hi = bit_range(entry["bits"], where)
    return Field(entry["name"], lo, hi, entry.get("doc", ""), entry.get("enum"),
                 entry.get("word", 0), where)


def load_enums(desc, src, home):
    for entry in src.data.get("enum", []):
        name = entry.get("name", "?")
        where = src.where(name)
        values = entry.get("values", {})
        plain, value_docs = {}, {}
        for key, value in values.items():
            if isinstance(value, dict):
                plain[key] = value.get("value")
                value_docs[key] = value.get("doc", "")
            else:
                plain[key] = value
        if name in desc.enums:
            desc.duplicates.append(f"{where}: enum {name} defined twice")
        desc.enums[name] = Enum(name, plain, entry.get("doc", ""), where,
                                entry.get("flags", False), value_docs)
        desc.enum_home[name] = home


def load_isa(desc, path):
    src = Source(path)
    isa = desc.isa
    data = src.data
    if "isa" in data:
        head = dict(data["isa"])
        isa.version = head.pop("version", 0)
        isa.docs.append(("Encoding", head.pop("doc", "")))
        isa.consts.update(head)
    for entry in data.get("field", []):
        isa.fields.append(make_field(entry, src.where(entry.get("name", "?"))))
    for entry in data.get("operand", {}).get("file", []):
        isa.files[entry["name"]] = (entry["value"], entry.get("doc", ""))
    for key, value in data.items():
        if key not in ("isa", "operand") and isinstance(value, dict) and "doc" in value:
            isa.docs.append((key.capitalize(), value["doc"]))
    load_enums(desc, src, "isa")
    for entry in data.get("op", []):
        name = entry.get("name", "?")
        where = src.where(name)
        for key in ("name", "code"):
            if key not in entry:
                raise HwError(f"{where}: op without {key}")
        srcs = entry.get("src", [])
        dst = entry.get("dst", "0")
        isa.ops.append(Op(
            name, entry["code"], entry.get("types", ["none"]), dst,
            entry.get("dst_files", "VS" if dst != "0" else "Z"), entry.get("dst_is_source", False),
            srcs, entry.get("src_files", ["VSL"] * len(srcs)),
            [make_field(sub, f"{where} sub {sub.get('name', '?')}") for sub in entry.get("sub", [])],
            entry.get("imm"), entry.get("sem", ""), entry.get("doc", ""), path.stem, where))
    for entry in data.get("sysval", []):
        name = entry.get("name", "?")
        isa.sysvals.append(SysVal(name, entry["value"], entry.get("stages", ""),
                                  entry.get("uniform", False), entry.get("width", 1),
                                  entry.get("indices", 1), entry.get("doc", ""), src.where(name)))


def load_isa_dir(desc):
    paths = sorted((desc.root / "isa").glob("*.toml"))
    if not paths:
        raise HwError("hw/isa holds no description")
    paths.sort(key=lambda p: p.name != "encoding.toml")
    for path in paths:
        load_isa(desc, path)
    desc.isa.ops.sort(key=lambda op: op.code)
