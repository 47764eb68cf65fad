# SPDX-License-Identifier: MIT
"""The list of generated files: name -> function from description to text."""
import emit_c
import emit_cpp
import emit_docs
import emit_formats
import emit_isa
import emit_record_tables
import emit_vectors

OUTPUTS = {
    # C++ and C headers
    "isa.hpp": emit_isa.emit_header,
    "packets.hpp": emit_cpp.emit_packets,
    "descriptors.hpp": emit_cpp.emit_descriptors,
    "registers.hpp": emit_cpp.emit_registers,
    "limits.hpp": emit_cpp.emit_limits,
    "formats.hpp": emit_formats.emit_header,
    "kite_hw.h": emit_c.emit_header,
    # tables behind them
    "isa_tables.cpp": emit_isa.emit_tables,
    "record_tables.cpp": emit_record_tables.emit_tables,
    "formats_table.cpp": emit_formats.emit_table,
    # tests and fuzzers
    "vectors.inc": emit_vectors.emit_vectors,
    "isa.dict": emit_vectors.emit_isa_dict,
    "packets.dict": emit_vectors.emit_packet_dict,
    # reference pages
    "isa.md": emit_docs.emit_isa,
    "packets.md": emit_docs.emit_packets,
    "descriptors.md": emit_docs.emit_descriptors,
    "formats.md": emit_docs.emit_formats,
    "limits.md": emit_docs.emit_limits,
    "registers.md": emit_docs.emit_registers,
}
