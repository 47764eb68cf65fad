// SPDX-License-Identifier: MIT
// Images: sampling, gathering, fetching, storage access, queries.
#include "shader-compiler/spirv/translator.hpp"

#include <algorithm>

namespace kite::cc::spirv {

namespace {

enum Bit : uint32_t {
    kBias = 0x1,
    kLod = 0x2,
    kGrad = 0x4,
    kConstOffset = 0x8,
    kOffset = 0x10,
    kConstOffsets = 0x20,
    kSample = 0x40,
    kMinLod = 0x80,
    kKnownFlags = 0x7c00 | 0x100 | 0x200,
};

} // namespace

hw::Dim Translator::dim_of(const Type& image) {
    switch (image.dim) {
    case spv::Dim::Dim1D:
        return hw::Dim::d1;
    case spv::Dim::Dim2D:
    case spv::Dim::SubpassData:
        return hw::Dim::d2;
    case spv::Dim::Dim3D:
        return hw::Dim::d3;
    case spv::Dim::Cube:
        return hw::Dim::cube;
    case spv::Dim::Buffer:
        return hw::Dim::buffer;
    default:
        unsupported("images of dimensionality " + std::to_string(static_cast<unsigned>(image.dim)));
    }
}

unsigned Translator::spatial(const Type& image) {
    switch (dim_of(image)) {
    case hw::Dim::d1:
    case hw::Dim::buffer:
        return 1;
    case hw::Dim::d2:
        return 2;
    default:
        return 3;
    }
}

HwType Translator::texel_type(const Type& image) {
    const Type& t = m_.type(image.element);
    if (t.kind == Kind::floating) {
        return HwType::f32;
    }
    if (t.width == 64) {
        return HwType::u64;
    }
    return t.is_signed ? HwType::i32 : HwType::u32;
}

uint32_t Translator::image_type_of(uint32_t id) {
    const uint32_t type = type_of(id);
    const Type& t = m_.type(type);
    if (t.kind == Kind::sampled_image) {
        return t.element;
    }
    if (t.kind != Kind::image) {
        corrupt("SPIR-V: image expected");
    }
    return type;
}

Translator::ImageOperands Translator::image_operands(const Instr& i, size_t at) {
    ImageOperands o;
    if (at >= i.w.size()) {
        return o;
    }
    const uint32_t mask = i.w[at++];
    const auto take = [&](uint32_t bit, uint32_t& out) {
        if ((mask & bit) != 0) {
            out = i.word(at++);
        }
    };
    take(kBias, o.bias);
    take(kLod, o.lod);
    take(kGrad, o.dx);
    take(kGrad, o.dy);
    take(kConstOffset, o.const_offset);
    take(kOffset, o.offset);
    take(kConstOffsets, o.const_offsets);
    take(kSample, o.sample);
    take(kMinLod, o.min_lod);
    if ((mask & ~(0xffu | kKnownFlags)) != 0) {
        unsupported("image operands " + std::to_string(mask));
    }
    return o;
}

Inst* Translator::float_coord(uint32_t id, unsigned k) {
    const Leaves& l = leaves(id);
    if (k >= l.size()) {
        corrupt("SPIR-V: image coordinate with too few components");
    }
    return b_.cvt(HwType::f32, float_type(type_of(id)), l[k]);
}

uint32_t Translator::imm_offsets(uint32_t id) {
    const Constant* c = m_.constant(id);
    if (c == nullptr || c->bits.size() > 3) {
        corrupt("SPIR-V: constant offset expected");
    }
    uint32_t imm = 0;
    for (size_t k = 0; k < c->bits.size(); ++k) {
        imm |= static_cast<uint32_t>(c->bits[k] & 0xffu) << (8 * k);
    }
    return imm;
}

Translator::Leaves Translator::sampled_result(const Instr& i, Inst* tuple, HwType ty) {
    const uint32_t count = m_.type(i.type).leaves;
    const Type& s = scalar_of(i.type);
    Leaves out;
    for (uint32_t k = 0; k < count && k < 4; ++k) {
        Inst* v = b_.extract(tuple, k);
        if (s.width == 16) {
            v = s.kind == Kind::floating ? b_.cvt(HwType::f16, ty, v)
                                         : b_.cvt(HwType::u16, HwType::u32, v);
        }
        out.push_back(v);
    }
    return out;
}

void Translator::sample(const Instr& i) {
    bool dref = false;
    bool proj = false;
    switch (i.op) {
    case spv::Op::OpImageSampleDrefImplicitLod:
    case spv::Op::OpImageSampleDrefExplicitLod:
        dref = true;
        break;
    case spv::Op::OpImageSampleProjImplicitLod:
    case spv::Op::OpImageSampleProjExplicitLod:
        proj = true;
        break;
    case spv::Op::OpImageSampleProjDrefImplicitLod:
    case spv::Op::OpImageSampleProjDrefExplicitLod:
        dref = proj = true;
        break;
    default:
        break;
    }
    const Leaves handle = leaves(i.word(0));
    const Type& image = m_.type(image_type_of(i.word(0)));
    const ImageOperands o = image_operands(i, dref ? 3 : 2);
    const unsigned n = spatial(image);
    hw::TexSub sub{.dim = dim_of(image), .arrayed = image.arrayed, .ref = dref};
    Leaves coords;
    Inst* q = proj ? float_coord(i.word(1), n) : nullptr;
    const auto project = [&](Inst* v) {
        return q == nullptr ? v : b_.alu(HwOp::fdiv, HwType::f32, {v, q});
    };
    for (unsigned k = 0; k < n; ++k) {
        coords.push_back(project(float_coord(i.word(1), k)));
    }
    if (image.arrayed) {
        coords.push_back(float_coord(i.word(1), n));
    }
    if (dref) {
        coords.push_back(project(float_coord(i.word(2), 0)));
    }
    if (o.bias != 0) {
        sub.lodmode = hw::LodMode::bias;
        coords.push_back(float_coord(o.bias, 0));
    } else if (o.lod != 0) {
        const auto level = constant_value(o.lod);
        if (level == 0u) {
            sub.lodmode = hw::LodMode::zero;
        } else {
            sub.lodmode = hw::LodMode::lod;
            coords.push_back(float_coord(o.lod, 0));
        }
    } else if (o.dx != 0) {
        sub.lodmode = hw::LodMode::grad;
        for (const uint32_t id : {o.dx, o.dy}) {
            for (unsigned k = 0; k < n; ++k) {
                coords.push_back(float_coord(id, k));
            }
        }
    }
    if (o.min_lod != 0) {
        sub.minlod = true;
        coords.push_back(float_coord(o.min_lod, 0));
    }
    uint32_t imm = 0;
    if (o.const_offset != 0) {
        sub.offset = hw::OffsetMode::imm;
        imm = imm_offsets(o.const_offset);
    } else if (o.offset != 0) {
        sub.offset = hw::OffsetMode::dyn;
        for (Inst* v : Leaves(leaves(o.offset))) {
            coords.push_back(to_u32(v, type_of(o.offset)));
        }
    }
    if (handle.size() != 2) {
        corrupt("SPIR-V: sampled image expected");
    }
    const HwType ty = texel_type(image);
    const auto texel = [&](Inst* plane, const Leaves& at) {
        return b_.raw(HwOp::tex, ty, {Base::bits32, 4}, {plane, handle[1], b_.collect(at)},
                      sub.pack(), imm);
    };
    if (const auto it = ycbcr_.find(handle[0]); it != ycbcr_.end()) {
        set(i.id, sampled_result(i, converted(*it->second, handle[0], coords, texel), ty));
        return;
    }
    set(i.id, sampled_result(i, texel(handle[0], coords), ty));
}

void Translator::gather(const Instr& i) {
    const bool dref = i.op == spv::Op::OpImageDrefGather;
    const Leaves handle = leaves(i.word(0));
    if (handle.size() != 2) {
        corrupt("SPIR-V: sampled image expected");
    }
    const Type& image = m_.type(image_type_of(i.word(0)));
    const ImageOperands o = image_operands(i, 3);
    const unsigned n = spatial(image);
    hw::TxgSub sub{.dim = dim_of(image), .arrayed = image.arrayed, .ref = dref};
    sub.comp = dref ? 0 : static_cast<unsigned>(m_.constant_int(i.word(2)) & 3);
    Leaves coords;
    for (unsigned k = 0; k < n + (image.arrayed ? 1 : 0); ++k) {
        coords.push_back(float_coord(i.word(1), k));
    }
    if (dref) {
        coords.push_back(float_coord(i.word(2), 0));
    }
    const HwType ty = texel_type(image);
    const auto emit = [&](uint32_t imm) {
        return b_.raw(HwOp::txg, ty, {Base::bits32, 4}, {handle[0], handle[1], b_.collect(coords)},
                      sub.pack(), imm);
    };
    if (o.const_offsets != 0) {
        // Four gathers, of each the (i0, j0) texel.
        const Constant* c = m_.constant(o.const_offsets);
        if (c == nullptr || c->bits.size() != 8) {
            corrupt("SPIR-V: four constant offsets expected");
        }
        sub.offset = hw::OffsetMode::imm;
        Leaves texels;
        for (size_t k = 0; k < 4; ++k) {
            const auto x = static_cast<uint32_t>(c->bits[2 * k] & 0xff);
            const auto y = static_cast<uint32_t>(c->bits[2 * k + 1] & 0xff);
            texels.push_back(b_.extract(emit(x | (y << 8)), 3));
        }
        set(i.id, sampled_result(i, b_.collect(texels), ty));
        return;
    }
    uint32_t imm = 0;
    if (o.const_offset != 0) {
        sub.offset = hw::OffsetMode::imm;
        imm = imm_offsets(o.const_offset);
    } else if (o.offset != 0) {
        sub.offset = hw::OffsetMode::dyn;
        for (Inst* v : Leaves(leaves(o.offset))) {
            coords.push_back(to_u32(v, type_of(o.offset)));
        }
    }
    set(i.id, sampled_result(i, emit(imm), ty));
}

void Translator::fetch(const Instr& i) {
    const Leaves handle = leaves(i.word(0));
    const Type& image = m_.type(image_type_of(i.word(0)));
    const ImageOperands o = image_operands(i, 2);
    const Leaves raw = leaves(i.word(1));
    const uint32_t coord_type = type_of(i.word(1));
    const unsigned n = spatial(image) + (image.arrayed ? 1 : 0);
    if (raw.size() < n || dim_of(image) == hw::Dim::cube) {
        corrupt("SPIR-V: image coordinate with too few components");
    }
    hw::TxfSub sub{.dim = dim_of(image),
                   .arrayed = image.arrayed,
                   .ms = image.multisampled,
                   .lodmode = hw::LodMode::zero};
    Leaves coords;
    for (unsigned k = 0; k < n; ++k) {
        coords.push_back(to_u32(raw[k], coord_type));
    }
    if (o.lod != 0 && constant_value(o.lod) != 0u && !image.multisampled &&
        dim_of(image) != hw::Dim::buffer) {
        sub.lodmode = hw::LodMode::lod;
        coords.push_back(as_u32(o.lod));
    }
    if (image.multisampled) {
        coords.push_back(o.sample != 0 ? as_u32(o.sample) : b_.u32(0));
    }
    uint32_t imm = 0;
    if (o.const_offset != 0) {
        sub.offset = hw::OffsetMode::imm;
        imm = imm_offsets(o.const_offset);
    } else if (o.offset != 0) {
        sub.offset = hw::OffsetMode::dyn;
        for (Inst* v : Leaves(leaves(o.offset))) {
            coords.push_back(to_u32(v, type_of(o.offset)));
        }
    }
    const HwType ty = texel_type(image);
    Inst* tuple = b_.raw(HwOp::txf, ty, {Base::bits32, 4}, {handle.at(0), b_.collect(coords)},
                         sub.pack(), imm);
    set(i.id, sampled_result(i, tuple, ty));
}

std::vector<Inst*> Translator::storage_coords(const Type& image, uint32_t coord_id) {
    // Cubes are addressed as arrayed 2D: x, y, face (+ 6 layer).
    const unsigned n =
        dim_of(image) == hw::Dim::cube ? 3 : spatial(image) + (image.arrayed ? 1 : 0);
    const Leaves raw = leaves(coord_id);
    if (raw.size() < n) {
        corrupt("SPIR-V: image coordinate with too few components");
    }
    Leaves out;
    for (unsigned k = 0; k < n; ++k) {
        out.push_back(to_u32(raw[k], type_of(coord_id)));
    }
    return out;
}

void Translator::image_read(const Instr& i) {
    const Leaves handle = leaves(i.word(0));
    const Type& image = m_.type(image_type_of(i.word(0)));
    const ImageOperands o = image_operands(i, 2);
    const HwType ty = texel_type(image);
    Inst* sample = image.multisampled ? (o.sample != 0 ? as_u32(o.sample) : b_.u32(0)) : nullptr;
    if (image.dim == spv::Dim::SubpassData) {
        // The input attachment at this fragment, in the layer (or view) being rendered.
        const Leaves raw = leaves(i.word(1));
        const auto pixel = [&](hw::SysVal v, size_t k) {
            Inst* at = b_.cvt(HwType::i32, HwType::f32, sys(v), hw::Round::rtz);
            return b_.alu(HwOp::iadd, HwType::u32, {at, to_u32(raw.at(k), type_of(i.word(1)))});
        };
        const hw::TxfSub sub{.dim = hw::Dim::d2,
                             .arrayed = true,
                             .ms = image.multisampled,
                             .lodmode = hw::LodMode::zero};
        Leaves coords{pixel(hw::SysVal::frag_x, 0), pixel(hw::SysVal::frag_y, 1),
                      sys(options_.multiview != 0 ? hw::SysVal::view_index : hw::SysVal::layer)};
        if (sample != nullptr) {
            coords.push_back(sample);
        }
        Inst* tuple = b_.raw(HwOp::txf, ty, {Base::bits32, 4}, {handle.at(0), b_.collect(coords)},
                             sub.pack());
        set(i.id, sampled_result(i, tuple, ty));
        return;
    }
    Leaves coords = storage_coords(image, i.word(1));
    if (sample != nullptr) {
        coords.push_back(sample);
    }
    const bool cube = dim_of(image) == hw::Dim::cube;
    const hw::ImgldSub sub{.dim = cube ? hw::Dim::d2 : dim_of(image),
                           .arrayed = image.arrayed || cube,
                           .ms = image.multisampled};
    Inst* tuple = b_.raw(HwOp::imgld, ty, {ty == HwType::u64 ? Base::bits64 : Base::bits32, 4},
                         {handle.at(0), b_.collect(coords)}, sub.pack());
    set(i.id, sampled_result(i, tuple, ty));
}

void Translator::image_write(const Instr& i) {
    const Leaves handle = leaves(i.word(0));
    const Type& image = m_.type(image_type_of(i.word(0)));
    const ImageOperands o = image_operands(i, 3);
    const HwType ty = texel_type(image);
    Leaves coords = storage_coords(image, i.word(1));
    if (image.multisampled) {
        coords.push_back(o.sample != 0 ? as_u32(o.sample) : b_.u32(0));
    }
    const uint32_t texel_type_id = type_of(i.word(2));
    const Type& s = scalar_of(texel_type_id);
    Leaves texel;
    for (Inst* v : Leaves(leaves(i.word(2)))) {
        if (s.kind == Kind::floating) {
            texel.push_back(b_.cvt(HwType::f32, float_type(texel_type_id), v));
        } else {
            texel.push_back(widen_int(v, texel_type_id, s.is_signed));
        }
    }
    while (texel.size() < 4) {
        texel.push_back(b_.constant(ty == HwType::u64 ? Base::bits64 : Base::bits32, 0));
    }
    texel.resize(4);
    const bool cube = dim_of(image) == hw::Dim::cube;
    const hw::ImgstSub sub{.dim = cube ? hw::Dim::d2 : dim_of(image),
                           .arrayed = image.arrayed || cube,
                           .ms = image.multisampled};
    b_.raw(HwOp::imgst, ty, {}, {b_.collect(texel), handle.at(0), b_.collect(coords)}, sub.pack());
}

void Translator::image_query(const Instr& i) {
    const Leaves handle = leaves(i.word(0));
    const Type& image = m_.type(image_type_of(i.word(0)));
    hw::TxqSub sub{.what = hw::TexQuery::size, .dim = dim_of(image), .arrayed = image.arrayed};
    Inst* level = nullptr;
    Inst* sampler = nullptr;
    HwType ty = HwType::u32;
    unsigned first = 0;
    switch (i.op) {
    case spv::Op::OpImageQuerySizeLod:
        level = as_u32(i.word(1));
        break;
    case spv::Op::OpImageQueryLevels:
        first = 3;
        break;
    case spv::Op::OpImageQuerySamples:
        sub.what = hw::TexQuery::samples;
        break;
    case spv::Op::OpImageQueryLod: {
        sub.what = hw::TexQuery::lod;
        sub.arrayed = false;
        ty = HwType::f32;
        sampler = handle.at(1);
        Leaves coords;
        for (unsigned k = 0; k < spatial(image); ++k) {
            coords.push_back(float_coord(i.word(1), k));
        }
        level = b_.collect(coords);
        break;
    }
    default:
        break;
    }
    Inst* tuple =
        b_.raw(HwOp::txq, ty, {Base::bits32, 4}, {handle.at(0), sampler, level}, sub.pack());
    Leaves out;
    for (unsigned k = 0; k < m_.type(i.type).leaves && first + k < 4; ++k) {
        out.push_back(b_.extract(tuple, first + k));
    }
    set(i.id, std::move(out));
}

void Translator::texel_pointer(const Instr& i) {
    const Pointer& source = pointer(i.word(0));
    Pointer p;
    p.kind = Pointer::Kind::texel;
    p.type = m_.pointee(i.type);
    p.image_type = source.type;
    const Type& image = m_.type(source.type);
    if (image.kind != Kind::image) {
        corrupt("SPIR-V: image expected");
    }
    p.image = load(source, false).at(0);
    p.coords = storage_coords(image, i.word(1));
    if (image.multisampled) {
        p.coords.push_back(as_u32(i.word(2)));
    }
    set_pointer(i.id, std::move(p));
}

bool Translator::try_image(const Instr& i) {
    switch (i.op) {
    case spv::Op::OpImageSampleImplicitLod:
    case spv::Op::OpImageSampleExplicitLod:
    case spv::Op::OpImageSampleDrefImplicitLod:
    case spv::Op::OpImageSampleDrefExplicitLod:
    case spv::Op::OpImageSampleProjImplicitLod:
    case spv::Op::OpImageSampleProjExplicitLod:
    case spv::Op::OpImageSampleProjDrefImplicitLod:
    case spv::Op::OpImageSampleProjDrefExplicitLod:
        sample(i);
        return true;
    case spv::Op::OpImageGather:
    case spv::Op::OpImageDrefGather:
        gather(i);
        return true;
    case spv::Op::OpImageFetch:
        fetch(i);
        return true;
    case spv::Op::OpImageRead:
        image_read(i);
        return true;
    case spv::Op::OpImageWrite:
        image_write(i);
        return true;
    case spv::Op::OpImageQuerySizeLod:
    case spv::Op::OpImageQuerySize:
    case spv::Op::OpImageQueryLod:
    case spv::Op::OpImageQueryLevels:
    case spv::Op::OpImageQuerySamples:
        image_query(i);
        return true;
    case spv::Op::OpImageTexelPointer:
        texel_pointer(i);
        return true;
    default:
        if ((i.op >= spv::Op::OpImageSparseSampleImplicitLod &&
             i.op <= spv::Op::OpImageSparseTexelsResident) ||
            i.op == spv::Op::OpImageSparseRead) {
            unsupported("sparse residency instructions");
        }
        return false;
    }
}

} // namespace kite::cc::spirv
