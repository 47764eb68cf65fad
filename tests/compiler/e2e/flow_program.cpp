// SPDX-License-Identifier: MIT
#include "tests/compiler/e2e/flow_program.hpp"

#include "shader-compiler/ir/builder.hpp"
#include "shader-compiler/ir/edit.hpp"

#include <algorithm>
#include <bit>
#include <span>

namespace kite::test {

namespace {

using namespace cc;
using Kind = Stmt::Kind;

// Blocks a lane runs before a graph stops going back.
constexpr uint32_t kFuel = 40;

enum AssignOp : unsigned {
    kAdd,
    kSub,
    kMul,
    kXor,
    kAnd,
    kShr,
    kSelect,
    kBallot,
    kAny,
    kFirst,
    kOpCount
};

// ---- generation

class Generator {
public:
    explicit Generator(std::mt19937& rng) : rng_(rng) {}

    std::vector<Stmt> list(unsigned nesting, unsigned loops, bool in_loop) {
        std::vector<Stmt> out;
        const unsigned n = 1 + pick(nesting == 0 ? 6 : 4);
        for (unsigned i = 0; i < n && budget_ > 0; ++i) {
            out.push_back(stmt(nesting, loops, in_loop));
        }
        return out;
    }

private:
    unsigned pick(unsigned n) { return static_cast<unsigned>(rng_() % n); }

    Ref variable(unsigned loops) {
        // Loop counters of open loops are variables too.
        const unsigned k = pick(kVariables + loops);
        return {false, k};
    }
    Ref any(unsigned loops) {
        return pick(3) == 0 ? Ref{true, pick(2) == 0 ? pick(5) : static_cast<uint32_t>(rng_())}
                            : variable(loops);
    }
    Stmt conditional(Kind kind, unsigned loops) {
        Stmt s{.kind = kind, .a = any(loops), .b = any(loops)};
        return s;
    }

    Stmt assign(unsigned loops) {
        return {.kind = Kind::assign,
                .op = pick(kOpCount),
                .dst = pick(kVariables),
                .a = any(loops),
                .b = any(loops)};
    }

    Stmt stmt(unsigned nesting, unsigned loops, bool in_loop) {
        --budget_;
        const unsigned what = pick(16);
        if (nesting < 4 && what >= 13 && loops < kMaxLoops) {
            Stmt s{.kind = Kind::loop,
                   .a = any(loops),
                   .b = {true, pick(2) == 0 ? 3u : 1u},
                   .depth = loops};
            s.body = list(nesting + 1, loops + 1, true);
            return s;
        }
        if (nesting < 5 && what >= 9) {
            Stmt s = conditional(Kind::if_, loops);
            s.body = list(nesting + 1, loops, in_loop);
            if (pick(2) == 0) {
                s.other = list(nesting + 1, loops, in_loop);
            }
            return s;
        }
        if (nesting < 4 && what == 8) {
            Stmt s{.kind = Kind::switch_, .a = variable(loops)};
            const unsigned n = 1 + pick(4);
            for (unsigned i = 0; i < n; ++i) {
                s.cases.push_back(list(nesting + 1, loops, in_loop));
                s.falls.push_back(pick(3) == 0 && i + 1 < n);
            }
            return s;
        }
        if (in_loop && what >= 5 && what < 8) {
            return conditional(what == 5 ? Kind::continue_ : Kind::break_, loops);
        }
        if (what == 4 && pick(4) == 0) {
            return conditional(Kind::return_, loops);
        }
        return assign(loops);
    }

    std::mt19937& rng_;
    int budget_ = 40;
};

// ---- simulation

class Simulation {
public:
    Simulation(unsigned width, Lanes& lanes) : width_(width), v_(lanes) {}

