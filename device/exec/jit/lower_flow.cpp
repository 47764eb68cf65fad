// SPDX-License-Identifier: MIT
// Structured control flow on masks (hw/isa/flow.toml); plain jumps where the plan allows them.
#include "device/exec/jit/emitter.hpp"

#include <cstddef>

namespace kite::dev::exec::jit {

using hw::Op;

llvm::BasicBlock* Emitter::block(const char* name) {
    return llvm::BasicBlock::Create(context_, name, function_);
}

// Where execution goes on when exec becomes empty here.
llvm::BasicBlock* Emitter::skip_target() {
    if (frames_.empty()) {
        return exit_;
    }
    const Frame& f = frames_.back();
    const bool other_side = f.kind == Op::if_ && f.has_else && !f.in_else && !f.uniform_if;
    return other_side ? f.other_bb : f.end_bb;
}

void Emitter::leave_if_empty() {
    Block* go_on = block("some");
    b_.CreateCondBr(any(exec()), go_on, skip_target());
    start(go_on);
}

void Emitter::lower_flow(uint32_t at, const hw::Inst& inst) {
    switch (inst.op) {
    case Op::block: {
        Frame f;
        f.kind = Op::block;
        f.start = at;
        f.live = mask_alloca("live");
        f.end_bb = block("end");
        store_mask(f.live, exec());
        frames_.push_back(f);
        break;
    }
    case Op::loop:
        open_loop(at);
        break;
    case Op::if_:
        open_if(at, inst);
        break;
    case Op::else_: {
        Frame& f = frames_.back();
        b_.CreateBr(f.uniform_if ? f.end_bb : f.other_bb);
        start(f.other_bb);
        f.in_else = true;
        if (f.uniform_if) {
            store_mask(exec_, load_mask(f.live));
        } else {
            store_mask(exec_, b_.CreateAnd(load_mask(f.other), load_mask(f.live)));
            leave_if_empty();
        }
        break;
    }
    case Op::end:
        close(at);
        break;
    case Op::br:
        branch(at, inst);
        break;
    case Op::demote: {
        Value* gone = exec();
        if (!inst.src0.is_none()) {
            gone = b_.CreateAnd(gone, truth(reg(inst, inst.src0, 0, Shape::vector)));
        }
        store_mask(live_, b_.CreateAnd(load_mask(live_), b_.CreateNot(gone)));
        break;
    }
    case Op::fence:
        b_.CreateFence(llvm::AtomicOrdering::SequentiallyConsistent);
        break;
    case Op::barrier: {
        auto* type = llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy()}, false);
        b_.CreateCall(type, helper(offsetof(Helpers, barrier)), {env_});
        break;
    }
    case Op::exit:
        b_.CreateBr(exit_);
        break;
    default:
        fail("unknown control flow instruction");
    }
}

void Emitter::open_loop(uint32_t at) {
    Frame f;
    f.kind = Op::loop;
    f.start = at;
    f.divergent = plan_.divergent[at];
    f.live = mask_alloca("live");
    f.header = block("loop");
    f.latch = block("latch");
    f.end_bb = block("loop.end");
    store_mask(f.live, exec());
    b_.CreateBr(f.header);
    start(f.header);
    if (f.divergent) {
        f.again = mask_alloca("again");
        store_mask(f.again, no_lanes());
    }
    frames_.push_back(f);
}

void Emitter::open_if(uint32_t at, const hw::Inst& inst) {
    Frame f;
    f.kind = Op::if_;
    f.start = at;
    f.uniform_if = inst.src0.file != hw::File::V;
    f.has_else = program_.code[program_.partner[at]].op == Op::else_;
    f.live = mask_alloca("live");
    f.end_bb = block("endif");
    f.other_bb = f.has_else ? block("else") : f.end_bb;
    Block* then = block("then");
    store_mask(f.live, exec());
    if (f.uniform_if) {
        b_.CreateCondBr(truth(reg(inst, inst.src0, 0, Shape::scalar)), then, f.other_bb);
    } else {
        Value* all = exec();
        Value* condition = truth(reg(inst, inst.src0, 0, Shape::vector));
        Value* taken = b_.CreateAnd(all, condition);
        f.other = mask_alloca("other");
        store_mask(f.other, b_.CreateAnd(all, b_.CreateNot(condition)));
        store_mask(exec_, taken);
        b_.CreateCondBr(any(taken), then, f.other_bb);
    }
    start(then);
    frames_.push_back(f);
}

