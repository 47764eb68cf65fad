// SPDX-License-Identifier: MIT
#include "device/exec/jit/lane_pass.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <optional>
#include <vector>

namespace kite::dev::exec::jit {

namespace {

using llvm::Value;
using Ops = llvm::Instruction::BinaryOps;

constexpr unsigned kMaxDepth = 8;

// scalar + step[i] in lane i, modulo the width of the elements. No scalar: it is 0.
struct Affine {
    Value* scalar = nullptr;
    std::vector<uint64_t> step;
};

class LanePass {
public:
    explicit LanePass(llvm::Function& function) : function_(function), b_(function.getContext()) {}

    void run() {
        for (llvm::BasicBlock& block : function_) {
            for (auto it = block.begin(); it != block.end();) {
                llvm::Instruction& inst = *it++;
                b_.SetInsertPoint(&inst);
                Value* better = nullptr;
                if (auto* extract = llvm::dyn_cast<llvm::ExtractElementInst>(&inst)) {
                    better = extracted(*extract);
                } else if (auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&inst)) {
                    better = contiguous(*call);
                }
                if (better != nullptr) {
                    inst.replaceAllUsesWith(better);
                    inst.eraseFromParent();
                }
            }
        }
        for (const Strided& s : strided_) {
            scalar_stores(s);
        }
        ors_to_adds();
    }

private:
    // A scatter whose lanes lie at constants from one address.
    struct Strided {
        llvm::IntrinsicInst* call;
        Value* base; // of lane 0's constant 0
        std::vector<uint64_t> step;
    };

    static uint64_t cut(uint64_t x, unsigned bits) {
        return bits >= 64 ? x : x & ((uint64_t{1} << bits) - 1);
    }

    // Lane k of a vector as a scalar, if that costs no vector work.
    Value* lane(Value* v, unsigned k, unsigned depth) {
        if (auto* c = llvm::dyn_cast<llvm::Constant>(v)) {
            return c->getAggregateElement(k);
        }
        if (depth == kMaxDepth) {
            return nullptr;
        }
        if (auto* insert = llvm::dyn_cast<llvm::InsertElementInst>(v)) {
            auto* at = llvm::dyn_cast<llvm::ConstantInt>(insert->getOperand(2));
            if (at == nullptr) {
                return nullptr;
            }
            return at->getZExtValue() == k ? insert->getOperand(1)
                                           : lane(insert->getOperand(0), k, depth + 1);
        }
        if (auto* shuffle = llvm::dyn_cast<llvm::ShuffleVectorInst>(v)) {
            const int from = shuffle->getMaskValue(k);
            auto* type = llvm::dyn_cast<llvm::FixedVectorType>(shuffle->getOperand(0)->getType());
            if (from < 0 || type == nullptr) {
                return nullptr;
            }
            const auto at = static_cast<unsigned>(from);
            const unsigned n = type->getNumElements();
            return at < n ? lane(shuffle->getOperand(0), at, depth + 1)
                          : lane(shuffle->getOperand(1), at - n, depth + 1);
        }
        if (auto* op = llvm::dyn_cast<llvm::BinaryOperator>(v);
            op != nullptr && v->getType()->isIntOrIntVectorTy()) {
            const bool cheap = op->getOpcode() != Ops::UDiv && op->getOpcode() != Ops::SDiv &&
                               op->getOpcode() != Ops::URem && op->getOpcode() != Ops::SRem;
            Value* x = cheap ? lane(op->getOperand(0), k, depth + 1) : nullptr;
            Value* y = x != nullptr ? lane(op->getOperand(1), k, depth + 1) : nullptr;
            if (y == nullptr) {
                return nullptr;
            }
            Value* made = b_.CreateBinOp(op->getOpcode(), x, y);
            if (auto* inst = llvm::dyn_cast<llvm::Instruction>(made)) {
                inst->copyIRFlags(op);
            }
            return made;
        }
        return nullptr;
    }

    static unsigned lanes_of(const Value* v) {
        return llvm::cast<llvm::FixedVectorType>(v->getType())->getNumElements();
    }

