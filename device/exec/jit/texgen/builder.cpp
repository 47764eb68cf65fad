// SPDX-License-Identifier: MIT
#include "device/exec/jit/texgen/builder.hpp"

#include "device/exec/jit/texgen/prepared.hpp"
#include "device/exec/tex/texture.hpp"

#include <cstddef>

namespace kite::dev::exec::jit::texgen {

Builder::Builder(llvm::Module& module, const TexKey& key)
    : key_(key), format_(*hw::format_info(key.format)), width_(key.width), module_(module),
      context_(module.getContext()), b_(context_) {}

llvm::Type* Builder::ivec() const {
    return llvm::FixedVectorType::get(llvm::Type::getInt32Ty(context_), width_);
}
llvm::Type* Builder::fvec() const {
    return llvm::FixedVectorType::get(llvm::Type::getFloatTy(context_), width_);
}
llvm::Value* Builder::ic(uint32_t x) const {
    return llvm::ConstantInt::get(ivec(), x);
}
llvm::Value* Builder::fc(float x) const {
    return llvm::ConstantFP::get(fvec(), static_cast<double>(x));
}

llvm::Value* Builder::fma(Value* a, Value* b, Value* c) {
    return b_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
}
llvm::Value* Builder::floor(Value* x) {
    return b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, x);
}
llvm::Value* Builder::fmin(Value* a, Value* b) {
    return b_.CreateSelect(b_.CreateFCmpOLT(a, b), a, b);
}
llvm::Value* Builder::fmax(Value* a, Value* b) {
    return b_.CreateSelect(b_.CreateFCmpOGT(a, b), a, b);
}
llvm::Value* Builder::umin(Value* a, Value* b) {
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, a, b);
}
llvm::Value* Builder::lerp(Value* a, Value* b, Value* t) {
    return fma(b_.CreateFSub(b, a), t, a);
}

llvm::Value* Builder::word(Value* from, unsigned n) {
    llvm::LoadInst* x = b_.CreateAlignedLoad(
        b_.getInt32Ty(), b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), from, n), llvm::Align(4));
    x->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context_, {}));
    return x;
}
llvm::Value* Builder::sampler_float(unsigned n) {
    return b_.CreateBitCast(sampler_word(n), b_.getFloatTy());
}
llvm::Value* Builder::bits(Value* word, unsigned low, unsigned count) {
    Value* x = low == 0 ? word : b_.CreateLShr(word, low);
    return low + count >= 32 ? x : b_.CreateAnd(x, (1u << count) - 1);
}

llvm::Value* Builder::row(unsigned n) {
    Value* at = b_.CreateConstInBoundsGEP1_64(
        b_.getInt8Ty(), lanes_, offsetof(tex::Lanes, coord) + size_t{n} * kMaxLanes * 4);
    return b_.CreateAlignedLoad(ivec(), at, llvm::Align(64));
}

llvm::Value* Builder::mask_bits(Value* mask) {
    return b_.CreateZExt(b_.CreateBitCast(mask, b_.getIntNTy(width_)), b_.getInt32Ty());
}

void Builder::store(const Color& color) {
    for (unsigned n = 0; n < 4; ++n) {
        Value* at = b_.CreateConstInBoundsGEP1_64(
            b_.getInt8Ty(), lanes_, offsetof(tex::Lanes, result) + size_t{n} * kMaxLanes * 4);
        b_.CreateAlignedStore(as_int(color[n]), at, llvm::Align(64));
    }
}

// Runs `body` once per distinct value (level | layer << 8) among the lanes of exec; mostly once.
void Builder::loop_over(Value* slices, const std::function<Color(Value*, Value*)>& body,
                        Color& result) {
    Block* before = b_.GetInsertBlock();
    Block* loop = Block::Create(context_, "slice", function_);
    Block* done = Block::Create(context_, "done", function_);
    Value* all = b_.CreateAnd(exec_, b_.getInt32((1u << width_) - 1));
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* left = b_.CreatePHI(b_.getInt32Ty(), 2);
    left->addIncoming(all, before);
    std::array<llvm::PHINode*, 4> acc{};
    for (auto*& a : acc) {
        a = b_.CreatePHI(ivec(), 2);
        a->addIncoming(ic(0), before);
    }
    Value* first = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, left, b_.getFalse());
    first = b_.CreateAnd(first, width_ - 1);
    Value* key = b_.CreateExtractElement(slices, first);
    Value* same = b_.CreateICmpEQ(slices, splat(key));
    const Color color = body(b_.CreateAnd(key, 255), b_.CreateLShr(key, 8));
    Block* end = b_.GetInsertBlock();
    for (unsigned n = 0; n < 4; ++n) {
        result[n] = b_.CreateSelect(same, as_int(color[n]), acc[n]);
        acc[n]->addIncoming(result[n], end);
    }
    Value* rest = b_.CreateAnd(left, b_.CreateNot(mask_bits(same)));
    left->addIncoming(rest, end);
    b_.CreateCondBr(b_.CreateICmpEQ(rest, b_.getInt32(0)), done, loop);
    b_.SetInsertPoint(done);
}

void Builder::run(const char* name) {
    llvm::Type* pointer = b_.getPtrTy();
    auto* type = llvm::FunctionType::get(
        b_.getVoidTy(), {pointer, pointer, b_.getInt64Ty(), pointer, b_.getInt32Ty()}, false);
    function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module_);
    function_->addFnAttr(llvm::Attribute::NoUnwind);
    function_->addFnAttr("prefer-vector-width", width_ == 16 ? "512" : "256");
    function_->addFnAttr("min-legal-vector-width", width_ == 16 ? "512" : "256");
    function_->addFnAttr("no-builtins");
    prepared_ = function_->getArg(0);
    window_ = function_->getArg(1);
    va_mask_ = function_->getArg(2);
    lanes_ = function_->getArg(3);
    imm_ = function_->getArg(4);
    for (const unsigned n : {0u, 3u}) {
        function_->addParamAttr(n, llvm::Attribute::NoAlias);
    }
    b_.SetInsertPoint(Block::Create(context_, "entry", function_));
    const auto part = [&](size_t offset) {
        return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), prepared_, offset);
    };
    image_ = part(offsetof(Prepared, image));
    sampler_ = part(offsetof(Prepared, sampler));
    exec_ = b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstInBoundsGEP1_64(
                                               b_.getInt8Ty(), lanes_, offsetof(tex::Lanes, exec)));
    dims_ = key_.dim == static_cast<uint8_t>(hw::ViewDim::d2) ? 2 : 1;
    switch (static_cast<hw::Op>(key_.op)) {
    case hw::Op::tex:
        tex();
        break;
    case hw::Op::txg:
        txg();
        break;
    default:
        if (key_.dim == static_cast<uint8_t>(hw::ViewDim::buffer)) {
            buffer_fetch();
        } else {
            txf();
        }
        break;
    }
    b_.CreateRetVoid();
}

} // namespace kite::dev::exec::jit::texgen
