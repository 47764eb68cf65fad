// SPDX-License-Identifier: MIT
#include "kite_hw/packet_dump.hpp"

#include <bit>
#include <cstdio>

namespace kite::hw {

namespace {

bool refuse(std::string* why, std::string text) {
    if (why != nullptr) {
        *why = std::move(text);
    }
    return false;
}

const char* value_name(std::span<const EnumValue> values, uint32_t value) {
    for (const EnumValue& v : values) {
        if (v.value == value) {
            return v.name;
        }
    }
    return nullptr;
}

uint32_t get(uint32_t word, const BitInfo& bit) {
    return detail::get_bits(word, bit.hi - bit.lo + 1u, bit.lo);
}

bool check_bits(const FieldInfo& field, uint32_t word, std::string* why) {
    uint32_t owned = 0;
    for (const BitInfo& bit : field.bits) {
        owned |= static_cast<uint32_t>(((uint64_t{2} << (bit.hi - bit.lo)) - 1) << bit.lo);
        if (!bit.values.empty() && value_name(bit.values, get(word, bit)) == nullptr) {
            return refuse(why, std::string(bit.name) + ": unknown value");
        }
    }
    return (word & ~owned) == 0 || refuse(why, std::string(field.name) + ": reserved bits set");
}

// Judges one field; `words` holds the whole record.
bool check_field(const FieldInfo& field, std::span<const uint32_t> words, std::string* why) {
    for (uint32_t i = 0; i < field.count; ++i) {
        const uint32_t at = field.at + i * field.step;
        if (field.zero) {
            for (uint32_t k = 0; k < field.step; ++k) {
                if (words[at + k] != 0) {
                    return refuse(why, std::string(field.name) + ": must be 0");
                }
            }
        }
        if (field.kind == FieldKind::bits && !check_bits(field, words[at], why)) {
            return false;
        }
        if (field.kind == FieldKind::enumerator && value_name(field.values, words[at]) == nullptr) {
            return refuse(why, std::string(field.name) + ": unknown value");
        }
        if (field.kind == FieldKind::record &&
            !check_record(*field.record, words.subspan(at, field.step), why)) {
            if (why != nullptr) {
                *why = std::string(field.name) + "." + *why;
            }
            return false;
        }
    }
    return true;
}

std::string number(const char* format, auto value) {
    char text[48];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

std::string named(std::span<const EnumValue> values, uint32_t value) {
    const char* name = value_name(values, value);
    return name != nullptr ? name : std::to_string(value);
}

std::string scalar_text(const FieldInfo& field, const uint32_t* in) {
    switch (field.kind) {
    case FieldKind::i32:
        return std::to_string(static_cast<int32_t>(in[0]));
    case FieldKind::f32:
        return number("%g", static_cast<double>(std::bit_cast<float>(in[0])));
    case FieldKind::u64:
    case FieldKind::va:
        return number("0x%llx", static_cast<unsigned long long>(detail::get_u64(in)));
    case FieldKind::enumerator:
        return named(field.values, in[0]);
    case FieldKind::bits: {
        std::string out;
        for (const BitInfo& bit : field.bits) {
            const uint32_t value = get(in[0], bit);
            out += (out.empty() ? "" : " ") + std::string(bit.name) + "=";
            out += bit.values.empty() ? std::to_string(value) : named(bit.values, value);
        }
        return out;
    }
    default:
        return in[0] < 0x10000 ? std::to_string(in[0]) : number("0x%x", in[0]);
    }
}

// Prints elements first .. first + count of a field whose element 0 is at words[field.at].
std::string field_text(const FieldInfo& field, std::span<const uint32_t> words, uint32_t count,
                       unsigned indent) {
    const std::string pad(2 * size_t{indent}, ' ');
    if (field.kind != FieldKind::record) {
        std::string out = pad + field.name + ":";
        for (uint32_t i = 0; i < count; ++i) {
            out += " " + scalar_text(field, &words[field.at + i * field.step]);
        }
        return out + "\n";
    }
    std::string out;
    for (uint32_t i = 0; i < count; ++i) {
        const std::string index = field.is_array ? "[" + std::to_string(i) + "]" : "";
        out += pad + field.name + index + ":\n";
        out += dump_record(*field.record, words.subspan(field.at + i * field.step, field.step),
                           indent + 1);
    }
    return out;
}

} // namespace

bool packet_length_ok(const PacketInfo& info, uint32_t dwords) {
    const RecordInfo& record = *info.record;
    if (info.any_length) {
        return dwords >= 1;
    }
    if (record.array == nullptr) {
        return dwords == record.dwords;
    }
    return dwords >= record.dwords && (dwords - record.dwords) % record.array->step == 0;
}

bool check_record(const RecordInfo& record, std::span<const uint32_t> words, std::string* why) {
    if (words.size() < record.dwords) {
        return refuse(why, std::string(record.name) + ": truncated");
    }
    for (const FieldInfo& field : record.fields) {
        if (!check_field(field, words, why)) {
            return false;
        }
    }
    return true;
}

bool check_packet(std::span<const uint32_t> words, std::string* why) {
    if (words.empty()) {
        return refuse(why, "no packet header");
    }
    const uint32_t length = packet_dwords(words[0]);
    const PacketInfo* info = packet_info(packet_id(words[0]));
    if (info == nullptr) {
        return refuse(why, "unknown packet " + number("0x%x", words[0] & 0xffffu));
    }
    const RecordInfo& record = *info->record;
    const std::string name = record.name;
    if (length > words.size()) {
        return refuse(why, name + ": packet runs past the end of its buffer");
    }
    if (!packet_length_ok(*info, length)) {
        return refuse(why, name + ": bad length " + std::to_string(length));
    }
    bool ok = check_record(record, words.first(length), why);
    if (ok && record.array != nullptr && !info->any_length) {
        FieldInfo array = *record.array;
        array.count = (length - record.dwords) / array.step;
        ok = check_field(array, words.first(length), why);
    }
    if (!ok && why != nullptr) {
        *why = name + ": " + *why;
    }
    return ok;
}

std::string dump_record(const RecordInfo& record, std::span<const uint32_t> words,
                        unsigned indent) {
    std::string out;
    for (const FieldInfo& field : record.fields) {
        if (field.at + field.count * field.step > words.size()) {
            return out + std::string(2 * size_t{indent}, ' ') + "(truncated)\n";
        }
        out += field_text(field, words, field.count, indent);
    }
    return out;
}

std::string dump_packet(std::span<const uint32_t> words) {
    if (words.empty()) {
        return "(empty)\n";
    }
    const PacketInfo* info = packet_info(packet_id(words[0]));
    const uint32_t length = packet_dwords(words[0]);
    if (info == nullptr) {
        return "unknown packet " + number("0x%x", words[0] & 0xffffu) + ", " +
               std::to_string(length) + " dwords\n";
    }
    const RecordInfo& record = *info->record;
    const auto body = words.first(std::min<size_t>(words.size(), length));
    std::string out = std::string(record.name) + " (" + std::to_string(length) + " dwords)\n";
    out += dump_record(record, body);
    if (record.array != nullptr && body.size() > record.dwords) {
        const size_t room = (body.size() - record.dwords) / record.array->step;
        out += field_text(*record.array, body, static_cast<uint32_t>(room), 1);
    }
    return out;
}

std::string dump_stream(std::span<const uint32_t> words) {
    std::string out;
    while (!words.empty()) {
        std::string why;
        out += dump_packet(words);
        if (!check_packet(words, &why)) {
            return out + "malformed: " + why + "\n";
        }
        words = words.subspan(packet_dwords(words[0]));
    }
    return out;
}

} // namespace kite::hw
