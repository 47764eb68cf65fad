// SPDX-License-Identifier: MIT
// System values, fragment inputs and stage outputs (hw/isa/io.toml).
#include "device/exec/jit/emitter.hpp"

#include "device/exec/system.hpp"
#include "device/exec/worker_memory.hpp"

#include <cstddef>
#include <iterator>

namespace kite::dev::exec::jit {

using hw::InterpLoc;
using hw::SysVal;

llvm::Value* Emitter::primitive() {
    return entry_field(wave_, offsetof(FragmentWave, primitive), b_.getPtrTy());
}

llvm::Value* Emitter::primitive_float(size_t offset) {
    return entry_field(primitive(), offset, b_.getFloatTy());
}

// Lane positions relative to the primitive's origin.
llvm::Value* Emitter::pixel_offset(size_t coord, size_t origin) {
    Value* x = entry_field(wave_, coord, fty(hw::Type::f32, Shape::vector));
    return b_.CreateFSub(x, splat(primitive_float(origin)));
}

// fma(cy, py, fma(cx, px, c0)) of three consecutive floats.
llvm::Value* Emitter::plane(size_t c0, Value* px, Value* py) {
    llvm::Type* type = px->getType();
    Value* inner =
        b_.CreateIntrinsic(llvm::Intrinsic::fma, {type},
                           {splat(primitive_float(c0 + 4)), px, splat(primitive_float(c0))});
    return b_.CreateIntrinsic(llvm::Intrinsic::fma, {type},
                              {splat(primitive_float(c0 + 8)), py, inner});
}

llvm::Value* Emitter::fragment_value(SysVal value) {
    const auto row = [&](size_t offset) {
        return entry_field(wave_, offset, ity(32, Shape::vector));
    };
    const auto word = [&](Value* base, size_t offset) {
        return entry_field(base, offset, b_.getInt32Ty());
    };
    const auto as_bits = [&](Value* x) { return b_.CreateBitCast(x, ity(32, Shape::vector)); };
    const auto px = [&] {
        return pixel_offset(offsetof(FragmentWave, x), offsetof(Primitive, origin_x));
    };
    const auto py = [&] {
        return pixel_offset(offsetof(FragmentWave, y), offsetof(Primitive, origin_y));
    };
    const auto line = [&](Value* p, size_t step, size_t start_at) {
        return as_bits(b_.CreateIntrinsic(
            llvm::Intrinsic::fma, {p->getType()},
            {splat(primitive_float(step)), p, splat(primitive_float(start_at))}));
    };
    switch (value) {
    case SysVal::frag_x:
        return row(offsetof(FragmentWave, x));
    case SysVal::frag_y:
        return row(offsetof(FragmentWave, y));
    case SysVal::frag_z:
        return row(offsetof(FragmentWave, z));
    case SysVal::frag_rcpw:
        return as_bits(plane(offsetof(Primitive, w0), px(), py()));
    case SysVal::front_facing:
        return word(primitive(), offsetof(Primitive, front_facing));
    case SysVal::primitive_id:
        return word(primitive(), offsetof(Primitive, primitive_id));
    case SysVal::layer:
        return word(primitive(), offsetof(Primitive, layer));
    case SysVal::viewport_index:
        return word(primitive(), offsetof(Primitive, viewport));
    case SysVal::sample_id:
        return word(wave_, offsetof(FragmentWave, sample_id));
    case SysVal::sample_pos_x:
        return word(wave_, offsetof(FragmentWave, sample_x));
    case SysVal::sample_pos_y:
        return word(wave_, offsetof(FragmentWave, sample_y));
    case SysVal::sample_mask_in:
        return row(offsetof(FragmentWave, sample_mask));
    case SysVal::point_x:
        return line(px(), offsetof(Primitive, point_dx), offsetof(Primitive, point_x0));
    case SysVal::point_y:
        return line(py(), offsetof(Primitive, point_dy), offsetof(Primitive, point_y0));
    case SysVal::helper:
        return wide_bool(b_.CreateNot(load_mask(live_)));
    default:
        return nullptr;
    }
}

llvm::Value* Emitter::compute_value(SysVal value) {
    const auto& size = program_.info.workgroup;
    Value* wave = entry_field(env_, offsetof(WaveEnv, subgroup), b_.getInt32Ty());
    const llvm::APInt waves(32, wave_count(program_.info, width_));
    llvm::cast<llvm::LoadInst>(wave)->setMetadata(
        llvm::LLVMContext::MD_range,
        llvm::MDBuilder(context_).createRange(llvm::APInt(32, 0), waves));
    const auto local = [&] {
        return b_.CreateAdd(splat(b_.CreateMul(wave, b_.getInt32(width_))), lane_ids_);
    };
    const auto by = [&](uint32_t n) { return constant(n, 32, Shape::vector); };
    switch (value) {
    case SysVal::local_x:
        return b_.CreateURem(local(), by(size[0]));
    case SysVal::local_y:
        return b_.CreateURem(b_.CreateUDiv(local(), by(size[0])), by(size[1]));
    case SysVal::local_z:
        return b_.CreateUDiv(local(), by(size[0] * size[1]));
    case SysVal::local_index:
        return local();
    case SysVal::subgroup_id:
        return wave;
    case SysVal::num_subgroups:
        return entry_field(env_, offsetof(WaveEnv, subgroup_count), b_.getInt32Ty());
    default:
        return nullptr;
    }
}

void Emitter::system_value(const hw::Inst& inst) {
    const auto value = static_cast<SysVal>(inst.imm & 0xffffu);
    const uint32_t index = inst.imm >> 16;
    llvm::Type* i32 = b_.getInt32Ty();
    llvm::Type* i64 = b_.getInt64Ty();
    Value* x = nullptr;
    switch (value) {
    case SysVal::vertex_index:
        x = entry_field(wave_, offsetof(VertexWave, vertex_index), ity(32, Shape::vector));
        break;
    case SysVal::instance_index:
        x = entry_field(wave_, offsetof(VertexWave, instance_index), ity(32, Shape::vector));
        break;
    case SysVal::in_base:
        x = entry_field(wave_, offsetof(VertexWave, in_base), ity(32, Shape::vector));
        break;
    case SysVal::out_base:
        x = entry_field(wave_, offsetof(VertexWave, out_base), ity(32, Shape::vector));
        break;
    case SysVal::patch_base:
        x = entry_field(wave_, offsetof(VertexWave, patch_base), ity(32, Shape::vector));
        break;
    case SysVal::invocation_id:
        x = entry_field(wave_, offsetof(VertexWave, invocation_id), ity(32, Shape::vector));
        break;
    case SysVal::primitive_index:
        x = entry_field(wave_, offsetof(VertexWave, primitive_index), ity(32, Shape::vector));
        break;
    case SysVal::tess_coord:
        x = entry_field(wave_, offsetof(VertexWave, tess_coord) + index * kMaxLanes * 4,
                        ity(32, Shape::vector));
        break;
    case SysVal::patch_vertices:
        x = entry_field(wave_, offsetof(VertexWave, patch_vertices), i32);
        break;
    case SysVal::base_vertex:
        x = entry_field(draw_, offsetof(DrawContext, base_vertex), i32);
        break;
    case SysVal::base_instance:
        x = entry_field(draw_, offsetof(DrawContext, base_instance), i32);
        break;
    case SysVal::draw_index:
        x = entry_field(draw_, offsetof(DrawContext, draw_index), i32);
        break;
    case SysVal::view_index:
        x = entry_field(draw_, offsetof(DrawContext, view_index), i32);
        break;
    case SysVal::group_id:
        x = entry_field(env_, offsetof(WaveEnv, group) + index * 4, i32);
        break;
    case SysVal::num_groups:
        x = entry_field(draw_, offsetof(DrawContext, num_groups) + index * 4, i32);
        break;
    case SysVal::lane_id:
        x = lane_ids_;
        break;
    case SysVal::wave_size:
        x = b_.getInt32(width_);
        break;
    case SysVal::set_va:
        x = entry_field(draw_, offsetof(DrawContext, set_va) + index * 8, i64);
        break;
    case SysVal::push_va:
        x = entry_field(draw_, offsetof(DrawContext, push_va), i64);
        break;
    case SysVal::dynamic_va:
        x = entry_field(draw_, offsetof(DrawContext, dynamic_va), i64);
        break;
    case SysVal::clock:
        x = b_.CreateCall(llvm::FunctionType::get(i64, false), helper(offsetof(Helpers, clock)));
        break;
    default:
        x = program_.info.stage == hw::Stage::compute ? compute_value(value)
                                                      : fragment_value(value);
        break;
    }
    if (x == nullptr) {
        fail("system value without a lowering");
        return;
    }
    write_value(inst, x->getType()->isIntegerTy(64) ? hw::Type::u64 : hw::Type::u32, x);
}

Emitter::Barycentrics Emitter::barycentrics_at(hw::Interp interp, Value* x, Value* y) {
    Value* px = b_.CreateFSub(x, splat(primitive_float(offsetof(Primitive, origin_x))));
    Value* py = b_.CreateFSub(y, splat(primitive_float(offsetof(Primitive, origin_y))));
    if (interp == hw::Interp::linear) {
        return {plane(offsetof(Primitive, li0), px, py), plane(offsetof(Primitive, lj0), px, py)};
    }
    Value* rcpw = plane(offsetof(Primitive, w0), px, py);
    Value* w = b_.CreateFDiv(llvm::ConstantFP::get(rcpw->getType(), 1.0), rcpw);
    return {b_.CreateFMul(plane(offsetof(Primitive, i0), px, py), w),
            b_.CreateFMul(plane(offsetof(Primitive, j0), px, py), w)};
}

Emitter::Barycentrics Emitter::barycentrics(const hw::Inst& inst, hw::Interp interp,
                                            InterpLoc loc) {
    llvm::Type* type = fty(hw::Type::f32, Shape::vector);
    if (loc == InterpLoc::offset || loc == InterpLoc::sample_index) {
        const auto corner = [&](size_t coord) { // of the pixel
            return b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, entry_field(wave_, coord, type));
        };
        Value* x = corner(offsetof(FragmentWave, x));
        Value* y = corner(offsetof(FragmentWave, y));
        if (loc == InterpLoc::offset) {
            Value* half = llvm::ConstantFP::get(type, 0.5);
            x = b_.CreateFAdd(b_.CreateFAdd(x, half),
                              b_.CreateBitCast(reg(inst, inst.src0, 0, Shape::vector), type));
            y = b_.CreateFAdd(b_.CreateFAdd(y, half),
                              b_.CreateBitCast(reg(inst, inst.src1, 0, Shape::vector), type));
            return barycentrics_at(interp, x, y);
        }
        // Sample positions by select from all patterns (sample_position()).
        Value* log2 = entry_field(wave_, offsetof(FragmentWave, log2_samples), b_.getInt32Ty());
        Value* last = b_.CreateSub(b_.CreateShl(b_.getInt32(1), log2), b_.getInt32(1));
        Value* lasts = b_.CreateVectorSplat(width_, last);
        Value* index =
            b_.CreateAdd(lasts, b_.CreateAnd(reg(inst, inst.src0, 0, Shape::vector), lasts));
        Value* sx = llvm::ConstantFP::get(type, kSamples[0].x);
        Value* sy = llvm::ConstantFP::get(type, kSamples[0].y);
        for (unsigned k = 1; k < std::size(kSamples); ++k) {
            Value* is = b_.CreateICmpEQ(index, constant(k, 32, Shape::vector));
            sx = b_.CreateSelect(is, llvm::ConstantFP::get(type, kSamples[k].x), sx);
            sy = b_.CreateSelect(is, llvm::ConstantFP::get(type, kSamples[k].y), sy);
        }
        return barycentrics_at(interp, b_.CreateFAdd(x, sx), b_.CreateFAdd(y, sy));
    }
    const bool centroid = loc == InterpLoc::centroid;
    auto& cached = barycentrics_[{static_cast<int>(interp), centroid ? 1 : 0}];
    if (cached.i == nullptr) {
        llvm::IRBuilder<>::InsertPointGuard guard(b_);
        b_.SetInsertPoint(entry_);
        Value* x = entry_field(
            wave_, centroid ? offsetof(FragmentWave, centroid_x) : offsetof(FragmentWave, x), type);
        Value* y = entry_field(
            wave_, centroid ? offsetof(FragmentWave, centroid_y) : offsetof(FragmentWave, y), type);
        cached = barycentrics_at(interp, x, y);
    }
    return cached;
}