    // Runs on the lanes of mask; returns those that reach the end of the list.
    uint32_t run(const std::vector<Stmt>& list, uint32_t mask) {
        for (const Stmt& s : list) {
            if (mask == 0) {
                break;
            }
            mask = one(s, mask);
        }
        return mask;
    }

private:
    uint32_t value(const Ref& r, unsigned lane) const {
        return r.is_constant ? r.value : v_[r.value][lane];
    }
    uint32_t less(const Stmt& s, uint32_t mask) const {
        uint32_t out = 0;
        for (unsigned i = 0; i < width_; ++i) {
            if ((mask >> i & 1) != 0 && value(s.a, i) < value(s.b, i)) {
                out |= 1u << i;
            }
        }
        return out;
    }

    void assign(const Stmt& s, uint32_t mask) {
        std::array<uint32_t, 16> result{};
        uint32_t ballot = 0;
        for (unsigned i = 0; i < width_; ++i) {
            ballot |= (mask >> i & 1) != 0 && (value(s.a, i) & 1) != 0 ? 1u << i : 0u;
        }
        const auto first = static_cast<unsigned>(std::countr_zero(mask));
        for (unsigned i = 0; i < width_; ++i) {
            const uint32_t a = value(s.a, i), b = value(s.b, i);
            switch (s.op) {
            case kAdd:
                result[i] = a + b;
                break;
            case kSub:
                result[i] = a - b;
                break;
            case kMul:
                result[i] = a * b;
                break;
            case kXor:
                result[i] = a ^ b;
                break;
            case kAnd:
                result[i] = a & b;
                break;
            case kShr:
                result[i] = a >> (b & 31);
                break;
            case kSelect:
                result[i] = a < b ? v_[s.dst][i] : a;
                break;
            case kBallot:
                result[i] = ballot;
                break;
            case kAny:
                result[i] = ballot != 0 ? 1 : 0;
                break;
            default:
                result[i] = value(s.a, first);
                break;
            }
        }
        for (unsigned i = 0; i < width_; ++i) {
            if ((mask >> i & 1) != 0) {
                v_[s.dst][i] = result[i];
            }
        }
    }

    uint32_t loop(const Stmt& s, uint32_t mask) {
        const unsigned counter = kVariables + s.depth;
        const uint32_t outer_break = break_, outer_continue = continue_;
        break_ = continue_ = 0;
        for (unsigned i = 0; i < width_; ++i) {
            if ((mask >> i & 1) != 0) {
                v_[counter][i] = 0;
            }
        }
        uint32_t left = 0;
        while (mask != 0) {
            uint32_t in = 0;
            for (unsigned i = 0; i < width_; ++i) {
                const bool more = v_[counter][i] < (value(s.a, i) & s.b.value);
                in |= (mask >> i & 1) != 0 && more ? 1u << i : 0u;
            }
            left |= mask & ~in;
            mask = run(s.body, in) | continue_;
            continue_ = 0;
            for (unsigned i = 0; i < width_; ++i) {
                if ((mask >> i & 1) != 0) {
                    ++v_[counter][i];
                }
            }
        }
        left |= break_;
        break_ = outer_break;
        continue_ = outer_continue;
        return left;
    }

    uint32_t one(const Stmt& s, uint32_t mask) {
        switch (s.kind) {
        case Kind::assign:
            assign(s, mask);
            return mask;
        case Kind::if_: {
            const uint32_t yes = less(s, mask);
            const uint32_t a = run(s.body, yes);
            return a | run(s.other, mask & ~yes);
        }
        case Kind::loop:
            return loop(s, mask);
        case Kind::break_: {
            const uint32_t go = less(s, mask);
            break_ |= go;
            return mask & ~go;
        }
        case Kind::continue_: {
            const uint32_t go = less(s, mask);
            continue_ |= go;
            return mask & ~go;
        }
        case Kind::return_:
            return mask & ~less(s, mask);
        case Kind::switch_: {
            uint32_t out = 0, falling = 0;
            std::array<uint32_t, 16> wants{};
            for (unsigned i = 0; i < width_; ++i) {
                wants[i] = value(s.a, i) & 3;
            }
            const auto n = static_cast<uint32_t>(s.cases.size());
            for (uint32_t c = 0; c < n; ++c) {
                uint32_t in = falling;
                for (unsigned i = 0; i < width_; ++i) {
                    const uint32_t want = wants[i];
                    const bool here = c + 1 == n ? want >= c : want == c;
                    in |= (mask >> i & 1) != 0 && here ? 1u << i : 0u;
                }
                const uint32_t done = run(s.cases[c], in);
                falling = s.falls[c] ? done : 0;
                out |= s.falls[c] ? 0 : done;
            }
            return out;
        }
        }
        return mask;
    }

