// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/ir/text.hpp"

#include <charconv>
#include <unordered_map>

namespace kite::cc::ir {

namespace {

constexpr unsigned kMaxBlocks = 100000;

/// One line cut into words at blanks.
struct Line {
    std::vector<std::string_view> words;
    size_t next = 0;

    [[nodiscard]] bool done() const { return next >= words.size(); }
    std::string_view peek() const { return done() ? std::string_view() : words[next]; }
    std::string_view take() { return done() ? std::string_view() : words[next++]; }
};

bool number(std::string_view text, uint64_t& out) {
    int base = 10;
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    const auto r = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return !text.empty() && r.ec == std::errc() && r.ptr == text.data() + text.size();
}

/// Value of "key=..." if the word has that key.
bool keyed(std::string_view word, std::string_view key, std::string_view& value) {
    if (!word.starts_with(key) || word.size() <= key.size() || word[key.size()] != '=') {
        return false;
    }
    value = word.substr(key.size() + 1);
    return true;
}

class Parser {
public:
    explicit Parser(std::string& error) : error_(error) {}

    std::unique_ptr<Function> run(std::string_view text) {
        while (!text.empty()) {
            const size_t end = text.find('\n');
            std::string_view raw = text.substr(0, end);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            ++line_number_;
            raw = raw.substr(0, raw.find(';'));
            Line line;
            for (size_t i = 0; i < raw.size();) {
                if (raw[i] == ' ' || raw[i] == '\t') {
                    ++i;
                    continue;
                }
                size_t j = i;
                while (j < raw.size() && raw[j] != ' ' && raw[j] != '\t') {
                    ++j;
                }
                line.words.push_back(raw.substr(i, j - i));
                i = j;
            }
            if (!line.done() && !parse_line(line)) {
                error_ = "line " + std::to_string(line_number_) + ": " + error_;
                return nullptr;
            }
        }
        if (!resolve()) {
            return nullptr;
        }
        return std::move(f_);
    }

private:
    bool fail(std::string message) {
        error_ = std::move(message);
        return false;
    }

    Block* block_ref(std::string_view word) {
        uint64_t n = 0;
        if (!word.starts_with("b") || !number(word.substr(1), n) || n >= kMaxBlocks) {
            error_ = "expected a block, found '" + std::string(word) + "'";
            return nullptr;
        }
        while (f_->blocks.size() <= n) {
            add_block(*f_);
        }
        return f_->blocks[n].get();
    }

    bool header(Line& line) {
        f_ = std::make_unique<Function>();
        const std::string_view stage = line.take();
        bool known = false;
        for (const hw::Stage s :
             {hw::Stage::vertex, hw::Stage::fragment, hw::Stage::compute, hw::Stage::tess_control,
              hw::Stage::tess_eval, hw::Stage::geometry}) {
            if (stage == hw::name_of(s)) {
                f_->stage = s;
                known = true;
            }
        }
        if (!known) {
            return fail("unknown stage");
        }
        while (!line.done()) {
            const std::string_view word = line.take();
            std::string_view value;
            uint64_t n = 0;
            if (keyed(word, "workgroup", value)) {
                for (uint32_t& dim : f_->workgroup) {
                    const size_t comma = value.find(',');
                    if (!number(value.substr(0, comma), n)) {
                        return fail("bad workgroup");
                    }
                    dim = static_cast<uint32_t>(n);
                    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
                }
            } else if (keyed(word, "shared", value) && number(value, n)) {
                f_->shared_bytes = static_cast<uint32_t>(n);
            } else if (keyed(word, "scratch", value) && number(value, n)) {
                f_->scratch_bytes = static_cast<uint32_t>(n);
            } else if (keyed(word, "early", value) && number(value, n)) {
                f_->early_fragment_tests = n != 0;
            } else if (keyed(word, "persample", value) && number(value, n)) {
                f_->per_sample = n != 0;
            } else if (keyed(word, "depth", value) && number(value, n)) {
                f_->depth_mode = static_cast<uint8_t>(n);
            } else {
                return fail("unknown function property '" + std::string(word) + "'");
            }
        }
        return true;
    }

