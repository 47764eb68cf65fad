// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/ir.hpp"

namespace kite::cc::ir {

bool Inst::removable() const {
    if (!is_hw(op)) {
        return true;
    }
    switch (hw_op(op)) {
    case hw::Op::st:
    case hw::Op::atom:
    case hw::Op::imgst:
    case hw::Op::imgatom:
    case hw::Op::stout:
    case hw::Op::emit:
    case hw::Op::cut:
    case hw::Op::barrier:
    case hw::Op::fence:
    case hw::Op::demote:
    case hw::Op::block:
    case hw::Op::loop:
    case hw::Op::if_:
    case hw::Op::else_:
    case hw::Op::end:
    case hw::Op::br:
    case hw::Op::exit:
        return false;
    case hw::Op::ld:
        return !hw::LdSub::unpack(sub).vol;
    default:
        return true;
    }
}

uint32_t Function::renumber() {
    uint32_t next = 0;
    for (size_t i = 0; i < blocks.size(); ++i) {
        Block& block = *blocks[i];
        block.id = static_cast<uint32_t>(i);
        for (auto& inst : block.insts) {
            inst->id = next++;
            inst->block = &block;
        }
    }
    return next;
}

} // namespace kite::cc::ir