    unsigned width_;
    Lanes& v_;
    uint32_t break_ = 0, continue_ = 0;
};

// ---- IR

class IrBuilder {
public:
    explicit IrBuilder(ir::Function& f) : f_(f), b_(f) {}

    void run(const FlowProgram& program) {
        prologue();
        list(program);
        finish_program();
        b_.finish();
    }

    // Blocks with several predecessors get phis for everything.
    void run(const Graph& graph) {
        prologue();
        const size_t n = graph.size();
        std::vector<ir::Block*> first(n), last(n);
        std::vector<Vars> in(n), out(n);
        for (size_t i = 0; i < n; ++i) {
            first[i] = ir::add_block(f_);
        }
        ir::Block* entry = b_.block();
        ir::set_jump(entry, first[0]);
        const Vars start_values = vars_;
        for (size_t i = 0; i < n; ++i) {
            start(first[i]);
            for (auto& v : vars_) {
                v = b_.raw(ir::phi, hw::Type::none, {ir::Base::bits32, 1},
                           std::span<ir::Inst* const>{});
            }
            in[i] = vars_;
            for (const Stmt& s : graph[i].code) {
                assign(s);
            }
            ir::Inst*& fuel = vars_[kVariables];
            fuel = b_.alu(hw::Op::iadd, hw::Type::u32, {fuel, b_.u32(1)});
            last[i] = first[i];
            out[i] = vars_;
            if (i + 1 == n) {
                finish_program();
                break;
            }
            ir::Inst* more = b_.icmp(hw::ICmp::lt, hw::Type::u32, fuel, b_.u32(kFuel));
            ir::Inst* c = b_.logic(hw::Op::and_, more,
                                   less({.kind = Kind::if_, .a = graph[i].a, .b = graph[i].b}));
            if (graph[i].near == graph[i].far) {
                ir::set_jump(last[i], first[graph[i].near]);
            } else {
                branch_to(last[i], c, first[graph[i].far], first[graph[i].near]);
            }
        }
        for (size_t i = 0; i < n; ++i) {
            for (const ir::Block* p : first[i]->preds) {
                const auto from = std::find(last.begin(), last.end(), p) - last.begin();
                for (unsigned k = 0; k < kSlots; ++k) {
                    in[i][k]->operands.push_back(p == entry ? start_values[k]
                                                            : out[static_cast<size_t>(from)][k]);
                }
            }
        }
        b_.finish();
    }

private:
    void prologue() {
        f_.stage = hw::Stage::compute;
        f_.workgroup = {kGroupLanes, 1, 1};
        start(ir::add_block(f_));
        ir::Inst* push = b_.sys(hw::SysVal::push_va);
        buffer_ = b_.raw(hw::Op::ld, hw::Type::u64, {ir::Base::bits64, 1}, {push, nullptr, nullptr},
                         hw::LdSub{}.pack());
        buffer_->invariant = true;
        index_ = b_.sys(hw::SysVal::local_index);
        group_ = b_.sys(hw::SysVal::group_id);
        ir::Inst* lane = b_.sys(hw::SysVal::lane_id);
        ir::Inst* subgroup = b_.sys(hw::SysVal::subgroup_id);
        for (auto& v : vars_) {
            v = b_.u32(0);
        }
        vars_[0] = lane;
        vars_[1] = group_;
        vars_[2] = b_.u32(2);
        vars_[3] = b_.alu(hw::Op::imul, hw::Type::u32, {lane, b_.u32(0x9e3779b9)});
        vars_[4] = b_.alu(hw::Op::iadd, hw::Type::u32, {subgroup, b_.u32(1)});
    }

    using Vars = std::array<ir::Inst*, kSlots>;
    // A block that several edges lead to, with the variables each brings.
    struct Join {
        ir::Block* block;
        std::vector<std::pair<ir::Block*, Vars>> edges;
    };