    std::optional<Affine> affine(Value* v, unsigned depth) {
        const unsigned n = lanes_of(v);
        const unsigned bits = v->getType()->getScalarSizeInBits();
        if (auto* c = llvm::dyn_cast<llvm::Constant>(v)) {
            Affine a{nullptr, {}};
            for (unsigned i = 0; i < n; ++i) {
                auto* x = llvm::dyn_cast_or_null<llvm::ConstantInt>(c->getAggregateElement(i));
                if (x == nullptr) {
                    return {};
                }
                a.step.push_back(x->getZExtValue());
            }
            return a;
        }
        if (depth == kMaxDepth) {
            return {};
        }
        if (auto* shuffle = llvm::dyn_cast<llvm::ShuffleVectorInst>(v)) {
            if (!shuffle->isZeroEltSplat()) {
                return {};
            }
            Value* x = lane(shuffle->getOperand(0), 0, depth + 1);
            return x == nullptr ? std::nullopt : std::optional(Affine{x, std::vector<uint64_t>(n)});
        }
        auto* op = llvm::dyn_cast<llvm::BinaryOperator>(v);
        if (op == nullptr) {
            return {};
        }
        const auto* disjoint = llvm::dyn_cast<llvm::PossiblyDisjointInst>(op);
        const bool sum =
            op->getOpcode() == Ops::Add || (disjoint != nullptr && disjoint->isDisjoint());
        const bool scaled = op->getOpcode() == Ops::Shl || op->getOpcode() == Ops::Mul;
        if (!sum && !scaled) {
            return {};
        }
        auto x = affine(op->getOperand(0), depth + 1);
        const auto y = x ? affine(op->getOperand(1), depth + 1) : std::nullopt;
        if (!y) {
            return {};
        }
        if (sum) {
            for (unsigned i = 0; i < n; ++i) {
                x->step[i] = cut(x->step[i] + y->step[i], bits);
            }
            if (y->scalar != nullptr) {
                x->scalar = x->scalar == nullptr ? y->scalar : b_.CreateAdd(x->scalar, y->scalar);
            }
            return x;
        }
        const uint64_t by = y->step[0];
        if (y->scalar != nullptr || !all_same(y->step) || by >= bits) {
            return {};
        }
        const bool shift = op->getOpcode() == Ops::Shl;
        for (uint64_t& s : x->step) {
            s = cut(shift ? s << by : s * by, bits);
        }
        if (x->scalar != nullptr) {
            Value* factor = llvm::ConstantInt::get(x->scalar->getType(), by);
            x->scalar = shift ? b_.CreateShl(x->scalar, factor) : b_.CreateMul(x->scalar, factor);
        }
        return x;
    }

    static bool all_same(const std::vector<uint64_t>& step) {
        return std::all_of(step.begin(), step.end(), [&](uint64_t s) { return s == step[0]; });
    }

    Value* sum(Value* scalar, uint64_t step, llvm::Type* type) {
        Value* constant = llvm::ConstantInt::get(type, step);
        return scalar == nullptr ? constant : b_.CreateAdd(scalar, constant);
    }

    Value* extracted(llvm::ExtractElementInst& extract) {
        Value* v = extract.getVectorOperand();
        if (!v->getType()->isIntOrIntVectorTy()) {
            return nullptr;
        }
        if (auto* at = llvm::dyn_cast<llvm::ConstantInt>(extract.getIndexOperand())) {
            return at->getZExtValue() < lanes_of(v)
                       ? lane(v, static_cast<unsigned>(at->getZExtValue()), 0)
                       : nullptr;
        }
        const auto a = affine(v, 0);
        if (!a) {
            return nullptr;
        }
        llvm::Type* type = extract.getType();
        const unsigned bits = type->getScalarSizeInBits();
        Value* first = sum(a->scalar, a->step[0], type);
        if (all_same(a->step)) {
            return first;
        }
        const uint64_t each = cut(a->step[1] - a->step[0], bits);
        for (unsigned i = 0; i < a->step.size(); ++i) {
            if (a->step[i] != cut(a->step[0] + each * i, bits)) {
                return nullptr;
            }
        }
        Value* index = b_.CreateZExtOrTrunc(extract.getIndexOperand(), type);
        return b_.CreateAdd(first, b_.CreateMul(index, llvm::ConstantInt::get(type, each)));
    }

