// SPDX-License-Identifier: MIT
#include "kite_hw/assemble.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "kite_hw/verify.hpp"

namespace kite::hw {

namespace {

// Cursor over one line; every `take_` skips blanks first.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool take(char c) {
        skip_blanks();
        if (text_.empty() || text_.front() != c) {
            return false;
        }
        text_.remove_prefix(1);
        return true;
    }
    bool at_end() {
        skip_blanks();
        return text_.empty();
    }
    char peek() {
        skip_blanks();
        return text_.empty() ? '\0' : text_.front();
    }
    std::string_view take_word() {
        skip_blanks();
        size_t n = 0;
        while (n < text_.size() &&
               (std::isalnum(static_cast<unsigned char>(text_[n])) != 0 || text_[n] == '_')) {
            ++n;
        }
        const std::string_view word = text_.substr(0, n);
        text_.remove_prefix(n);
        return word;
    }
    bool take_number(uint32_t& value) {
        const std::string_view word = take_word();
        const bool is_hex = word.starts_with("0x") || word.starts_with("0X");
        const std::string_view digits = is_hex ? word.substr(2) : word;
        const auto [end, code] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
        return code == std::errc{} && !digits.empty() && end == digits.data() + digits.size();
    }
    // A leading `12:` line number, if there is one.
    void skip_line_number() {
        Reader ahead = *this;
        uint32_t number = 0;
        if (ahead.take_number(number) && ahead.take(':')) {
            *this = ahead;
        }
    }

private:
    void skip_blanks() {
        while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front())) != 0) {
            text_.remove_prefix(1);
        }
    }
    std::string_view text_;
};

struct Parser {
    Reader in;
    Inst& inst;
    std::string* err;
    const OpInfo* info = nullptr;
    bool has_literal = false;
    // Last register of a written range [a:b], or -1.
    std::array<int, 6> range_end = {-1, -1, -1, -1, -1, -1};

    bool fail(const std::string& text) const {
        if (err != nullptr) {
            *err = text;
        }
        return false;
    }

    bool parse_head() {
        const std::string_view name = in.take_word();
        info = find_op(name);
        if (info == nullptr) {
            return fail("unknown op '" + std::string(name) + "'");
        }
        inst.op = info->op;
        while (in.take('.')) {
            const std::string_view suffix = in.take_word();
            if (suffix == "m" && !inst.m) {
                inst.m = true;
            } else if (!parse_type(suffix)) {
                return fail("unknown suffix '." + std::string(suffix) + "'");
            }
        }
        return true;
    }

    bool parse_type(std::string_view name) {
        for (uint32_t i = 1; name_of(static_cast<Type>(i)) != nullptr; ++i) {
            if (name == name_of(static_cast<Type>(i)) && inst.ty == Type::none && !inst.m) {
                inst.ty = static_cast<Type>(i);
                return true;
            }
        }
        return false;
    }

    bool parse_register(std::string_view word, unsigned slot) {
        Operand& o = slot == 0 ? inst.dst : inst.src(slot - 1);
        o.file = word.front() == 'v' ? File::V : File::S;
        uint32_t first = 0;
        uint32_t last = 0;
        if (word.size() == 1) {
            if (!in.take('[') || !in.take_number(first) || !in.take(':') || !in.take_number(last) ||
                !in.take(']') || last < first || last > 0x3fff) {
                return fail("bad register range");
            }
            range_end[slot] = static_cast<int>(last);
        } else {
            Reader digits(word.substr(1));
            if (!digits.take_number(first) || !digits.at_end() || first > 0x3fff) {
                return fail("bad register '" + std::string(word) + "'");
            }
        }
        o.index = static_cast<uint16_t>(first);
        return true;
    }

    bool parse_operand(unsigned slot) {
        if (std::isdigit(static_cast<unsigned char>(in.peek())) != 0) {
            uint32_t value = 0;
            if (info->imm_kind != ImmKind::literal || !in.take_number(value)) {
                return fail("bad literal");
            }
            if (has_literal && value != inst.imm) {
                return fail("two different literals");
            }
            has_literal = true;
            inst.imm = value;
            (slot == 0 ? inst.dst : inst.src(slot - 1)) = Operand::literal();
            return true;
        }
        const std::string_view word = in.take_word();
        if (word == "_") {
            return true;
        }
        if (word.empty() || (word.front() != 'v' && word.front() != 's')) {
            return fail("operand expected");
        }
        return parse_register(word, slot);
    }

    bool parse_sysval() {
        const std::string_view name = in.take_word();
        for (const SysValInfo& sv : all_sysvals()) {
            if (name == sv.name) {
                inst.imm = static_cast<uint32_t>(sv.value);
                uint32_t index = 0;
                if (in.take('[') && (!in.take_number(index) || !in.take(']') || index > 0xffff)) {
                    return fail("bad system value index");
                }
                inst.imm |= index << 16;
                return true;
            }
        }
        Reader digits(name);
        return digits.take_number(inst.imm) || fail("unknown system value");
    }