    void start(ir::Block* block) { b_.at(block); }
    [[nodiscard]] bool alive() const { return b_.block() != nullptr; }

    void jump(Join& join) {
        join.edges.push_back({b_.block(), vars_});
        ir::set_jump(b_.block(), join.block);
        b_.at(nullptr);
    }
    void branch_to(ir::Block* from, ir::Inst* c, ir::Block* yes, ir::Block* no) {
        from->term = ir::Term::branch;
        from->condition = c;
        from->succs = {yes, no};
        ir::add_pred(yes, from);
        ir::add_pred(no, from);
    }
    // Goes on in the join's block with phis where the edges disagree.
    void enter(Join& join) {
        if (join.edges.empty()) {
            // Nobody comes: the block stays, unreachable, and ends at once.
            join.block->term = ir::Term::unreachable;
            b_.at(nullptr);
            return;
        }
        start(join.block);
        for (unsigned k = 0; k < kSlots; ++k) {
            std::vector<ir::Inst*> values;
            for (ir::Block* p : join.block->preds) {
                for (auto& [from, vars] : join.edges) {
                    if (from == p) {
                        values.push_back(vars[k]);
                    }
                }
            }
            vars_[k] = b_.raw(ir::phi, hw::Type::none, {ir::Base::bits32, 1}, values);
        }
    }

    ir::Inst* value(const Ref& r) { return r.is_constant ? b_.u32(r.value) : vars_[r.value]; }
    ir::Inst* less(const Stmt& s) {
        return b_.raw(hw::Op::icmp, hw::Type::u32, {ir::Base::boolean, 1}, {value(s.a), value(s.b)},
                      hw::IcmpSub{.cc = hw::ICmp::lt}.pack());
    }
    ir::Inst* bit(ir::Inst* v) { return b_.to_boolean(b_.and_(v, b_.u32(1))); }

    void assign(const Stmt& s) {
        ir::Inst* a = value(s.a);
        ir::Inst* b = value(s.b);
        const ir::Type word{ir::Base::bits32, 1};
        const auto alu = [&](hw::Op op) { return b_.alu(op, hw::Type::u32, {a, b}); };
        switch (s.op) {
        case kAdd:
            vars_[s.dst] = alu(hw::Op::iadd);
            break;
        case kSub:
            vars_[s.dst] = alu(hw::Op::isub);
            break;
        case kMul:
            vars_[s.dst] = alu(hw::Op::imul);
            break;
        case kXor:
            vars_[s.dst] = alu(hw::Op::xor_);
            break;
        case kAnd:
            vars_[s.dst] = alu(hw::Op::and_);
            break;
        case kShr:
            vars_[s.dst] = alu(hw::Op::shr);
            break;
        case kSelect:
            vars_[s.dst] = b_.sel(less(s), vars_[s.dst], a);
            break;
        case kBallot:
            vars_[s.dst] = b_.raw(hw::Op::ballot, hw::Type::none, word, {bit(a)});
            break;
        case kAny:
            vars_[s.dst] = b_.and_(b_.from_boolean(b_.raw(hw::Op::any, hw::Type::none,
                                                          {ir::Base::boolean, 1}, {bit(a)})),
                                   b_.u32(1));
            break;
        default:
            vars_[s.dst] = b_.raw(hw::Op::readfirst, hw::Type::none, word, {a});
            break;
        }
    }

    void list(const std::vector<Stmt>& statements) {
        for (const Stmt& s : statements) {
            if (!alive()) {
                return;
            }
            one(s);
        }
    }

    // if (condition) { jump to target } as GLSL compilers write it.
    void leave(const Stmt& s, Join* target) {
        ir::Inst* c = less(s);
        ir::Block* header = b_.block();
        ir::Block* yes = ir::add_block(f_);
        ir::Block* rest = ir::add_block(f_);
        header->merge = rest;
        branch_to(header, c, yes, rest);
        const Vars before = vars_;
        start(yes);
        if (target != nullptr) {
            jump(*target);
        } else {
            finish_program();
        }
        vars_ = before;
        start(rest);
    }

