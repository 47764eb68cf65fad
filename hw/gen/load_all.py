# SPDX-License-Identifier: MIT
"""Read the whole description."""
import tomllib

from load import Description, load_isa_dir
from load_records import load_formats, load_limits, load_records, load_registers


def load(root):
    desc = Description(root)
    load_isa_dir(desc)
    load_records(desc)
    load_registers(desc)
    load_limits(desc)
    load_formats(desc)
    path = root / "released.toml"
    if path.exists():
        desc.released = tomllib.loads(path.read_text())
    return desc
