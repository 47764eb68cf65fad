# SPDX-License-Identifier: MIT
"""The list of generated files: name -> function from description to text."""
import emit_isa

OUTPUTS = {
    "isa.hpp": emit_isa.emit_header,
    "isa_tables.cpp": emit_isa.emit_tables,
}
