// SPDX-License-Identifier: MIT
#include "shader-compiler/ra/allocate.hpp"

#include <algorithm>

namespace kite::cc {

namespace {

// A loop of the linear code.
struct Loop {
    uint32_t begin, end; // instruction indices of `loop` and its `end`
    int32_t parent;
};

struct Loops {
    std::vector<Loop> loops;        // preorder
    std::vector<int32_t> innermost; // by instruction
};

Loops find_loops(const mir::Function& f) {
    Loops out;
    out.innermost.resize(f.insts.size(), -1);
    std::vector<int32_t> open; // loop index, or -2 for other constructs
    int32_t current = -1;
    for (uint32_t i = 0; i < f.insts.size(); ++i) {
        const hw::Op op = f.insts[i].op;
        if (op == hw::Op::loop) {
            open.push_back(static_cast<int32_t>(out.loops.size()));
            out.loops.push_back({i, i, current});
            current = open.back();
        } else if (op == hw::Op::block || op == hw::Op::if_) {
            open.push_back(-2);
        }
        out.innermost[i] = current;
        if (op == hw::Op::end) {
            if (open.back() >= 0) {
                Loop& l = out.loops[static_cast<size_t>(open.back())];
                l.end = i;
                current = l.parent;
            }
            open.pop_back();
        }
    }
    return out;
}

} // namespace

std::vector<Interval> live_intervals(const mir::Function& f) {
    const Loops loops = find_loops(f);
    std::vector<Interval> out(f.vregs.size());
    for (uint32_t i = 0; i < f.insts.size(); ++i) {
        const mir::Inst& inst = f.insts[i];
        const auto mention = [&](const mir::Operand& o, uint32_t moment) {
            if (o.is_reg()) {
                Interval& v = out[o.reg];
                v.start = std::min(v.start, moment);
                v.end = std::max(v.end, moment);
            }
        };
        for (const mir::Operand& o : inst.src) {
            mention(o, 2 * i);
        }
        mention(inst.dst, mir::writes_dst(inst) ? 2 * i + 1 : 2 * i);
    }
    for (size_t r = 0; r < out.size(); ++r) {
        Interval& v = out[r];
        if (!v.used()) {
            continue;
        }
        const uint32_t first = v.start / 2;
        // Mentioned last inside a loop that it came into from outside: needed again in the next
        // iteration.
        int32_t l = loops.innermost[v.end / 2];
        while (l >= 0) {
            const Loop& loop = loops.loops[static_cast<size_t>(l)];
            if (loop.begin <= first) {
                break;
            }
            v.end = std::max(v.end, 2 * loop.end + 1);
            l = loop.parent;
        }
    }
    for (const mir::Kept& k : f.kept) {
        Interval& v = out[k.vreg];
        if (v.used()) {
            const Loop& loop = loops.loops[static_cast<size_t>(k.loop)];
            v.start = std::min(v.start, 2 * loop.begin);
            v.end = std::max(v.end, 2 * loop.end + 1);
        }
    }
    return out;
}

} // namespace kite::cc
