// SPDX-License-Identifier: MIT
#include "kite_hw/verify.hpp"

namespace kite::hw {

namespace {

constexpr const char* kSlotNames[] = {"dst", "src0", "src1", "src2", "src3", "src4"};

// Facts an image op's sub field states about its coordinate tuple.
struct CoordFacts {
    Dim dim = Dim::d1;
    bool arrayed = false, ref = false, ms = false, min_lod = false;
    LodMode lod = LodMode::zero;
    OffsetMode offset = OffsetMode::none;
};

CoordFacts coord_facts(const Inst& inst) {
    CoordFacts f;
    switch (inst.op) {
    case Op::tex: {
        const auto s = TexSub::unpack(inst.sub);
        return {s.dim, s.arrayed, s.ref, false, s.minlod, s.lodmode, s.offset};
    }
    case Op::txg: {
        const auto s = TxgSub::unpack(inst.sub);
        return {s.dim, s.arrayed, s.ref, false, false, LodMode::zero, s.offset};
    }
    case Op::txf: {
        const auto s = TxfSub::unpack(inst.sub);
        return {s.dim, s.arrayed, false, s.ms, false, s.lodmode, s.offset};
    }
    case Op::txq: {
        f.dim = TxqSub::unpack(inst.sub).dim;
        return f;
    }
    case Op::imgld: {
        const auto s = ImgldSub::unpack(inst.sub);
        f.dim = s.dim, f.arrayed = s.arrayed, f.ms = s.ms;
        return f;
    }
    case Op::imgst: {
        const auto s = ImgstSub::unpack(inst.sub);
        f.dim = s.dim, f.arrayed = s.arrayed, f.ms = s.ms;
        return f;
    }
    case Op::imgatom: {
        const auto s = ImgatomSub::unpack(inst.sub);
        f.dim = s.dim, f.arrayed = s.arrayed, f.ms = s.ms;
        return f;
    }
    default:
        return f;
    }
}

unsigned coord_width(const Inst& inst) {
    if (inst.op == Op::txq) {
        switch (TxqSub::unpack(inst.sub).what) {
        case TexQuery::size:
            return 1;
        case TexQuery::lod:
            return coord_components(coord_facts(inst).dim);
        default:
            return 0;
        }
    }
    return coord_layout(inst).total;
}

unsigned element_count(const Inst& inst, const OpInfo& info) {
    for (const SubField& field : info.subs) {
        if (field.minus_one) {
            return field.get(inst.sub) + 1;
        }
    }
    return 1;
}

const SlotInfo& slot_info(const OpInfo& info, Slot slot) {
    return slot == Slot::dst ? info.dst : info.src[static_cast<unsigned>(slot) - 1];
}

bool refuse(std::string* why, const OpInfo* info, std::string text) {
    if (why != nullptr) {
        *why = info != nullptr ? std::string(info->name) + ": " + text : std::move(text);
    }
    return false;
}

// One operand against its slot: file, index, tuple end.
bool check_operand(const Inst& inst, const OpInfo& info, Slot slot, std::string* why) {
    const Operand& o = operand(inst, slot);
    const char* name = kSlotNames[static_cast<unsigned>(slot)];
    const SlotInfo& allowed = slot_info(info, slot);
    if (!allowed.allows(o.file)) {
        return refuse(why, &info, std::string(name) + " may not be in this operand file");
    }
    if (!o.is_reg()) {
        return o.index == 0 || refuse(why, &info, std::string(name) + ": index without a register");
    }
    const unsigned width = operand_width(inst, slot);
    if (width == 0) {
        return refuse(why, &info, std::string(name) + " must be absent");
    }
    const unsigned count = o.file == File::V ? kMaxVregs : kMaxSregs;
    if (o.index + width > count) {
        return refuse(why, &info, std::string(name) + ": register tuple past the register file");
    }
    return true;
}

bool check_imm(const Inst& inst, const OpInfo& info, std::string* why) {
    switch (info.imm_kind) {
    case ImmKind::operands:
        return true;
    case ImmKind::number:
        return true;
    case ImmKind::sysval: {
        const SysValInfo* sv = sysval_info(static_cast<SysVal>(inst.imm & 0xffffu));
        if (sv == nullptr) {
            return refuse(why, &info, "unknown system value");
        }
        if ((inst.imm >> 16) >= sv->indices) {
            return refuse(why, &info, "system value index out of range");
        }
        if (inst.dst.file == File::S && !sv->uniform) {
            return refuse(why, &info, "a varying system value cannot go to a scalar register");
        }
        return true;
    }
    case ImmKind::literal:
        break;
    }
    bool used = false;
    for (unsigned i = 0; i < info.src_count; ++i) {
        used = used || inst.src(i).file == File::L;
    }
    return used || inst.imm == 0 || refuse(why, &info, "imm set but no operand is a literal");
}

bool is_float_atomic(AtomicOp op) {
    return op == AtomicOp::fadd || op == AtomicOp::fmin || op == AtomicOp::fmax;
}

bool check_memory(const Inst& inst, const OpInfo& info, std::string* why) {
    const bool atomic = inst.op == Op::atom;
    // ld and st share the layout of their sub fields.
    const LdSub sub = LdSub::unpack(inst.sub);
    const Space space = atomic ? AtomSub::unpack(inst.sub).space : sub.space;
    if (space == Space::global ? inst.src0.is_none() : !inst.src0.is_none()) {
        return refuse(why, &info, "a base address belongs to global memory, and only there");
    }
    if (space != Space::global && !inst.src2.is_none()) {
        return refuse(why, &info, "only global memory takes a limit operand");
    }
    if (atomic) {
        return space != Space::scratch || refuse(why, &info, "no atomics on scratch memory");
    }
    if (inst.imm >= 0x80000000u) {
        return refuse(why, &info, "offset of 2^31 or more");
    }
    const bool scalar_load = inst.op == Op::ld && inst.dst.file == File::S;
    if (scalar_load && (inst.src0.file == File::V || inst.src1.file == File::V ||
                        inst.src2.file == File::V || space == Space::scratch)) {
        return refuse(why, &info, "a scalar load takes uniform operands and no scratch");
    }
    if (sub.mode == AddrMode::consecutive &&
        (inst.dst.file != File::V || inst.src0.file == File::V || inst.src1.file == File::V)) {
        return refuse(why, &info, "consecutive mode takes a uniform address and vector data");
    }
    return true;
}

bool check_atomic(const Inst& inst, const OpInfo& info, std::string* why) {
    const bool image = inst.op == Op::imgatom;
    const AtomicOp op = image ? ImgatomSub::unpack(inst.sub).aop : AtomSub::unpack(inst.sub).aop;
    const bool float_ok = is_float_atomic(op) || (image && op == AtomicOp::xchg);
    const bool int_ok = !is_float_atomic(op);
    if (is_float(inst.ty) ? !float_ok : !int_ok) {
        return refuse(why, &info, "this atomic operation does not take this type");
    }
    if ((op == AtomicOp::cmpxchg) == inst.src4.is_none()) {
        return refuse(why, &info, "src4 is the comparand of cmpxchg, and only of it");
    }
    return true;
}

bool check_image(const Inst& inst, const OpInfo& info, std::string* why) {
    const CoordFacts f = coord_facts(inst);
    if (info.has_imm && f.offset != OffsetMode::imm && inst.imm != 0) {
        return refuse(why, &info, "imm set without immediate texel offsets");
    }
    if (info.has_imm && (inst.imm >> 24) != 0) {
        return refuse(why, &info, "reserved bits of the texel offsets set");
    }
    if (f.dim == Dim::cube && f.offset != OffsetMode::none) {
        return refuse(why, &info, "no texel offsets on cubes");
    }
    if (f.dim == Dim::buffer && (f.arrayed || f.ms || f.ref || f.offset != OffsetMode::none)) {
        return refuse(why, &info, "a buffer has no layers, samples, comparison or offsets");
    }
    if (f.dim == Dim::d3 && (f.arrayed || f.ref)) {
        return refuse(why, &info, "a 3D image has neither layers nor comparison");
    }
    if (f.ms && f.dim != Dim::d2) {
        return refuse(why, &info, "only 2D images are multisampled");
    }
    switch (inst.op) {
    case Op::tex:
        return f.dim != Dim::buffer || refuse(why, &info, "buffers are not sampled");
    case Op::txg:
        if (f.dim != Dim::d2 && f.dim != Dim::cube) {
            return refuse(why, &info, "gather takes 2D images and cubes");
        }
        return !f.ref || TxgSub::unpack(inst.sub).comp == 0 ||
               refuse(why, &info, "a comparing gather takes component 0");
    case Op::txf:
        if (f.dim == Dim::cube) {
            return refuse(why, &info, "no texel fetch from cubes");
        }
        return f.lod == LodMode::zero || f.lod == LodMode::lod ||
               refuse(why, &info, "lodmode of a fetch is zero or lod");
    case Op::txq: {
        const TxqSub sub = TxqSub::unpack(inst.sub);
        const bool lod = sub.what == TexQuery::lod;
        if (lod != !inst.src1.is_none()) {
            return refuse(why, &info, "the lod query takes a sampler, the others none");
        }
        if (lod && inst.src2.file != File::V) {
            return refuse(why, &info, "the lod query takes vector coordinates");
        }
        if (lod ? inst.ty != Type::f32 : inst.ty != Type::u32) {
            return refuse(why, &info, "lod answers in f32, the other queries in u32");
        }
        return !lod || f.dim != Dim::buffer ||
               refuse(why, &info, "a buffer has no level of detail");
    }
    default:
        return f.dim != Dim::cube || refuse(why, &info, "cubes are addressed as d2 arrayed");
    }
}

bool check_io(const Inst& inst, const OpInfo& info, std::string* why) {
    switch (inst.op) {
    case Op::ldattr: {
        const LdattrSub sub = LdattrSub::unpack(inst.sub);
        if (inst.imm > 31) {
            return refuse(why, &info, "attribute location above 31");
        }
        return sub.n_count() + sub.comp <= 4 || refuse(why, &info, "components past w");
    }
    case Op::ldin: {
        const LdinSub sub = LdinSub::unpack(inst.sub);
        if (inst.imm + static_cast<uint64_t>(sub.n_count()) > 128) {
            return refuse(why, &info, "input slot past 127");
        }
        const unsigned want = sub.loc == InterpLoc::offset         ? 2
                              : sub.loc == InterpLoc::sample_index ? 1
                                                                   : 0;
        const unsigned have = (inst.src0.is_none() ? 0u : 1u) + (inst.src1.is_none() ? 0u : 1u);
        if (have != want || (want == 1 && inst.src0.is_none())) {
            return refuse(why, &info, "operands do not fit the interpolation location");
        }
        return true;
    }
    case Op::stout:
        return inst.imm + static_cast<uint64_t>(StoutSub::unpack(inst.sub).n_count()) <=
                   static_cast<uint32_t>(VertexOut::count) ||
               refuse(why, &info, "output slot out of range");
    default:
        return true;
    }
}

} // namespace

unsigned coord_components(Dim dim) {
    switch (dim) {
    case Dim::d2:
        return 2;
    case Dim::d3:
    case Dim::cube:
        return 3;
    default:
        return 1;
    }
}

CoordLayout coord_layout(const Inst& inst) {
    const CoordFacts f = coord_facts(inst);
    CoordLayout c;
    c.spatial = coord_components(f.dim);
    unsigned at = c.spatial;
    const auto take = [&at](unsigned n) {
        const int here = static_cast<int>(at);
        at += n;
        return here;
    };
    if (f.arrayed) {
        c.layer = take(1);
    }
    if (f.ref) {
        c.ref = take(1);
    }
    if (f.lod == LodMode::bias || f.lod == LodMode::lod) {
        c.lod = take(1);
    } else if (f.lod == LodMode::grad) {
        c.grad_x = take(c.spatial);
        c.grad_y = take(c.spatial);
    }
    if (f.ms) {
        c.sample = take(1);
    }
    if (f.min_lod) {
        c.min_lod = take(1);
    }
    if (f.offset == OffsetMode::dyn) {
        c.offset = take(c.spatial);
    }
    c.total = at;
    return c;
}

unsigned operand_width(const Inst& inst, Slot slot) {
    const OpInfo* info = op_info(inst.op);
    if (info == nullptr) {
        return 0;
    }
    const unsigned t = is_64bit(inst.ty) ? 2 : 1;
    switch (slot_info(*info, slot).width) {
    case Width::zero:
        return 0;
    case Width::one:
        return 1;
    case Width::two:
        return 2;
    case Width::four:
        return 4;
    case Width::t:
        return t;
    case Width::n:
        return element_count(inst, *info);
    case Width::nt:
        return element_count(inst, *info) * t;
    case Width::four_t:
        return 4 * t;
    case Width::coord:
        return coord_width(inst);
    case Width::source_type:
        return is_64bit(CvtSub::unpack(inst.sub).sty) ? 2 : 1;
    case Width::sys: {
        const SysValInfo* sv = sysval_info(static_cast<SysVal>(inst.imm & 0xffffu));
        return sv != nullptr ? sv->width : 1;
    }
    }
    return 0;
}

Type operand_type(const Inst& inst, Slot slot) {
    const OpInfo* info = op_info(inst.op);
    if (info == nullptr) {
        return Type::none;
    }
    switch (slot_info(*info, slot).width) {
    case Width::t:
    case Width::nt:
    case Width::four_t:
        return inst.ty;
    case Width::source_type:
        return CvtSub::unpack(inst.sub).sty;
    default:
        return Type::u32;
    }
}

bool check_encoding(std::span<const uint32_t, 4> words, std::string* why) {
    Inst inst;
    if (!Inst::decode(words, inst)) {
        return refuse(why, nullptr, "unknown opcode or reserved bit 15 set");
    }
    const OpInfo& info = *op_info(inst.op);
    if (!info.allows(inst.ty)) {
        return refuse(why, &info, "type not allowed");
    }
    if ((inst.sub & ~info.sub_mask) != 0) {
        return refuse(why, &info, "reserved sub bits set");
    }
    for (const SubField& field : info.subs) {
        if (field.values.empty()) {
            continue;
        }
        bool known = false;
        for (const EnumValue& value : field.values) {
            known = known || value.value == field.get(inst.sub);
        }
        if (!known) {
            return refuse(why, &info, std::string("value of ") + field.name + " out of range");
        }
    }
    if (inst.op == Op::cvt && CvtSub::unpack(inst.sub).sty == Type::none) {
        return refuse(why, &info, "no source type");
    }
    for (unsigned slot = 0; slot < 6; ++slot) {
        if (!check_operand(inst, info, static_cast<Slot>(slot), why)) {
            return false;
        }
    }
    if (!check_imm(inst, info, why)) {
        return false;
    }
    const bool writes = !info.dst_is_source && !inst.dst.is_none();
    if (inst.m && (!writes || inst.dst.file != File::V)) {
        return refuse(why, &info, "m needs a vector destination");
    }
    // A scalar result of an op that could also give a vector takes only uniform sources; ops with
    // a scalar result only (votes, lane reads) take vectors by nature.
    if (writes && inst.dst.file == File::S && info.dst.allows(File::V)) {
        for (unsigned i = 0; i < info.src_count; ++i) {
            if (inst.src(i).file == File::V) {
                return refuse(why, &info, "scalar destination with a vector source");
            }
        }
    }
    switch (inst.op) {
    case Op::ld:
    case Op::st:
        return check_memory(inst, info, why);
    case Op::atom:
        return check_memory(inst, info, why) && check_atomic(inst, info, why);
    case Op::imgatom:
        return check_atomic(inst, info, why) && check_image(inst, info, why);
    default:
        break;
    }
    return info.group == std::string_view("tex")  ? check_image(inst, info, why)
           : info.group == std::string_view("io") ? check_io(inst, info, why)
                                                  : true;
}

} // namespace kite::hw