    bool parse_operands() {
        bool first = true;
        const auto next = [&] { return std::exchange(first, false) || in.take(','); };
        if (info->dst.width != Width::zero && !(next() && parse_operand(0))) {
            return fail(err != nullptr && !err->empty() ? *err : "destination expected");
        }
        for (unsigned i = 0; i < info->src_count; ++i) {
            if (!next() || !parse_operand(i + 1)) {
                return fail(err != nullptr && !err->empty() ? *err : "source expected");
            }
        }
        if (info->imm_kind == ImmKind::sysval) {
            return next() ? parse_sysval() : fail("system value expected");
        }
        if (info->imm_kind == ImmKind::number && in.peek() != '{' && !in.at_end()) {
            if (!next() || !in.take('+') || !in.take_number(inst.imm)) {
                return fail("bad immediate");
            }
        }
        return true;
    }

    bool parse_sub_value(const SubField& field) {
        const std::string_view word = in.take_word();
        uint32_t value = 0;
        bool named = false;
        for (const EnumValue& v : field.values) {
            if (word == v.name) {
                value = v.value;
                named = true;
            }
        }
        if (!named) {
            Reader digits(word);
            if (!digits.take_number(value) || !digits.at_end()) {
                return fail(std::string("bad value of ") + field.name);
            }
            if (field.minus_one) {
                value -= 1; // 0 wraps and is refused below
            }
        }
        if (value > (2u << (field.hi - field.lo)) - 1u) {
            return fail(std::string("value of ") + field.name + " does not fit");
        }
        inst.sub = static_cast<uint16_t>(inst.sub | (value << field.lo));
        return true;
    }

    bool parse_subs() {
        if (!in.take('{')) {
            return true;
        }
        uint32_t seen = 0;
        do {
            const std::string_view name = in.take_word();
            const SubField* found = nullptr;
            for (const SubField& field : info->subs) {
                found = name == field.name ? &field : found;
            }
            if (found == nullptr || !in.take('=')) {
                return fail("unknown sub field '" + std::string(name) + "'");
            }
            const uint32_t bit = 1u << found->lo;
            if ((seen & bit) != 0) {
                return fail("sub field '" + std::string(name) + "' twice");
            }
            seen |= bit;
            if (!parse_sub_value(*found)) {
                return false;
            }
        } while (in.take(','));
        return in.take('}') || fail("'}' expected");
    }

    bool check_ranges() const {
        for (unsigned slot = 0; slot < 6; ++slot) {
            const Slot s = static_cast<Slot>(slot);
            const Operand& o = operand(inst, s);
            if (!o.is_reg()) {
                continue;
            }
            const unsigned width = operand_width(inst, s);
            const int want = width > 1 ? static_cast<int>(o.index + width - 1) : -1;
            if (range_end[slot] != want && !(width == 1 && range_end[slot] == o.index)) {
                return fail("an operand names " +
                            std::string(range_end[slot] < 0 ? "one register" : "a range") +
                            ", the instruction uses " + std::to_string(width));
            }
        }
        return true;
    }

    bool parse_words() {
        std::array<uint32_t, 4> words = {};
        for (unsigned i = 0; i < 4; ++i) {
            if ((i != 0 && !in.take(',')) || !in.take_number(words[i])) {
                return fail("bad .word");
            }
        }
        return Inst::decode(words, inst) || fail(".word does not decode to an instruction");
    }

    bool parse() {
        in.skip_line_number();
        if (in.take('.')) {
            if (in.take_word() != "word" || !parse_words()) {
                return fail(err != nullptr && !err->empty() ? *err : "unknown directive");
            }
        } else if (!parse_head() || !parse_operands() || !parse_subs() || !check_ranges()) {
            return false;
        }
        return in.at_end() || fail("text after the instruction");
    }
};

std::string_view strip_comment(std::string_view line) {
    line = line.substr(0, line.find_first_of(";#"));
    return line.substr(0, line.find("//"));
}

} // namespace

bool assemble(std::string_view line, Inst& out, std::string* err) {
    out = Inst{};
    std::string local;
    std::string& text = err != nullptr ? *err : local;
    text.clear();
    Parser parser{.in = Reader(strip_comment(line)), .inst = out, .err = &text};
    return parser.parse();
}

bool assemble_program(std::string_view text, std::vector<uint32_t>& words, std::string* err) {
    unsigned number = 0;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        const std::string_view line = strip_comment(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        ++number;
        if (Reader(line).at_end()) {
            continue;
        }
        Inst inst;
        std::string why;
        if (!assemble(line, inst, &why)) {
            if (err != nullptr) {
                *err = "line " + std::to_string(number) + ": " + why;
            }
            return false;
        }
        const auto encoded = inst.encode();
        words.insert(words.end(), encoded.begin(), encoded.end());
    }
    return true;
}

} // namespace kite::hw
