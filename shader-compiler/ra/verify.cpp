// SPDX-License-Identifier: MIT
// An independent reading of allocated code, from the view of one lane. A state says which part of
// which virtual register each register holds where the lane is. While the lane waits at the end of
// a construct, or for its turn in an else, the other lanes run the code in between; whatever that
// writes for another virtual register is lost to the lane. Where ways meet only what they agree on
// stays.
#include "shader-compiler/ra/allocate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace kite::cc {

namespace {

// What each register holds: virtual register * 64 + part + 1; 0 = unknown. V first, then S.
using State = std::vector<uint32_t>;
// No way leads here yet.
using Flow = std::optional<State>;

void meet(Flow& into, const Flow& from) {
    if (!from) {
        return;
    }
    if (!into) {
        into = from;
        return;
    }
    for (size_t k = 0; k < into->size(); ++k) {
        if ((*into)[k] != (*from)[k]) {
            (*into)[k] = 0;
        }
    }
}

class Verifier {
public:
    Verifier(const mir::Function& f, const Allocation& a) : f_(f), a_(a) {}

    std::string run() {
        match();
        check_whole_loops();
        Flow state = State(a_.vregs + a_.sregs, 0);
        range(0, static_cast<uint32_t>(f_.insts.size()), state);
        return error_;
    }

private:
    // A construct being walked; `arrivals` are the branches to its end, or to its next iteration.
    struct Open {
        uint32_t begin;
        Flow arrivals;
    };

    void match() {
        partner_.assign(f_.insts.size(), 0);
        middle_.assign(f_.insts.size(), 0);
        std::vector<uint32_t> open;
        for (uint32_t i = 0; i < f_.insts.size(); ++i) {
            const hw::Op op = f_.insts[i].op;
            if (op == hw::Op::block || op == hw::Op::loop || op == hw::Op::if_) {
                open.push_back(i);
            } else if (op == hw::Op::else_) {
                middle_[open.back()] = i;
            } else if (op == hw::Op::end) {
                partner_[open.back()] = i;
                open.pop_back();
            }
        }
    }

    [[nodiscard]] size_t index(uint32_t reg, unsigned part) const {
        return (f_.vregs[reg].file == hw::File::V ? 0 : a_.vregs) + a_.places[reg] + part;
    }

    void report(uint32_t at, std::string text) {
        if (error_.empty()) {
            error_ = fmt::format("instruction {}: {}", at, text);
        }
    }

    // A register that must keep its place over a whole loop may not be written for anyone else
    // there.
    void check_whole_loops() {
        std::vector<uint32_t> loops;
        for (uint32_t i = 0; i < f_.insts.size(); ++i) {
            if (f_.insts[i].op == hw::Op::loop) {
                loops.push_back(i);
            }
        }
        for (const mir::Kept& kept : f_.kept) {
            const uint32_t r = kept.vreg;
            const uint32_t begin = loops[static_cast<size_t>(kept.loop)];
            for (uint32_t i = begin; i < partner_[begin]; ++i) {
                const mir::Inst& inst = f_.insts[i];
                if (!mir::writes_dst(inst) || inst.dst.reg == r ||
                    f_.vregs[inst.dst.reg].file != f_.vregs[r].file) {
                    continue;
                }
                const size_t first = index(inst.dst.reg, inst.dst.sub);
                const size_t n = mir::operand_regs(f_, inst, 0);
                if (first < index(r, f_.vregs[r].regs) && index(r, 0) < first + n) {
                    report(i, fmt::format("overwrites register {} inside its loop", r));
                }
            }
        }
    }