    // A gather or scatter of dwords that lie one after the other.
    Value* contiguous(llvm::IntrinsicInst& call) {
        const bool load = call.getIntrinsicID() == llvm::Intrinsic::masked_gather;
        if (!load && call.getIntrinsicID() != llvm::Intrinsic::masked_scatter) {
            return nullptr;
        }
        llvm::Type* data = load ? call.getType() : call.getArgOperand(0)->getType();
        Value* mask = call.getArgOperand(load ? 2 : 3);
        auto* gep = llvm::dyn_cast<llvm::GetElementPtrInst>(call.getArgOperand(load ? 0 : 1));
        if (data->getScalarSizeInBits() != 32 || gep == nullptr || gep->getNumIndices() != 1 ||
            gep->getPointerOperandType()->isVectorTy() ||
            !gep->getSourceElementType()->isIntegerTy(8)) {
            return nullptr;
        }
        Value* index = gep->getOperand(1);
        if (!index->getType()->isVectorTy()) {
            return nullptr;
        }
        if (auto* cast = llvm::dyn_cast<llvm::CastInst>(index)) {
            const auto* wide = llvm::dyn_cast<llvm::PossiblyNonNegInst>(cast);
            const bool same = cast->getOpcode() == llvm::Instruction::SExt ||
                              (wide != nullptr && wide->hasNonNeg());
            if (!same) {
                return nullptr;
            }
            index = cast->getOperand(0);
        }
        const auto a = affine(index, 0);
        if (!a) {
            return nullptr;
        }
        const unsigned bits = index->getType()->getScalarSizeInBits();
        for (unsigned i = 0; i < a->step.size(); ++i) {
            if (a->step[i] != cut(a->step[0] + 4u * uint64_t{i}, bits)) {
                if (!load && a->scalar != nullptr) {
                    remember(call, gep->getPointerOperand(), *a, bits);
                }
                return nullptr;
            }
        }
        Value* first = sum(a->scalar, a->step[0], index->getType()->getScalarType());
        first = b_.CreateSExt(first, b_.getInt64Ty());
        Value* pointer = b_.CreateGEP(b_.getInt8Ty(), gep->getPointerOperand(), first);
        if (load) {
            return b_.CreateMaskedLoad(data, pointer, llvm::Align(1), mask, call.getArgOperand(3));
        }
        return b_.CreateMaskedStore(call.getArgOperand(0), pointer, llvm::Align(1), mask);
    }

    // Differences between lanes must not depend on whether index additions wrap: they are indices
    // below 2^31 in the lanes of the mask, so lane i is lane 0 plus the signed difference.
    void remember(llvm::IntrinsicInst& call, Value* pointer, const Affine& a, unsigned bits) {
        Strided s{&call, nullptr, {}};
        for (const uint64_t step : a.step) {
            const uint64_t apart = cut(step - a.step[0], bits);
            s.step.push_back(bits < 64 ? static_cast<uint64_t>(llvm::SignExtend64(apart, bits))
                                       : apart);
        }
        Value* first = sum(a.scalar, a.step[0], a.scalar->getType());
        s.base = b_.CreateGEP(b_.getInt8Ty(), pointer, b_.CreateSExt(first, b_.getInt64Ty()));
        strided_.push_back(std::move(s));
    }

    // With all lanes on, plain stores are faster than a scatter, if there is one at all.
    void scalar_stores(const Strided& s) {
        Value* mask = s.call->getArgOperand(3);
        Value* data = s.call->getArgOperand(0);
        const auto n = static_cast<unsigned>(s.step.size());
        b_.SetInsertPoint(s.call);
        Value* all = b_.CreateICmpEQ(b_.CreateBitCast(mask, b_.getIntNTy(n)),
                                     llvm::ConstantInt::getAllOnesValue(b_.getIntNTy(n)));
        llvm::Instruction* then = nullptr;
        llvm::Instruction* otherwise = nullptr;
        llvm::SplitBlockAndInsertIfThenElse(
            all, s.call->getIterator(), &then, &otherwise,
            llvm::MDBuilder(function_.getContext()).createBranchWeights(1000, 1));
        s.call->moveBefore(otherwise);
        b_.SetInsertPoint(then);
        // Two lanes at a time cross over to the integer registers.
        Value* pairs = b_.CreateBitCast(data, llvm::FixedVectorType::get(b_.getInt64Ty(), n / 2));
        for (unsigned i = 0; i < n; ++i) {
            Value* pair = b_.CreateExtractElement(pairs, i / 2);
            Value* x = b_.CreateTrunc(i % 2 == 0 ? pair : b_.CreateLShr(pair, 32), b_.getInt32Ty());
            Value* at = b_.CreateGEP(b_.getInt8Ty(), s.base, b_.getInt64(s.step[i]));
            b_.CreateAlignedStore(x, at, llvm::Align(1));
        }
    }

    void ors_to_adds() {
        for (llvm::BasicBlock& block : function_) {
            for (auto it = block.begin(); it != block.end();) {
                llvm::Instruction& inst = *it++;
                const auto* disjoint = llvm::dyn_cast<llvm::PossiblyDisjointInst>(&inst);
                if (disjoint == nullptr || !disjoint->isDisjoint() ||
                    !inst.getType()->isIntegerTy()) {
                    continue;
                }
                b_.SetInsertPoint(&inst);
                inst.replaceAllUsesWith(b_.CreateNUWAdd(inst.getOperand(0), inst.getOperand(1)));
                inst.eraseFromParent();
            }
        }
    }

    llvm::Function& function_;
    llvm::IRBuilder<> b_;
    std::vector<Strided> strided_;
};

} // namespace

void simplify_lanes(llvm::Function& function) {
    LanePass(function).run();
}

} // namespace kite::dev::exec::jit
