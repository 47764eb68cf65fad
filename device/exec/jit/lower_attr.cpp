// SPDX-License-Identifier: MIT
// Vertex attributes, specialised on the format the draw's key names; exec/attribute.cpp is the
// reference.
#include "device/exec/jit/emitter.hpp"

#include "kite_hw/formats.hpp"

#include <algorithm>
#include <cstddef>

namespace kite::dev::exec::jit {

using hw::ChannelType;
using hw::Type;

namespace {

uint32_t one_bits(Type ty) {
    return ty == Type::f32 ? 0x3f800000u : 1u;
}

bool is_signed_channel(ChannelType t) {
    return t == ChannelType::sint || t == ChannelType::snorm || t == ChannelType::sscaled;
}

// Formats whose channels this file converts: dwords, or bytes and halfwords on their own
// boundaries.
bool convertible(const hw::FormatInfo& f) {
    if (f.compressed || f.shared_exponent || f.bytes_per_block > 16) {
        return false;
    }
    for (const hw::Channel& c : f.ch) {
        const bool narrow_ok =
            f.bytes_per_block % 4 == 0 || ((c.bits == 8 || c.bits == 16) && c.shift % c.bits == 0);
        const bool float_ok = c.type != ChannelType::sfloat || c.bits == 16 || c.bits == 32;
        if (c.type != ChannelType::none &&
            (c.bits > 32 || !narrow_ok || !float_ok || c.type == ChannelType::ufloat ||
             c.shift / 32 != (c.shift + c.bits - 1) / 32)) {
            return false;
        }
    }
    return true;
}

} // namespace

void Emitter::attribute_by_helper(const hw::Inst& inst, std::vector<Value*>& rows) {
    const auto sub = hw::LdattrSub::unpack(inst.sub);
    const unsigned words = hw::is_64bit(inst.ty) ? 2 : 1;
    auto*& buffer = buffers_["attribute"];
    if (buffer == nullptr) {
        buffer = alloca_of(llvm::ArrayType::get(b_.getInt32Ty(), 8 * kMaxLanes), "attribute", 64);
    }
    auto* type = llvm::FunctionType::get(
        b_.getVoidTy(), {b_.getPtrTy(), b_.getPtrTy(), b_.getPtrTy(), b_.getPtrTy()}, false);
    b_.CreateCall(type, helper(offsetof(Helpers, attribute)),
                  {inst_pointer(inst), draw_, wave_, buffer});
    for (unsigned k = 0; k < sub.n_count() * words; ++k) {
        Value* row = address(buffer, uint64_t{sub.comp * words + k} * kMaxLanes * 4);
        rows.push_back(b_.CreateAlignedLoad(ity(32, Shape::vector), row, llvm::Align(32)));
    }
}

// Gathers and converts; the caller has checked the format. Emits both paths only for huge buffers.
bool Emitter::attribute_inline(const hw::Inst& inst, std::vector<Value*>& rows) {
    const auto sub = hw::LdattrSub::unpack(inst.sub);
    const hw::FormatInfo& f = *hw::format_info(key_.format[inst.imm]);
    const Shape vec = Shape::vector;
    llvm::Type* i32 = b_.getInt32Ty();
    llvm::Type* i64 = b_.getInt64Ty();
    const size_t source =
        offsetof(DrawContext, attributes) + size_t{inst.imm} * sizeof(AttributeSource);
    const auto part = [&](size_t offset, llvm::Type* type) {
        return entry_field(draw_, source + offset, type);
    };
    Value* base = part(offsetof(AttributeSource, base), b_.getPtrTy());
    Value* size = part(offsetof(AttributeSource, size), i64);
    Value* stride = part(offsetof(AttributeSource, stride), i32);
    Value* offset = part(offsetof(AttributeSource, offset), i32);
    Value* divisor = part(offsetof(AttributeSource, divisor), i32);
    Value* vertex = entry_field(wave_, offsetof(VertexWave, vertex_index), ity(32, vec));
    Value* instance = entry_field(wave_, offsetof(VertexWave, instance_index), ity(32, vec));
    Value* first = entry_field(draw_, offsetof(DrawContext, base_instance), i32);

    // Element: by vertex, or by instance with a divisor.
    Block* by_instance = block("instance");
    Block* divided = block("divided");
    Block* known = block("element");
    Value* one = b_.getInt32(1);
    Block* here = b_.GetInsertBlock();
    b_.CreateCondBr(b_.CreateICmpEQ(divisor, b_.getInt32(0)), known, by_instance);
    start(by_instance);
    Value* stepped = b_.CreateSub(instance, splat(first));
    b_.CreateCondBr(b_.CreateICmpEQ(divisor, one), known, divided);
    start(divided);
    Value* quotient = b_.CreateAdd(quotient32(vec, false, stepped, splat(divisor)), splat(first));
    b_.CreateBr(known);
    start(known);
    llvm::PHINode* element = b_.CreatePHI(ity(32, vec), 3);
    element->addIncoming(vertex, here);
    element->addIncoming(instance, by_instance);
    element->addIncoming(quotient, divided);

    const uint64_t bytes = f.bytes_per_block;
    Value* usable = b_.CreateSelect(
        b_.CreateICmpEQ(base, llvm::ConstantPointerNull::get(b_.getPtrTy())), b_.getInt64(0), size);
    // Offsets below `count` are in bounds.
    Value* count = b_.CreateSelect(b_.CreateICmpUGE(usable, b_.getInt64(bytes)),
                                   b_.CreateSub(usable, b_.getInt64(bytes - 1)), b_.getInt64(0));
    Value* at = b_.CreateMul(b_.CreateZExt(element, ity(64, vec)),
                             b_.CreateZExt(splat(stride), ity(64, vec)));
    at = b_.CreateAdd(at, b_.CreateZExt(splat(offset), ity(64, vec)));
    Value* lanes =
        b_.CreateICmpULT(lane_ids_, splat(entry_field(wave_, offsetof(VertexWave, count), i32)));
    Value* mask = b_.CreateAnd(lanes, b_.CreateICmpULT(at, splat(count)));
    Value* index = b_.CreateTrunc(at, ity(32, vec));
    Value* origin = b_.CreateTrunc(b_.CreatePtrToInt(base, i64), i32);

    std::map<unsigned, Value*> dwords;
    const auto raw = [&](const hw::Channel& c) -> Value* {
        if (bytes % 4 == 0) {
            Value*& word = dwords[c.shift / 32];
            if (word == nullptr) {
                Value* pointers =
                    b_.CreateGEP(b_.getInt8Ty(), address(base, c.shift / 32 * 4u), index);
                word = b_.CreateMaskedGather(ity(32, vec), pointers, llvm::Align(1), mask,
                                             constant(0, 32, vec));
            }
            const unsigned up = 32 - c.bits - c.shift % 32;
            Value* x = up == 0 ? word : b_.CreateShl(word, constant(up, 32, vec));
            const auto down = constant(32 - c.bits, 32, vec);
            return c.bits == 32                ? x
                   : is_signed_channel(c.type) ? b_.CreateAShr(x, down)
                                               : b_.CreateLShr(x, down);
        }
        Value* from = address(base, c.shift / 8u);
        Value* low = b_.CreateAdd(index, splat(b_.CreateAdd(origin, b_.getInt32(c.shift / 8u))));
        low = b_.CreateAnd(low, constant(3, 32, vec));
        Value* x = gather_narrow(from, index, low, c.bits / 8u, mask);
        return is_signed_channel(c.type) ? b_.CreateSExt(x, ity(32, vec))
                                         : b_.CreateZExt(x, ity(32, vec));
    };
    const auto converted = [&](const hw::Channel& c) -> Value* {
        Value* x = raw(c);
        if (inst.ty != Type::f32) {
            return x;
        }
        llvm::Type* type = fty(Type::f32, vec);
        const auto to_bits = [&](Value* y) { return b_.CreateBitCast(y, ity(32, vec)); };
        switch (c.type) {
        case ChannelType::unorm:
        case ChannelType::srgb:
            return to_bits(b_.CreateFDiv(
                b_.CreateUIToFP(x, type),
                llvm::ConstantFP::get(type, static_cast<float>((1ull << c.bits) - 1))));
        case ChannelType::snorm: {
            Value* y = b_.CreateFDiv(
                b_.CreateSIToFP(x, type),
                llvm::ConstantFP::get(type, static_cast<float>((1ull << (c.bits - 1)) - 1)));
            Value* least = llvm::ConstantFP::get(type, -1.0);
            return to_bits(b_.CreateSelect(b_.CreateFCmpOLT(y, least), least, y));
        }
        case ChannelType::uscaled:
            return to_bits(b_.CreateUIToFP(x, type));
        case ChannelType::sscaled:
            return to_bits(b_.CreateSIToFP(x, type));
        case ChannelType::sfloat:
            return c.bits == 16 ? to_bits(to_float(Type::f16, b_.CreateTrunc(x, ity(16, vec)), vec))
                                : x;
        default:
            return x;
        }
    };
    for (unsigned k = 0; k < sub.n_count(); ++k) {
        const unsigned c = sub.comp + k;
        rows.push_back(f.ch[c].type == ChannelType::none
                           ? constant(c == 3 ? one_bits(inst.ty) : 0, 32, vec)
                           : converted(f.ch[c]));
    }
    // Lanes that are not there read zero, missing components too.
    for (Value*& row : rows) {
        row = b_.CreateSelect(lanes, row, constant(0, 32, vec));
    }
    return true;
}

void Emitter::load_attribute(const hw::Inst& inst) {
    std::vector<Value*> rows;
    const hw::FormatInfo* f = hw::format_info(key_.format[inst.imm]);
    if (f == nullptr || inst.ty == Type::f64 || !convertible(*f)) {
        attribute_by_helper(inst, rows);
        write_rows(inst, rows);
        return;
    }
    // Buffers of 2 GiB and more take the helper: inline offsets are 31 bits. So does a draw whose
    // format is not the key's.
    const size_t source =
        offsetof(DrawContext, attributes) + size_t{inst.imm} * sizeof(AttributeSource);
    Value* size = entry_field(draw_, source + offsetof(AttributeSource, size), b_.getInt64Ty());
    Value* format = entry_field(draw_, source + offsetof(AttributeSource, format), b_.getInt32Ty());
    Value* usual = b_.CreateAnd(b_.CreateICmpULT(size, b_.getInt64(0x7fffffff)),
                                b_.CreateICmpEQ(format, b_.getInt32(key_.format[inst.imm])));
    Block* small = block("attribute");
    Block* huge = block("attribute.huge");
    Block* after = block("attribute.end");
    b_.CreateCondBr(usual, small, huge, llvm::MDBuilder(context_).createBranchWeights(1000, 1));
    start(small);
    attribute_inline(inst, rows);
    Block* small_end = b_.GetInsertBlock();
    b_.CreateBr(after);
    start(huge);
    std::vector<Value*> others;
    attribute_by_helper(inst, others);
    Block* huge_end = b_.GetInsertBlock();
    b_.CreateBr(after);
    start(after);
    for (size_t k = 0; k < rows.size(); ++k) {
        llvm::PHINode* phi = b_.CreatePHI(ity(32, Shape::vector), 2);
        phi->addIncoming(rows[k], small_end);
        phi->addIncoming(others[k], huge_end);
        rows[k] = phi;
    }
    write_rows(inst, rows);
}

} // namespace kite::dev::exec::jit
