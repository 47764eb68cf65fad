// SPDX-License-Identifier: MIT
#include "device/exec/jit/emitter.hpp"

#include "device/exec/jit/compiler.hpp"

#include <cstddef>

namespace kite::dev::exec::jit {

using hw::Op;
using hw::Type;

Emitter::Emitter(llvm::Module& module, const Program& program, const VertexKey& key, unsigned width)
    : module_(module), context_(module.getContext()), program_(program), key_(key), width_(width),
      b_(context_), mask_type_(llvm::FixedVectorType::get(llvm::Type::getInt1Ty(context_), width)) {
}

bool Emitter::fail(std::string why) {
    if (error_.empty()) {
        error_ = "instruction " + std::to_string(at_) + ": " + std::move(why);
    }
    return false;
}

// ---------------------------------------------------------------- types and registers

llvm::Type* Emitter::ity(unsigned bits, Shape shape) const {
    llvm::Type* t = llvm::IntegerType::get(context_, bits);
    return shape == Shape::vector ? llvm::FixedVectorType::get(t, width_) : t;
}

// The computing type: f16 is computed as float.
llvm::Type* Emitter::fty(Type ty, Shape shape) const {
    llvm::Type* t =
        ty == Type::f64 ? llvm::Type::getDoubleTy(context_) : llvm::Type::getFloatTy(context_);
    return shape == Shape::vector ? llvm::FixedVectorType::get(t, width_) : t;
}

llvm::Value* Emitter::constant(uint64_t x, unsigned bits, Shape shape) const {
    return llvm::ConstantInt::get(ity(bits, shape), x);
}

llvm::AllocaInst* Emitter::alloca_of(llvm::Type* ty, const char* name, unsigned align) {
    llvm::IRBuilder<> at(entry_, entry_->begin());
    llvm::AllocaInst* a = at.CreateAlloca(ty, nullptr, name);
    if (align != 0) {
        a->setAlignment(llvm::Align(align));
    }
    return a;
}

Shape Emitter::shape_of(const hw::Inst& inst) const {
    if (inst.dst.file == hw::File::S) {
        return Shape::scalar;
    }
    for (unsigned i = 0; i < 5; ++i) {
        if (inst.src(i).file == hw::File::V) {
            return Shape::vector;
        }
    }
    return Shape::scalar; // computed once, broadcast when written
}

llvm::Value* Emitter::reg(const hw::Inst& inst, const hw::Operand& o, unsigned k, Shape shape) {
    Value* x = nullptr;
    switch (o.file) {
    case hw::File::V:
        return b_.CreateLoad(ity(32, Shape::vector), v_[o.index + k]);
    case hw::File::S:
        x = b_.CreateLoad(b_.getInt32Ty(), s_[o.index + k]);
        break;
    case hw::File::L:
        x = b_.getInt32(inst.imm);
        break;
    case hw::File::Z:
        x = b_.getInt32(0);
        break;
    }
    return shape == Shape::vector ? splat(x) : x;
}

llvm::Value* Emitter::pair(const hw::Operand& o, Shape shape) {
    const hw::Inst none{};
    const Shape own = shape_of(o);
    Value* low = b_.CreateZExt(reg(none, o, 0, own), ity(64, own));
    Value* high = b_.CreateZExt(reg(none, o, 1, own), ity(64, own));
    Value* x = b_.CreateOr(low, b_.CreateShl(high, constant(32, 64, own)));
    return own == Shape::scalar && shape == Shape::vector ? splat(x) : x;
}

llvm::Value* Emitter::value(const hw::Inst& inst, const hw::Operand& o, Type ty, Shape shape) {
    const unsigned bits = hw::type_bytes(ty) * 8;
    if (o.file == hw::File::L) {
        return constant(hw::literal_value(ty, inst.imm), bits, shape);
    }
    if (bits == 64) {
        return o.is_none() ? constant(0, 64, shape) : pair(o, shape);
    }
    Value* x = reg(inst, o, 0, shape);
    return bits == 32 ? x : b_.CreateTrunc(x, ity(bits, shape));
}

void Emitter::write(const hw::Inst& inst, unsigned k, Value* x) {
    if (inst.dst.file == hw::File::S) {
        b_.CreateStore(x, s_[inst.dst.index + k]);
        return;
    }
    if (inst.dst.file != hw::File::V) {
        return;
    }
    if (!x->getType()->isVectorTy()) {
        x = splat(x);
    }
    llvm::AllocaInst* a = v_[inst.dst.index + k];
    if (inst.m) {
        x = b_.CreateSelect(exec(), x, b_.CreateLoad(ity(32, Shape::vector), a));
    }
    b_.CreateStore(x, a);
}

void Emitter::write_value(const hw::Inst& inst, Type ty, Value* x) {
    const Shape shape = x->getType()->isVectorTy() ? Shape::vector : Shape::scalar;
    if (hw::is_64bit(ty)) {
        Value* low = b_.CreateTrunc(x, ity(32, shape));
        Value* high = b_.CreateTrunc(b_.CreateLShr(x, constant(32, 64, shape)), ity(32, shape));
        write(inst, 0, low);
        write(inst, 1, high);
        return;
    }
    write(inst, 0, b_.CreateZExtOrTrunc(x, ity(32, shape)));
}

llvm::Value* Emitter::field(Value* base, size_t offset, llvm::Type* ty) {
    llvm::LoadInst* x = b_.CreateAlignedLoad(ty, address(base, offset), llvm::Align(4));
    x->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context_, {}));
    return x;
}