    bool block_line(Line& line) {
        block_ = block_ref(line.take());
        if (block_ == nullptr) {
            return false;
        }
        while (!line.done()) {
            const std::string_view word = line.take();
            std::string_view value;
            if (keyed(word, "merge", value)) {
                if ((block_->merge = block_ref(value)) == nullptr) {
                    return false;
                }
            } else if (keyed(word, "continue", value)) {
                if ((block_->continue_target = block_ref(value)) == nullptr) {
                    return false;
                }
            } else if (keyed(word, "preds", value)) {
                while (!value.empty()) {
                    const size_t comma = value.find(',');
                    Block* p = block_ref(value.substr(0, comma));
                    if (p == nullptr) {
                        return false;
                    }
                    block_->preds.push_back(p);
                    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
                }
            } else {
                return fail("unknown block property '" + std::string(word) + "'");
            }
        }
        return true;
    }

    bool target(Line& line) {
        Block* b = block_ref(line.take());
        if (b == nullptr) {
            return false;
        }
        block_->succs.push_back(b);
        return true;
    }

    bool condition(Line& line) {
        uint64_t n = 0;
        const std::string_view word = line.take();
        if (!word.starts_with("%") || !number(word.substr(1), n)) {
            return fail("expected a condition");
        }
        conditions_.emplace_back(block_, n);
        return true;
    }

    /// -1: not a terminator, 0: error, 1: done.
    int terminator(Line& line) {
        const std::string_view word = line.peek();
        if (word == "jump") {
            line.take();
            block_->term = Term::jump;
            return target(line) ? 1 : 0;
        }
        if (word == "branch") {
            line.take();
            block_->term = Term::branch;
            return condition(line) && target(line) && target(line) ? 1 : 0;
        }
        if (word == "switch") {
            line.take();
            block_->term = Term::switch_;
            if (!condition(line) || !target(line)) {
                return 0;
            }
            while (!line.done()) {
                const std::string_view item = line.take();
                const size_t equals = item.find('=');
                uint64_t n = 0;
                if (equals == std::string_view::npos || !number(item.substr(0, equals), n)) {
                    return fail("bad case") ? 1 : 0;
                }
                Block* b = block_ref(item.substr(equals + 1));
                if (b == nullptr) {
                    return 0;
                }
                block_->case_values.push_back(n);
                block_->succs.push_back(b);
            }
            return 1;
        }
        if (word == "exit" || word == "unreachable" || word == "none") {
            block_->term = word == "exit"          ? Term::exit
                           : word == "unreachable" ? Term::unreachable
                                                   : Term::none;
            return 1;
        }
        return -1;
    }

    bool result(std::string_view word, Inst& inst) {
        const size_t colon = word.find(':');
        uint64_t n = 0;
        if (colon == std::string_view::npos || !number(word.substr(1, colon - 1), n)) {
            return fail("bad result");
        }
        std::string_view type = word.substr(colon + 1);
        const size_t x = type.find('x');
        uint64_t count = 1;
        if (x != std::string_view::npos &&
            (!number(type.substr(x + 1), count) || count == 0 || count > 16)) {
            return fail("bad element count");
        }
        type = type.substr(0, x);
        for (const BaseName& b : kBaseNames) {
            if (type == b.name) {
                inst.type = {b.base, static_cast<uint8_t>(count)};
            }
        }
        if (inst.type.base == Base::none) {
            return fail("unknown type '" + std::string(type) + "'");
        }
        if (!values_.emplace(n, &inst).second) {
            return fail("value defined twice");
        }
        return true;
    }