    void one(const Stmt& s) {
        switch (s.kind) {
        case Kind::assign:
            assign(s);
            break;
        case Kind::if_: {
            ir::Inst* c = less(s);
            ir::Block* header = b_.block();
            ir::Block* yes = ir::add_block(f_);
            Join merge{ir::add_block(f_), {}};
            const Vars before = vars_;
            ir::Block* no = merge.block;
            if (!s.other.empty()) {
                no = ir::add_block(f_);
            } else {
                merge.edges.push_back({header, before});
            }
            header->merge = merge.block;
            branch_to(header, c, yes, no);
            start(yes);
            list(s.body);
            if (alive()) {
                jump(merge);
            }
            if (!s.other.empty()) {
                vars_ = before;
                start(no);
                list(s.other);
                if (alive()) {
                    jump(merge);
                }
            }
            enter(merge);
            break;
        }
        case Kind::loop:
            loop(s);
            break;
        case Kind::break_:
            leave(s, breaks_.back());
            break;
        case Kind::continue_:
            leave(s, continues_.back());
            break;
        case Kind::return_:
            leave(s, nullptr);
            break;
        case Kind::switch_:
            choose(s);
            break;
        }
    }

    void loop(const Stmt& s) {
        const unsigned counter = kVariables + s.depth;
        // A counter must not keep the value of an earlier loop, as in the simulation.
        vars_[counter] = b_.u32(0);
        ir::Inst* bound = nullptr;
        ir::Block* before = b_.block();
        ir::Block* header = ir::add_block(f_);
        ir::set_jump(before, header);
        const Vars entry = vars_;
        start(header);
        Vars phis{};
        for (unsigned k = 0; k < kSlots; ++k) {
            ir::Inst* const only[] = {entry[k]};
            phis[k] = vars_[k] = b_.raw(ir::phi, hw::Type::none, {ir::Base::bits32, 1}, only);
        }
        bound = b_.and_(value(s.a), b_.u32(s.b.value));
        ir::Inst* more = b_.icmp(hw::ICmp::lt, hw::Type::u32, vars_[counter], bound);
        Join merge{ir::add_block(f_), {}};
        Join next{ir::add_block(f_), {}};
        ir::Block* body = ir::add_block(f_);
        header->merge = merge.block;
        header->continue_target = next.block;
        merge.edges.push_back({header, vars_});
        branch_to(header, more, body, merge.block);
        start(body);
        breaks_.push_back(&merge);
        continues_.push_back(&next);
        list(s.body);
        if (alive()) {
            jump(next);
        }
        breaks_.pop_back();
        continues_.pop_back();
        enter(next);
        if (alive()) {
            vars_[counter] = b_.alu(hw::Op::iadd, hw::Type::u32, {vars_[counter], b_.u32(1)});
            ir::Block* latch = b_.block();
            ir::set_jump(latch, header);
            for (unsigned k = 0; k < kSlots; ++k) {
                phis[k]->operands.push_back(vars_[k]);
            }
        }
        enter(merge);
    }

    void choose(const Stmt& s) {
        ir::Inst* v = b_.and_(value(s.a), b_.u32(3));
        ir::Block* header = b_.block();
        Join merge{ir::add_block(f_), {}};
        header->merge = merge.block;
        const Vars before = vars_;
        std::vector<Join> cases;
        for (size_t c = 0; c < s.cases.size(); ++c) {
            cases.push_back({ir::add_block(f_), {{header, before}}});
        }
        header->term = ir::Term::switch_;
        header->condition = v;
        header->succs = {cases.back().block};
        for (size_t c = 0; c + 1 < cases.size(); ++c) {
            header->case_values.push_back(c);
            header->succs.push_back(cases[c].block);
        }
        for (ir::Block* to : header->succs) {
            ir::add_pred(to, header);
        }
        for (size_t c = 0; c < s.cases.size(); ++c) {
            enter(cases[c]);
            list(s.cases[c]);
            if (alive()) {
                jump(s.falls[c] ? cases[c + 1] : merge);
            }
        }
        enter(merge);
    }