llvm::Value* Emitter::entry_field(Value* base, size_t offset, llvm::Type* ty) {
    Value*& cached = entry_fields_[{base, offset, ty}];
    if (cached == nullptr) {
        llvm::IRBuilder<>::InsertPointGuard guard(b_);
        b_.SetInsertPoint(entry_);
        cached = field(base, offset, ty);
    }
    return cached;
}

llvm::Value* Emitter::wide_bool(Value* x) {
    const Shape shape = x->getType()->isVectorTy() ? Shape::vector : Shape::scalar;
    return b_.CreateSExt(x, ity(32, shape));
}

llvm::Value* Emitter::truth(Value* x) {
    return b_.CreateICmpNE(x, llvm::Constant::getNullValue(x->getType()));
}

llvm::Value* Emitter::helper(size_t offset) {
    Value* table = entry_field(env_, offsetof(WaveEnv, helpers), b_.getPtrTy());
    return field(table, offset, b_.getPtrTy());
}

llvm::Value* Emitter::inst_pointer(const hw::Inst& inst) {
    const auto index = static_cast<size_t>(&inst - program_.code.data());
    Value* code = entry_field(env_, offsetof(WaveEnv, code), b_.getPtrTy());
    return address(code, index * sizeof(hw::Inst));
}

// ---------------------------------------------------------------- masks

llvm::AllocaInst* Emitter::mask_alloca(const char* name) {
    return alloca_of(width_ == 8 ? ity(32, Shape::vector) : mask_type_, name);
}

llvm::Value* Emitter::load_mask(llvm::AllocaInst* a) {
    if (width_ != 8) {
        return b_.CreateLoad(mask_type_, a);
    }
    Value* x = b_.CreateLoad(ity(32, Shape::vector), a);
    return b_.CreateICmpSLT(x, llvm::Constant::getNullValue(x->getType()));
}

void Emitter::store_mask(llvm::AllocaInst* a, Value* mask) {
    b_.CreateStore(width_ == 8 ? b_.CreateSExt(mask, ity(32, Shape::vector)) : mask, a);
}

llvm::Value* Emitter::storing() {
    return live_ != nullptr ? b_.CreateAnd(exec(), load_mask(live_)) : exec();
}

llvm::Value* Emitter::bits(Value* mask) {
    return b_.CreateZExt(b_.CreateBitCast(mask, b_.getIntNTy(width_)), b_.getInt32Ty());
}

llvm::Value* Emitter::any(Value* mask) {
    return b_.CreateICmpNE(b_.CreateBitCast(mask, b_.getIntNTy(width_)), b_.getIntN(width_, 0));
}

llvm::Value* Emitter::mask_from_bits(Value* x) {
    return b_.CreateBitCast(b_.CreateTrunc(x, b_.getIntNTy(width_)), mask_type_);
}

// ---------------------------------------------------------------- program

void Emitter::initial_exec() {
    switch (program_.info.stage) {
    case hw::Stage::vertex:
    case hw::Stage::tess_control:
    case hw::Stage::tess_eval:
    case hw::Stage::geometry: {
        Value* count = field(wave_, offsetof(VertexWave, count), b_.getInt32Ty());
        initial_ = b_.CreateICmpULT(lane_ids_, splat(count));
        break;
    }
    case hw::Stage::fragment: {
        initial_ = mask_from_bits(field(wave_, offsetof(FragmentWave, exec), b_.getInt32Ty()));
        live_ = mask_alloca("live");
        llvm::LoadInst* live =
            b_.CreateLoad(b_.getInt32Ty(), address(wave_, offsetof(FragmentWave, live)));
        store_mask(live_, mask_from_bits(live));
        break;
    }
    case hw::Stage::compute:
        initial_ = mask_from_bits(field(env_, offsetof(WaveEnv, exec), b_.getInt32Ty()));
        break;
    }
    store_mask(exec_, initial_);
}