void Emitter::load_input(const hw::Inst& inst) {
    const auto sub = hw::LdinSub::unpack(inst.sub);
    unsigned rank = 0;
    for (unsigned s = 0; s < inst.imm; ++s) {
        rank += program_.info.inputs[s] ? 1 : 0;
    }
    std::vector<Value*> rows;
    const auto varying = [&](size_t array, unsigned k, llvm::Type* type) {
        return field(entry_field(primitive(), array, b_.getPtrTy()), (rank + k) * size_t{4}, type);
    };
    if (sub.interp == hw::Interp::flat) {
        for (unsigned k = 0; k < sub.n_count(); ++k) {
            rows.push_back(varying(offsetof(Primitive, flat), k, b_.getInt32Ty()));
        }
        write_rows(inst, rows);
        return;
    }
    const auto [i, j] = barycentrics(inst, sub.interp, sub.loc);
    for (unsigned k = 0; k < sub.n_count(); ++k) {
        Value* v0 = varying(offsetof(Primitive, v), k, b_.getFloatTy());
        Value* v1 = varying(offsetof(Primitive, v) + sizeof(void*), k, b_.getFloatTy());
        Value* v2 = varying(offsetof(Primitive, v) + 2 * sizeof(void*), k, b_.getFloatTy());
        Value* inner = b_.CreateIntrinsic(llvm::Intrinsic::fma, {i->getType()},
                                          {i, splat(b_.CreateFSub(v1, v0)), splat(v0)});
        Value* x = b_.CreateIntrinsic(llvm::Intrinsic::fma, {i->getType()},
                                      {j, splat(b_.CreateFSub(v2, v0)), inner});
        rows.push_back(b_.CreateBitCast(x, ity(32, Shape::vector)));
    }
    write_rows(inst, rows);
}