    void access(uint32_t at, const mir::Inst& i, State& state) {
        for (unsigned slot = 0; slot < 6; ++slot) {
            const mir::Operand& o = slot == 0 ? i.dst : i.src[slot - 1];
            if (!o.is_reg() || (slot == 0 && mir::writes_dst(i))) {
                continue;
            }
            const unsigned n = mir::operand_regs(f_, i, slot);
            for (unsigned k = 0; k < n; ++k) {
                const unsigned part = o.sub + k;
                if (part >= f_.vregs[o.reg].regs) {
                    report(at, fmt::format("reads past virtual register {}", o.reg));
                } else if (state[index(o.reg, part)] != o.reg * 64 + part + 1) {
                    report(at,
                           fmt::format("virtual register {}.{} is not in its place", o.reg, part));
                }
            }
        }
        if (!mir::writes_dst(i)) {
            return;
        }
        const unsigned n = mir::operand_regs(f_, i, 0);
        for (unsigned k = 0; k < n; ++k) {
            const unsigned part = i.dst.sub + k;
            if (part >= f_.vregs[i.dst.reg].regs) {
                report(at, fmt::format("writes past virtual register {}", i.dst.reg));
                return;
            }
            state[index(i.dst.reg, part)] = i.dst.reg * 64 + part + 1;
        }
    }

    // What waiting while [from, to) runs leaves of a state.
    Flow wait(const Flow& flow, uint32_t from, uint32_t to) const {
        if (!flow) {
            return flow;
        }
        Flow out = flow;
        for (uint32_t i = from; i < to; ++i) {
            const mir::Inst& inst = f_.insts[i];
            if (!mir::writes_dst(inst)) {
                continue;
            }
            const unsigned n = mir::operand_regs(f_, inst, 0);
            for (unsigned k = 0; k < n; ++k) {
                const unsigned part = inst.dst.sub + k;
                uint32_t& held = (*out)[index(inst.dst.reg, part)];
                if (held != inst.dst.reg * 64 + part + 1) {
                    held = 0;
                }
            }
        }
        return out;
    }

    // Walks [from, to); afterwards `flow` is what falls off the end.
    void range(uint32_t from, uint32_t to, Flow& flow) {
        for (uint32_t i = from; i < to && error_.empty(); ++i) {
            const mir::Inst& inst = f_.insts[i];
            if (flow) {
                access(i, inst, *flow);
            }
            if (partner_[i] != 0) {
                construct(i, flow);
                i = partner_[i];
            } else if (inst.op == hw::Op::br && flow) {
                branch(i, inst, flow);
            }
        }
    }

    void branch(uint32_t at, const mir::Inst& inst, Flow& flow) {
        const unsigned depth = hw::BrSub::unpack(inst.sub).depth;
        if (depth < open_.size()) {
            Open& target = open_[open_.size() - 1 - depth];
            meet(target.arrivals, wait(flow, at + 1, partner_[target.begin]));
        }
        if (inst.src[0].kind == mir::Operand::Kind::none) {
            flow.reset();
        }
    }

    void construct(uint32_t begin, Flow& flow) {
        const uint32_t end = partner_[begin], middle = middle_[begin];
        if (f_.insts[begin].op == hw::Op::loop) {
            for (Flow header = flow;;) {
                open_.push_back({begin, {}});
                flow = header;
                range(begin + 1, end, flow);
                Flow next = header;
                meet(next, open_.back().arrivals);
                open_.pop_back();
                if (next == header || !error_.empty()) {
                    return;
                }
                header = next;
            }
        }
        open_.push_back({begin, {}});
        const Flow before = flow;
        range(begin + 1, middle != 0 ? middle : end, flow);
        if (middle != 0) {
            Flow other = wait(before, begin + 1, middle);
            range(middle + 1, end, other);
            flow = wait(flow, middle + 1, end);
            meet(flow, other);
        } else if (f_.insts[begin].op == hw::Op::if_) {
            meet(flow, wait(before, begin + 1, end));
        }
        meet(flow, open_.back().arrivals);
        open_.pop_back();
    }

    const mir::Function& f_;
    const Allocation& a_;
    std::vector<uint32_t> partner_, middle_;
    std::vector<Open> open_;
    std::string error_;
};

} // namespace

std::string verify_allocation(const mir::Function& f, const Allocation& a) {
    return Verifier(f, a).run();
}

} // namespace kite::cc
