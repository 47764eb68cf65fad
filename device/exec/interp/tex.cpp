// SPDX-License-Identifier: MIT
// Image instructions: operands to the texture unit and back.
#include "device/exec/interp/interp.hpp"
#include "device/exec/tex/texture.hpp"

namespace kite::dev::exec::interp {

void exec_tex(Wave& w, const hw::Inst& inst) {
    using hw::Op;
    tex::Lanes lanes{};
    lanes.exec = w.exec;
    lanes.store = w.storing();
    lanes.width = w.width;
    lanes.fragment = w.program->info.stage == hw::Stage::fragment;
    const bool sampler = inst.op == Op::tex || inst.op == Op::txg || inst.op == Op::txq;
    const hw::Slot coord = sampler ? hw::Slot::src2 : hw::Slot::src1;
    const unsigned coords = hw::operand_width(inst, coord);
    const unsigned data = inst.op == Op::imgst ? hw::operand_width(inst, hw::Slot::dst) : 0;
    for (unsigned i = 0; i < w.width; ++i) {
        lanes.image_va[i] = w.pair(inst.src0, i);
        lanes.sampler_va[i] = sampler && inst.src1.is_reg() ? w.pair(inst.src1, i) : 0;
        for (unsigned k = 0; k < coords; ++k) {
            lanes.coord[k][i] = w.reg(inst, hw::operand(inst, coord), k, i);
        }
        for (unsigned k = 0; k < data; ++k) {
            lanes.data[k][i] = w.reg(inst, inst.dst, k, i);
        }
        if (inst.op == Op::imgatom) {
            const uint64_t value = w.value(inst, inst.src3, inst.ty, i);
            const uint64_t comparand = w.value(inst, inst.src4, inst.ty, i);
            lanes.data[0][i] = static_cast<uint32_t>(value);
            lanes.data[1][i] = static_cast<uint32_t>(value >> 32);
            lanes.data[2][i] = static_cast<uint32_t>(comparand);
            lanes.data[3][i] = static_cast<uint32_t>(comparand >> 32);
        }
    }
    const bool scalar = inst.dst.file == hw::File::S;
    if (scalar) {
        lanes.exec = 1;
        lanes.store = 0;
    }
    tex::execute(inst, *w.draw, lanes);
    if (inst.op == Op::imgst || inst.dst.is_none()) {
        return;
    }
    const unsigned results = hw::operand_width(inst, hw::Slot::dst);
    for (unsigned i = 0; i < w.lanes_of(inst.dst); ++i) {
        for (unsigned k = 0; k < results; ++k) {
            w.write(inst, k, i, scalar || w.active(i) ? lanes.result[k][i] : 0);
        }
    }
}

} // namespace kite::dev::exec::interp