void Emitter::close(uint32_t) {
    Frame f = frames_.back();
    b_.CreateBr(f.end_bb);
    start(f.end_bb);
    if (f.kind == Op::loop) {
        close_loop(f);
        return;
    }
    store_mask(exec_, load_mask(f.live));
    frames_.pop_back();
    if (f.touched) {
        leave_if_empty();
    }
}

void Emitter::close_loop(Frame f) {
    if (f.divergent) {
        Value* again = b_.CreateAnd(load_mask(f.again), load_mask(f.live));
        Block* leave = block("loop.exit");
        Block* more = block("loop.more");
        b_.CreateCondBr(any(again), more, leave);
        start(more);
        store_mask(exec_, again);
        b_.CreateBr(f.latch);
        start(leave);
    }
    Block* outside = b_.GetInsertBlock();
    start(f.latch);
    llvm::LoadInst* kill = b_.CreateAlignedLoad(b_.getInt32Ty(), kill_, llvm::Align(4));
    kill->setAtomic(llvm::AtomicOrdering::Monotonic);
    b_.CreateCondBr(b_.CreateICmpEQ(kill, b_.getInt32(0)), f.header, exit_,
                    llvm::MDBuilder(context_).createBranchWeights(1000, 1));
    start(outside);
    store_mask(exec_, load_mask(f.live));
    frames_.pop_back();
    if (f.touched) {
        leave_if_empty();
    }
}

// Where a plain jump out of `depth` constructs lands.
llvm::BasicBlock* Emitter::target_of(unsigned depth) {
    if (depth >= frames_.size()) {
        return exit_;
    }
    const Frame& f = frames_[frames_.size() - 1 - depth];
    if (f.kind == Op::loop) {
        return f.latch;
    }
    return f.kind == Op::if_ && f.has_else && !f.in_else && !f.uniform_if ? f.other_bb : f.end_bb;
}

void Emitter::masked_branch(unsigned depth, Value* leaving) {
    const size_t open = frames_.size();
    Value* stay = b_.CreateNot(leaving);
    for (unsigned k = 0; k < depth && k < open; ++k) {
        Frame& f = frames_[open - 1 - k];
        store_mask(f.live, b_.CreateAnd(load_mask(f.live), stay));
        f.touched = true;
    }
    if (depth < open && frames_[open - 1 - depth].kind == Op::loop) {
        Frame& f = frames_[open - 1 - depth];
        store_mask(f.again, b_.CreateOr(load_mask(f.again), leaving));
    }
}

void Emitter::branch(uint32_t at, const hw::Inst& inst) {
    const unsigned depth = hw::BrSub::unpack(inst.sub).depth;
    escaped_ |= depth == frames_.size();
    if (inst.src0.file == hw::File::V) {
        Value* leaving = b_.CreateAnd(exec(), truth(reg(inst, inst.src0, 0, Shape::vector)));
        masked_branch(depth, leaving);
        store_mask(exec_, b_.CreateAnd(exec(), b_.CreateNot(leaving)));
        leave_if_empty();
        return;
    }
    Block* stay = block("stay");
    if (!inst.src0.is_none()) {
        Block* go = block("leave");
        b_.CreateCondBr(truth(reg(inst, inst.src0, 0, Shape::scalar)), go, stay);
        start(go);
    }
    if (plan_.direct[at]) {
        b_.CreateBr(target_of(depth));
    } else {
        masked_branch(depth, exec());
        b_.CreateBr(skip_target());
    }
    start(stay); // unreachable after an unconditional branch
}

} // namespace kite::dev::exec::jit
