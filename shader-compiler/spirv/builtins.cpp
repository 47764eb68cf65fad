// SPDX-License-Identifier: MIT
// Built-in inputs, read as system values where they are used.
#include "shader-compiler/spirv/translator.hpp"

namespace kite::cc::spirv {

Inst* Translator::subgroup_mask(spv::BuiltIn which, uint32_t component) {
    if (component > 0) {
        return b_.u32(0); // at most 32 lanes
    }
    Inst* lane = sys(hw::SysVal::lane_id);
    Inst* eq = b_.alu(HwOp::shl, HwType::u32, {b_.u32(1), lane});
    Inst* lt = b_.alu(HwOp::isub, HwType::u32, {eq, b_.u32(1)});
    Inst* all = b_.alu(
        HwOp::shr, HwType::u32,
        {b_.u32(~0u), b_.alu(HwOp::isub, HwType::u32, {b_.u32(32), sys(hw::SysVal::wave_size)})});
    switch (which) {
    case spv::BuiltIn::SubgroupEqMask:
        return eq;
    case spv::BuiltIn::SubgroupLtMask:
        return lt;
    case spv::BuiltIn::SubgroupLeMask:
        return b_.or_(eq, lt);
    case spv::BuiltIn::SubgroupGeMask:
        return b_.and_(all, b_.not_(lt));
    default:
        return b_.and_(all, b_.not_(b_.or_(eq, lt)));
    }
}

Inst* Translator::load_builtin(const IoLeaf& leaf) {
    using hw::SysVal;
    const uint32_t c = leaf.slot;
    const auto component = [&](std::initializer_list<SysVal> list) {
        if (c >= list.size()) {
            corrupt("SPIR-V: built-in with too many components");
        }
        return sys(list.begin()[c]);
    };
    const auto local = [&](uint32_t k) -> Inst* {
        if (k > 2) {
            corrupt("SPIR-V: built-in with too many components");
        }
        if (m_.local_size[k] == 1) {
            return b_.u32(0);
        }
        static constexpr SysVal kLocal[] = {SysVal::local_x, SysVal::local_y, SysVal::local_z};
        return sys(kLocal[k]);
    };
    const auto indexed = [&](SysVal v) {
        if (c > 2) {
            corrupt("SPIR-V: built-in with too many components");
        }
        return sys(v, c);
    };
    switch (static_cast<spv::BuiltIn>(*leaf.builtin)) {
    case spv::BuiltIn::VertexIndex:
        return sys(SysVal::vertex_index);
    case spv::BuiltIn::InstanceIndex:
        return sys(SysVal::instance_index);
    case spv::BuiltIn::BaseVertex:
        return sys(SysVal::base_vertex);
    case spv::BuiltIn::BaseInstance:
        return sys(SysVal::base_instance);
    case spv::BuiltIn::DrawIndex:
        return sys(SysVal::draw_index);
    case spv::BuiltIn::ViewIndex:
        facts_.uses_view_index = true;
        return sys(SysVal::view_index);
    case spv::BuiltIn::DeviceIndex:
        return b_.u32(0);
    case spv::BuiltIn::FragCoord:
        return component({SysVal::frag_x, SysVal::frag_y, SysVal::frag_z, SysVal::frag_rcpw});
    case spv::BuiltIn::FrontFacing:
        return sys(SysVal::front_facing);
    case spv::BuiltIn::PrimitiveId:
        return sys(options_.stage == hw::Stage::fragment ? SysVal::primitive_id
                                                         : SysVal::primitive_index);
    case spv::BuiltIn::InvocationId:
        return sys(SysVal::invocation_id);
    case spv::BuiltIn::PatchVertices:
        return sys(SysVal::patch_vertices);
    case spv::BuiltIn::TessCoord:
        return indexed(SysVal::tess_coord);
    case spv::BuiltIn::Layer:
        return sys(SysVal::layer);
    case spv::BuiltIn::ViewportIndex:
        return sys(SysVal::viewport_index);
    case spv::BuiltIn::SampleId:
        f_->per_sample = true;
        return sys(SysVal::sample_id);
    case spv::BuiltIn::SamplePosition:
        f_->per_sample = true;
        return component({SysVal::sample_pos_x, SysVal::sample_pos_y});
    case spv::BuiltIn::SampleMask:
        return c == 0 ? sys(SysVal::sample_mask_in) : b_.u32(0);
    case spv::BuiltIn::PointCoord:
        return component({SysVal::point_x, SysVal::point_y});
    case spv::BuiltIn::HelperInvocation:
        return sys(SysVal::helper);
    case spv::BuiltIn::NumWorkgroups:
        return indexed(SysVal::num_groups);
    case spv::BuiltIn::WorkgroupId:
        return indexed(SysVal::group_id);
    case spv::BuiltIn::WorkgroupSize:
        return c > 2 ? b_.u32(1) : b_.u32(m_.local_size[c]);
    case spv::BuiltIn::LocalInvocationId:
        return local(c);
    case spv::BuiltIn::LocalInvocationIndex:
        return sys(SysVal::local_index);
    case spv::BuiltIn::GlobalInvocationId: {
        Inst* base =
            b_.alu(HwOp::imul, HwType::u32, {indexed(SysVal::group_id), b_.u32(m_.local_size[c])});
        return b_.alu(HwOp::iadd, HwType::u32, {base, local(c)});
    }
    case spv::BuiltIn::SubgroupId:
        return sys(SysVal::subgroup_id);
    case spv::BuiltIn::NumSubgroups:
        return sys(SysVal::num_subgroups);
    case spv::BuiltIn::SubgroupSize:
        return options_.required_wave_size != 0 ? b_.u32(options_.required_wave_size)
                                                : sys(SysVal::wave_size);
    case spv::BuiltIn::SubgroupLocalInvocationId:
        return sys(SysVal::lane_id);
    case spv::BuiltIn::SubgroupEqMask:
    case spv::BuiltIn::SubgroupGeMask:
    case spv::BuiltIn::SubgroupGtMask:
    case spv::BuiltIn::SubgroupLeMask:
    case spv::BuiltIn::SubgroupLtMask:
        return subgroup_mask(static_cast<spv::BuiltIn>(*leaf.builtin), c);
    case spv::BuiltIn::Position:
    case spv::BuiltIn::PointSize:
        return b_.u32(0);
    default:
        unsupported("input built-in " + std::to_string(*leaf.builtin));
    }
}

} // namespace kite::cc::spirv