// At the top level every lane the wave started with is still there, unless some left the program;
// the rows of other lanes belong to nobody, so a plain store will do.
void Emitter::store_output(const hw::Inst& inst) {
    const size_t base = writes_vertices(program_.info.stage) ? offsetof(VertexWave, out)
                                                             : offsetof(FragmentWave, out);
    const bool everyone = frames_.empty() && !escaped_;
    for (unsigned k = 0; k < hw::StoutSub::unpack(inst.sub).n_count(); ++k) {
        Value* ptr = address(wave_, base + size_t{inst.imm + k} * kMaxLanes * 4);
        Value* x = reg(inst, inst.dst, k, Shape::vector);
        if (everyone) {
            b_.CreateAlignedStore(x, ptr, llvm::Align(32));
        } else {
            b_.CreateMaskedStore(x, ptr, llvm::Align(32), exec());
        }
    }
}

void Emitter::lower_io(const hw::Inst& inst) {
    switch (inst.op) {
    case hw::Op::sys:
        system_value(inst);
        break;
    case hw::Op::ldattr:
        load_attribute(inst);
        break;
    case hw::Op::ldin:
        load_input(inst);
        break;
    case hw::Op::stout:
        store_output(inst);
        break;
    case hw::Op::emit:
    case hw::Op::cut: {
        auto* type = llvm::FunctionType::get(
            b_.getVoidTy(), {b_.getPtrTy(), b_.getInt32Ty(), b_.getInt32Ty()}, false);
        const size_t which =
            inst.op == hw::Op::emit ? offsetof(Helpers, emit) : offsetof(Helpers, cut);
        b_.CreateCall(type, helper(which), {wave_, bits(exec()), b_.getInt32(inst.imm)});
        break;
    }
    default:
        fail("input/output instruction without a lowering");
    }
}

} // namespace kite::dev::exec::jit