    bool opcode(std::string_view word, Inst& inst) {
        const size_t dot = word.find('.');
        const std::string_view name = word.substr(0, dot);
        bool known = false;
        for (const PseudoName& p : kPseudoNames) {
            if (name == p.name) {
                inst.op = p.op;
                known = true;
            }
        }
        if (const hw::OpInfo* info = known ? nullptr : hw::find_op(name); info != nullptr) {
            inst.op = op(info->op);
            known = true;
        }
        if (!known) {
            return fail("unknown opcode '" + std::string(name) + "'");
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        for (unsigned t = 1; t <= static_cast<unsigned>(hw::Type::u64); ++t) {
            if (word.substr(dot + 1) == hw::name_of(static_cast<hw::Type>(t))) {
                inst.ty = static_cast<hw::Type>(t);
                return true;
            }
        }
        return fail("unknown operation type");
    }

    bool sub_fields(std::string_view word, Inst& inst) {
        const hw::OpInfo* info = is_hw(inst.op) ? hw::op_info(hw_op(inst.op)) : nullptr;
        if (info == nullptr || !word.ends_with("}")) {
            return fail("bad sub fields");
        }
        word = word.substr(1, word.size() - 2);
        while (!word.empty()) {
            const size_t comma = word.find(',');
            const std::string_view item = word.substr(0, comma);
            word.remove_prefix(comma == std::string_view::npos ? word.size() : comma + 1);
            const size_t equals = item.find('=');
            if (equals == std::string_view::npos) {
                return fail("bad sub field");
            }
            const std::string_view key = item.substr(0, equals);
            const std::string_view text = item.substr(equals + 1);
            bool known = false;
            for (const hw::SubField& field : info->subs) {
                if (key != field.name) {
                    continue;
                }
                uint64_t value = 0;
                bool ok = number(text, value);
                for (const hw::EnumValue& e : field.values) {
                    if (text == e.name) {
                        value = e.value;
                        ok = true;
                    }
                }
                if (!ok || value > (2u << (field.hi - field.lo)) - 1u) {
                    return fail("bad value of sub field '" + std::string(key) + "'");
                }
                inst.sub = static_cast<uint16_t>(inst.sub | (value << field.lo));
                known = true;
            }
            if (!known) {
                return fail("unknown sub field '" + std::string(key) + "'");
            }
        }
        return true;
    }

    bool instruction(Line& line) {
        block_->insts.push_back(std::make_unique<Inst>());
        Inst& inst = *block_->insts.back();
        inst.block = block_;
        if (line.peek().starts_with("%")) {
            if (!result(line.take(), inst)) {
                return false;
            }
            if (line.take() != "=") {
                return fail("expected '='");
            }
        }
        if (!opcode(line.take(), inst)) {
            return false;
        }
        while (!line.done()) {
            const std::string_view word = line.take();
            std::string_view value;
            uint64_t n = 0;
            if (word.starts_with("{")) {
                if (!sub_fields(word, inst)) {
                    return false;
                }
            } else if (keyed(word, "imm", value) && number(value, n)) {
                inst.imm = static_cast<uint32_t>(n);
            } else if (word == "inv") {
                inst.invariant = true;
            } else if (word == "_") {
                inst.operands.push_back(nullptr);
            } else if (word.starts_with("%") && number(word.substr(1), n)) {
                uses_.push_back({&inst, inst.operands.size(), n});
                inst.operands.push_back(nullptr);
            } else if (inst.op == constant && number(word, n)) {
                inst.constant_bits = n;
            } else {
                return fail("unexpected '" + std::string(word) + "'");
            }
        }
        return true;
    }

    bool parse_line(Line& line) {
        if (f_ == nullptr) {
            return line.take() == "function" ? header(line) : fail("expected 'function'");
        }
        if (line.peek() == "block") {
            line.take();
            return block_line(line);
        }
        if (block_ == nullptr) {
            return fail("expected 'block'");
        }
        const int t = terminator(line);
        return t >= 0 ? t == 1 : instruction(line);
    }

    bool resolve() {
        if (f_ == nullptr || f_->blocks.empty()) {
            return fail("no function");
        }
        for (const Use& use : uses_) {
            const auto it = values_.find(use.id);
            if (it == values_.end()) {
                return fail("value %" + std::to_string(use.id) + " is not defined");
            }
            use.inst->operands[use.index] = it->second;
        }
        for (const auto& [block, id] : conditions_) {
            const auto it = values_.find(id);
            if (it == values_.end()) {
                return fail("value %" + std::to_string(id) + " is not defined");
            }
            block->condition = it->second;
        }
        f_->renumber();
        return true;
    }

    struct Use {
        Inst* inst;
        size_t index;
        uint64_t id;
    };
    std::string& error_;
    unsigned line_number_ = 0;
    std::unique_ptr<Function> f_;
    Block* block_ = nullptr;
    std::unordered_map<uint64_t, Inst*> values_;
    std::vector<Use> uses_;
    std::vector<std::pair<Block*, uint64_t>> conditions_;
};

} // namespace

std::unique_ptr<Function> parse(std::string_view text, std::string& error) {
    return Parser(error).run(text);
}

} // namespace kite::cc::ir
