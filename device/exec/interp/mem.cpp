// SPDX-License-Identifier: MIT
// Loads, stores and atomics, lane by lane (hw/isa/mem.toml).
#include "device/exec/atomics.hpp"
#include "device/exec/interp/interp.hpp"
#include "device/exec/memory.hpp"

namespace kite::dev::exec::interp {

namespace {

using hw::Space;

// Where one lane's access goes.
struct Place {
    bool in_bounds = false;
    Access access;
};

Space space_of(const hw::Inst& inst) {
    return inst.op == hw::Op::atom ? hw::AtomSub::unpack(inst.sub).space
                                   : hw::LdSub::unpack(inst.sub).space;
}

Place locate(const Wave& w, const hw::Inst& inst, unsigned lane, unsigned element_bytes,
             unsigned count) {
    const bool atomic = inst.op == hw::Op::atom;
    const uint32_t imm = atomic ? 0 : inst.imm;
    uint64_t offset = w.reg(inst, inst.src1, 0, lane);
    const uint64_t bytes = uint64_t{element_bytes} * count;
    if (!atomic && hw::LdSub::unpack(inst.sub).mode == hw::AddrMode::consecutive) {
        offset += lane * bytes;
    }
    const Space space = space_of(inst);
    Place p;
    p.access.lane = lane;
    p.access.width = w.width;
    p.access.interleaved = space == Space::scratch;
    if (space == Space::global) {
        const bool limited = !inst.src2.is_none();
        p.in_bounds = !limited || fits(offset, imm, bytes, w.reg(inst, inst.src2, 0, lane));
        p.access.base = w.draw->window;
        p.access.offset = global_offset(*w.draw, w.pair(inst.src0, lane), offset, imm, limited);
    } else {
        const ProgramInfo& info = w.program->info;
        p.in_bounds = fits(offset, imm, bytes,
                           space == Space::shared ? info.shared_bytes : info.scratch_bytes);
        p.access.base = space == Space::shared ? w.shared : w.scratch;
        p.access.offset = offset + imm;
    }
    return p;
}

uint32_t extend(hw::Type ty, uint64_t x) {
    switch (ty) {
    case hw::Type::i8:
        return static_cast<uint32_t>(static_cast<int32_t>(static_cast<int8_t>(x)));
    case hw::Type::i16:
        return static_cast<uint32_t>(static_cast<int32_t>(static_cast<int16_t>(x)));
    default:
        return static_cast<uint32_t>(x);
    }
}

void load(Wave& w, const hw::Inst& inst) {
    const unsigned bytes = hw::type_bytes(inst.ty);
    const unsigned count = hw::LdSub::unpack(inst.sub).n_count();
    const bool scalar = inst.dst.file == hw::File::S;
    for (unsigned i = 0; i < w.lanes_of(inst.dst); ++i) {
        const Place p = locate(w, inst, i, bytes, count);
        const bool reads = p.in_bounds && (scalar || w.active(i));
        for (unsigned k = 0; k < count; ++k) {
            const uint64_t x = reads ? p.access.read(k * bytes, bytes) : 0;
            if (bytes == 8) {
                w.write(inst, 2 * k, i, static_cast<uint32_t>(x));
                w.write(inst, 2 * k + 1, i, static_cast<uint32_t>(x >> 32));
            } else {
                w.write(inst, k, i, extend(inst.ty, x));
            }
        }
    }
}

// Element by element, and lanes in ascending order for each.
void store(Wave& w, const hw::Inst& inst) {
    const unsigned bytes = hw::type_bytes(inst.ty);
    const unsigned count = hw::StSub::unpack(inst.sub).n_count();
    // Private memory is the lane's own: a helper's too, whose values derivatives may need.
    const uint32_t lanes = space_of(inst) == Space::scratch ? w.exec : w.storing();
    for (unsigned k = 0; k < count; ++k) {
        for (unsigned i = 0; i < w.width; ++i) {
            if (((lanes >> i) & 1u) == 0) {
                continue;
            }
            const Place p = locate(w, inst, i, bytes, count);
            if (!p.in_bounds) {
                continue;
            }
            uint64_t x = 0;
            if (bytes == 8) {
                x = w.reg(inst, inst.dst, 2 * k, i) |
                    (static_cast<uint64_t>(w.reg(inst, inst.dst, 2 * k + 1, i)) << 32);
            } else {
                x = w.reg(inst, inst.dst, k, i);
            }
            p.access.write(k * bytes, bytes, x);
        }
    }
}

void atomic(Wave& w, const hw::Inst& inst) {
    const unsigned bytes = hw::type_bytes(inst.ty);
    const auto op = hw::AtomSub::unpack(inst.sub).aop;
    std::array<uint64_t, kMaxLanes> old{};
    for (unsigned i = 0; i < w.width; ++i) {
        if (((w.storing() >> i) & 1u) == 0) {
            continue;
        }
        const Place p = locate(w, inst, i, bytes, 1);
        if (p.in_bounds) {
            old[i] = atomic_rmw(p.access.base + (p.access.offset & ~uint64_t{bytes - 1}), inst.ty,
                                op, w.value(inst, inst.src3, inst.ty, i),
                                w.value(inst, inst.src4, inst.ty, i));
        }
    }
    for (unsigned i = 0; i < w.width; ++i) {
        w.write_value(inst, inst.ty, i, old[i]);
    }
}

} // namespace

void exec_mem(Wave& w, const hw::Inst& inst) {
    switch (inst.op) {
    case hw::Op::ld:
        load(w, inst);
        break;
    case hw::Op::st:
        store(w, inst);
        break;
    default:
        atomic(w, inst);
        break;
    }
}

} // namespace kite::dev::exec::interp
