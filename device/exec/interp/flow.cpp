// SPDX-License-Identifier: MIT
#include "device/exec/interp/interp.hpp"

namespace kite::dev::exec::interp {

namespace {

using hw::Op;

// Exec became empty: go on at the end (or else) of the innermost construct, or leave the program.
// The instruction found there decides what is active next.
void skip(Wave& w) {
    if (w.frames.empty()) {
        w.pc = static_cast<uint32_t>(w.program->code.size()) - 1;
        return;
    }
    const Frame& f = w.frames.back();
    const uint32_t target = w.program->partner[f.start];
    // Inside the else part the if's partner (the else) lies behind; its own partner is the end.
    w.pc = target >= w.pc ? target : w.program->partner[target];
}

void branch(Wave& w, const hw::Inst& inst) {
    uint32_t leaving = 0;
    for (unsigned i = 0; i < w.width; ++i) {
        if (w.active(i) && (inst.src0.is_none() || w.reg(inst, inst.src0, 0, i) != 0)) {
            leaving |= 1u << i;
        }
    }
    const unsigned depth = hw::BrSub::unpack(inst.sub).depth;
    const auto open = static_cast<unsigned>(w.frames.size());
    for (unsigned k = 0; k < depth && k < open; ++k) {
        w.frames[open - 1 - k].live &= ~leaving;
    }
    if (depth < open && w.frames[open - 1 - depth].kind == Op::loop) {
        w.frames[open - 1 - depth].again |= leaving;
    }
    w.exec &= ~leaving;
    if (w.exec == 0) {
        skip(w);
    }
}

void end(Wave& w) {
    Frame& f = w.frames.back();
    if (f.kind == Op::loop) {
        w.exec = f.again & f.live;
        f.again = 0;
        if (w.exec != 0) {
            if (w.draw->kill->load(std::memory_order_relaxed) != 0) {
                w.done = true;
                return;
            }
            w.pc = f.start + 1;
            return;
        }
    }
    w.exec = f.live;
    w.frames.pop_back();
    if (w.exec == 0) {
        skip(w);
    }
}

void exec_flow(Wave& w, const hw::Inst& inst, uint32_t at) {
    switch (inst.op) {
    case Op::block:
    case Op::loop:
        w.frames.push_back({inst.op, at, w.exec, 0, 0});
        break;
    case Op::if_: {
        uint32_t taken = 0;
        for (unsigned i = 0; i < w.width; ++i) {
            if (w.active(i) && w.reg(inst, inst.src0, 0, i) != 0) {
                taken |= 1u << i;
            }
        }
        w.frames.push_back({inst.op, at, w.exec, w.exec & ~taken, 0});
        w.exec = taken;
        if (w.exec == 0) {
            skip(w);
        }
        break;
    }
    case Op::else_: {
        const Frame& f = w.frames.back();
        w.exec = f.other & f.live;
        if (w.exec == 0) {
            skip(w);
        }
        break;
    }
    case Op::end:
        end(w);
        break;
    case Op::br:
        branch(w, inst);
        break;
    case Op::demote:
        for (unsigned i = 0; i < w.width; ++i) {
            if (w.active(i) && (inst.src0.is_none() || w.reg(inst, inst.src0, 0, i) != 0)) {
                w.live &= ~(1u << i);
            }
        }
        break;
    case Op::fence:
        std::atomic_thread_fence(std::memory_order_seq_cst);
        break;
    case Op::exit:
        w.done = true;
        break;
    default: // nop
        break;
    }
}

} // namespace

void Wave::reset(const Program& p, const DrawContext& d, unsigned lanes) {
    program = &p;
    draw = &d;
    width = lanes;
    pc = 0;
    done = false;
    v.assign(p.info.vregs, Row{});
    s.assign(p.info.sregs, 0);
    frames.clear();
    scratch = nullptr;
    shared = nullptr;
    vertex = nullptr;
    fragment = nullptr;
    group = {};
    subgroup = 0;
    subgroup_count = 1;
}

uint32_t Wave::reg(const hw::Inst& inst, const hw::Operand& o, unsigned k, unsigned lane) const {
    switch (o.file) {
    case hw::File::V:
        return v[o.index + k][lane];
    case hw::File::S:
        return s[o.index + k];
    case hw::File::L:
        return inst.imm;
    case hw::File::Z:
        return 0;
    }
    return 0;
}

uint64_t Wave::value(const hw::Inst& inst, const hw::Operand& o, hw::Type ty, unsigned lane) const {
    if (o.file == hw::File::L) {
        return hw::literal_value(ty, inst.imm);
    }
    if (hw::is_64bit(ty) && o.is_reg()) {
        return pair(o, lane);
    }
    const uint32_t x = reg(inst, o, 0, lane);
    return hw::type_bytes(ty) == 2 ? x & 0xffffu : x;
}

uint64_t Wave::pair(const hw::Operand& o, unsigned lane) const {
    const hw::Inst none{};
    return reg(none, o, 0, lane) | (static_cast<uint64_t>(reg(none, o, 1, lane)) << 32);
}

void Wave::write(const hw::Inst& inst, unsigned k, unsigned lane, uint32_t x) {
    if (inst.dst.file == hw::File::S) {
        s[inst.dst.index + k] = x;
    } else if (inst.dst.file == hw::File::V && (!inst.m || active(lane))) {
        v[inst.dst.index + k][lane] = x;
    }
}

void Wave::write_value(const hw::Inst& inst, hw::Type ty, unsigned lane, uint64_t x) {
    write(inst, 0, lane, static_cast<uint32_t>(x));
    if (hw::is_64bit(ty)) {
        write(inst, 1, lane, static_cast<uint32_t>(x >> 32));
    }
}

Stop run(Wave& w) {
    while (!w.done) {
        const uint32_t at = w.pc++;
        const hw::Inst& inst = w.program->code[at];
        const auto code = static_cast<unsigned>(inst.op);
        if (inst.op == Op::barrier) {
            return Stop::barrier;
        }
        if (inst.op == Op::nop || (code >= 0x0c0 && code < 0x100)) {
            exec_flow(w, inst, at);
        } else if (code < 0x080) {
            exec_alu(w, inst);
        } else if (code < 0x0c0) {
            exec_lane(w, inst);
        } else if (code < 0x140) {
            exec_mem(w, inst);
        } else if (code < 0x180) {
            exec_tex(w, inst);
        } else {
            exec_io(w, inst);
        }
    }
    return Stop::done;
}

} // namespace kite::dev::exec::interp