    void finish_program() {
        if (!alive()) {
            return;
        }
        ir::Inst* row =
            b_.alu(hw::Op::iadd, hw::Type::u32,
                   {b_.alu(hw::Op::imul, hw::Type::u32, {group_, b_.u32(kGroupLanes)}), index_});
        ir::Inst* at = b_.alu(hw::Op::imul, hw::Type::u32, {row, b_.u32(kVariables * 4)});
        // Four words in one store, the rest one by one.
        ir::Inst* const first[] = {vars_[0], vars_[1], vars_[2], vars_[3]};
        b_.raw(hw::Op::st, hw::Type::u32, {}, {b_.collect(first), buffer_, at, nullptr},
               hw::StSub{.n = 3}.pack());
        for (unsigned k = 4; k < kVariables; ++k) {
            b_.raw(hw::Op::st, hw::Type::u32, {}, {vars_[k], buffer_, at, nullptr},
                   hw::StSub{}.pack(), k * 4);
        }
        b_.block()->term = ir::Term::exit;
        b_.at(nullptr);
    }

    ir::Function& f_;
    ir::Builder b_;
    Vars vars_{};
    ir::Inst *buffer_ = nullptr, *index_ = nullptr, *group_ = nullptr;
    std::vector<Join*> breaks_, continues_;
};

} // namespace

FlowProgram generate(std::mt19937& rng) {
    return Generator(rng).list(0, 0, false);
}

Lanes initial(uint32_t group, uint32_t subgroup, unsigned width) {
    Lanes v{};
    for (unsigned i = 0; i < width; ++i) {
        v[0][i] = i;
        v[1][i] = group;
        v[2][i] = 2;
        v[3][i] = i * 0x9e3779b9u;
        v[4][i] = subgroup + 1;
    }
    return v;
}

void simulate(const FlowProgram& program, uint32_t mask, unsigned width, Lanes& lanes) {
    Simulation(width, lanes).run(program, mask);
}

Graph generate_graph(std::mt19937& rng) {
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(rng() % n); };
    const auto any = [&] {
        return pick(3) == 0 ? Ref{true, pick(2) == 0 ? pick(5) : static_cast<uint32_t>(rng())}
                            : Ref{false, pick(kVariables)};
    };
    Graph graph(3 + pick(9));
    const auto n = static_cast<unsigned>(graph.size());
    for (unsigned i = 0; i < n; ++i) {
        for (unsigned k = pick(3); k > 0; --k) {
            graph[i].code.push_back({.kind = Kind::assign,
                                     .op = pick(kBallot),
                                     .dst = pick(kVariables),
                                     .a = any(),
                                     .b = any()});
        }
        graph[i].a = any();
        graph[i].b = any();
        if (i + 1 < n) {
            graph[i].near = i + 1 + pick(std::min(3u, n - 1 - i));
            graph[i].far = pick(3) == 0 ? pick(i + 1) : i + 1 + pick(std::min(5u, n - 1 - i));
        }
    }
    return graph;
}

void simulate(const Graph& graph, unsigned lane, Lanes& lanes) {
    const auto value = [&](const Ref& r) { return r.is_constant ? r.value : lanes[r.value][lane]; };
    for (size_t at = 0;;) {
        const GraphBlock& b = graph[at];
        Simulation(16, lanes).run(b.code, 1u << lane);
        ++lanes[kVariables][lane];
        if (at + 1 == graph.size()) {
            return;
        }
        const bool far = lanes[kVariables][lane] < kFuel && value(b.a) < value(b.b);
        at = far ? b.far : b.near;
    }
}

std::unique_ptr<cc::ir::Function> build(const Graph& graph) {
    auto f = std::make_unique<cc::ir::Function>();
    IrBuilder(*f).run(graph);
    return f;
}

std::unique_ptr<cc::ir::Function> build(const FlowProgram& program) {
    auto f = std::make_unique<cc::ir::Function>();
    IrBuilder(*f).run(program);
    return f;
}

} // namespace kite::test