void Emitter::prologue() {
    env_ = function_->getArg(0);
    draw_ = field(env_, offsetof(WaveEnv, draw), b_.getPtrTy());
    wave_ = field(env_, offsetof(WaveEnv, wave), b_.getPtrTy());
    window_ = field(draw_, offsetof(DrawContext, window), b_.getPtrTy());
    va_mask_ = field(draw_, offsetof(DrawContext, va_mask), b_.getInt64Ty());
    kill_ = field(draw_, offsetof(DrawContext, kill), b_.getPtrTy());
    std::vector<llvm::Constant*> ids;
    for (unsigned i = 0; i < width_; ++i) {
        ids.push_back(b_.getInt32(i));
    }
    lane_ids_ = llvm::ConstantVector::get(ids);
    v_.resize(program_.info.vregs);
    s_.resize(program_.info.sregs);
    for (auto*& a : v_) {
        a = alloca_of(ity(32, Shape::vector), "v");
        b_.CreateStore(constant(0, 32, Shape::vector), a);
    }
    for (auto*& a : s_) {
        a = alloca_of(b_.getInt32Ty(), "s");
        b_.CreateStore(b_.getInt32(0), a);
    }
    exec_ = mask_alloca("exec");
    initial_exec();
    zero_outputs();
}

// Outputs that some path may leave unwritten start as 0.
void Emitter::zero_outputs() {
    const auto stage = program_.info.stage;
    if (stage == hw::Stage::compute || stage == hw::Stage::tess_control) {
        return;
    }
    std::map<uint32_t, bool> always; // slot -> written by every lane
    int depth = 0;
    bool left = false;
    for (const hw::Inst& inst : program_.code) {
        switch (inst.op) {
        case Op::block:
        case Op::loop:
        case Op::if_:
            ++depth;
            break;
        case Op::end:
            --depth;
            break;
        case Op::br:
            left |= static_cast<int>(hw::BrSub::unpack(inst.sub).depth) == depth;
            break;
        case Op::stout:
            for (unsigned k = 0; k < hw::StoutSub::unpack(inst.sub).n_count(); ++k) {
                always[inst.imm + k] |= depth == 0 && !left && !program_.info.has_loops;
            }
            break;
        default:
            break;
        }
    }
    const size_t base =
        writes_vertices(stage) ? offsetof(VertexWave, out) : offsetof(FragmentWave, out);
    for (const auto& [slot, written] : always) {
        if (!written) {
            b_.CreateAlignedStore(constant(0, 32, Shape::vector),
                                  address(wave_, base + slot * kMaxLanes * 4), llvm::Align(32));
        }
    }
}

void Emitter::epilogue() {
    start(exit_);
    if (live_ != nullptr && program_.info.demotes) {
        b_.CreateStore(bits(load_mask(live_)), address(wave_, offsetof(FragmentWave, live)));
    }
    b_.CreateRetVoid();
    // The entry block only collects invariant values; now that it is complete it may end.
}

bool Emitter::instruction(uint32_t at, const hw::Inst& inst) {
    at_ = at;
    const auto code = static_cast<unsigned>(inst.op);
    if (inst.op == Op::nop) {
        return true;
    }
    if (code < 0x080) {
        lower_alu(inst);
    } else if (code < 0x0c0) {
        lower_lane(inst);
    } else if (code < 0x100) {
        lower_flow(at, inst);
    } else if (code < 0x140) {
        lower_mem(inst);
    } else if (code < 0x180) {
        lower_tex(inst);
    } else {
        lower_io(inst);
    }
    return error_.empty();
}

bool Emitter::run(const char* name) {
    plan_ = plan_flow(program_);
    auto* type = llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy()}, false);
    function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module_);
    function_->addFnAttr(llvm::Attribute::NoUnwind);
    function_->addFnAttr("prefer-vector-width", width_ == 16 ? "512" : "256");
    function_->addFnAttr("min-legal-vector-width", width_ == 16 ? "512" : "256");
    function_->addFnAttr("no-builtins");
    // Register pressure shows too late for the frame to be aligned to whole vectors.
    function_->addFnAttr("stackrealign");
    function_->addFnAttr("warn-stack-size", std::to_string(kMaxFrameBytes)); // see compiler.cpp
    entry_ = block("entry");
    exit_ = block("exit");
    Block* body = block("body");
    start(entry_);
    prologue();
    start(body);
    for (uint32_t i = 0; i < program_.code.size(); ++i) {
        if (!instruction(i, program_.code[i])) {
            return false;
        }
    }
    epilogue();
    start(entry_);
    b_.CreateBr(body);
    return true;
}

} // namespace kite::dev::exec::jit
