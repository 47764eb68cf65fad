# SPDX-License-Identifier: MIT
"""The list of generated files: name -> function from description to text."""
import emit_cpp
import emit_formats
import emit_isa
import emit_record_tables

OUTPUTS = {
    "isa.hpp": emit_isa.emit_header,
    "packets.hpp": emit_cpp.emit_packets,
    "descriptors.hpp": emit_cpp.emit_descriptors,
    "limits.hpp": emit_cpp.emit_limits,
    "formats.hpp": emit_formats.emit_header,
    "isa_tables.cpp": emit_isa.emit_tables,
    "formats_table.cpp": emit_formats.emit_table,
    "record_tables.cpp": emit_record_tables.emit_tables,
}
