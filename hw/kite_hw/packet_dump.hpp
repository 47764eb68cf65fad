// SPDX-License-Identifier: MIT
// Packets and memory structures as data: checking hostile ones, printing them for traces.
//
// check_packet() is what the device asks before it looks at a packet: known id, length that fits,
// reserved bits and dwords zero, every enum value known. It says nothing about addresses or limits.
// dump_packet() prints any packet, also a malformed one, with field names. Pure functions over
// generated constant tables: thread-safe; failure is a false return with a reason.
//
// Example: std::string why; if (!check_packet(words, &why)) { fault(why); }
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kite_hw/packets.hpp"

namespace kite::hw {

/// How a field is stored.
enum class FieldKind : uint8_t { u32, i32, f32, u64, va, bits, enumerator, record };

/// A named bit range of a `bits` field.
struct BitInfo {
    const char* name;
    uint8_t lo, hi;
    /// Names of its values; empty for a plain number.
    std::span<const EnumValue> values;
};

struct RecordInfo;

/// One field of a record.
struct FieldInfo {
    const char* name;
    FieldKind kind;
    /// Dword offset in the record, the packet header included.
    uint32_t at;
    /// Elements, and dwords of each.
    uint32_t count, step;
    bool is_array;
    /// Reserved, must be 0.
    bool zero;
    /// Layout of FieldKind::record.
    const RecordInfo* record;
    std::span<const EnumValue> values;
    std::span<const BitInfo> bits;
};

/// A packet's or structure's layout.
struct RecordInfo {
    const char* name;
    /// Fixed part, the packet header included.
    uint32_t dwords;
    std::span<const FieldInfo> fields;
    /// Trailing array; nullptr if none.
    const FieldInfo* array;
};

/// One packet of the command stream.
struct PacketInfo {
    Packet id;
    /// The length says only how much to skip.
    bool any_length;
    const RecordInfo* record;
};

/// The packet's entry; nullptr for an unknown id.
const PacketInfo* packet_info(Packet id);
/// All packets in id order.
std::span<const PacketInfo> all_packets();
/// All memory structures.
std::span<const RecordInfo* const> all_structs();

/// True if a packet may have this total length in dwords.
bool packet_length_ok(const PacketInfo& info, uint32_t dwords);

/// Judge a packet; `words` starts at the header and may hold more than the packet.
bool check_packet(std::span<const uint32_t> words, std::string* why = nullptr);

/// Judge a structure's dwords: reserved bits zero and enum values known.
bool check_record(const RecordInfo& record, std::span<const uint32_t> words,
                  std::string* why = nullptr);

/// A packet on several lines: name, then one field per line, indented.
std::string dump_packet(std::span<const uint32_t> words);

/// A structure's fields on one line each, indented.
std::string dump_record(const RecordInfo& record, std::span<const uint32_t> words,
                        unsigned indent = 1);

/// A whole command stream, up to the first malformed packet.
std::string dump_stream(std::span<const uint32_t> words);

} // namespace kite::hw
