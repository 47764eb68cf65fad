// SPDX-License-Identifier: MIT
// Stage inputs, outputs and system values (hw/isa/io.toml).
#include "device/exec/attribute.hpp"
#include "device/exec/emitted.hpp"
#include "device/exec/interp/interp.hpp"
#include "device/exec/system.hpp"

#include <bit>
#include <cmath>

namespace kite::dev::exec::interp {

namespace {

using hw::InterpLoc;
using hw::SysVal;

float plane(float c0, float cx, float cy, float px, float py) {
    return std::fma(cy, py, std::fma(cx, px, c0));
}

uint32_t bits(float x) {
    return std::bit_cast<uint32_t>(x);
}

uint32_t fragment_value(const Wave& w, SysVal value, unsigned lane) {
    const FragmentWave& f = *w.fragment;
    const Primitive& p = *f.primitive;
    const float px = f.x[lane] - p.origin_x;
    const float py = f.y[lane] - p.origin_y;
    switch (value) {
    case SysVal::frag_x:
        return bits(f.x[lane]);
    case SysVal::frag_y:
        return bits(f.y[lane]);
    case SysVal::frag_z:
        return bits(f.z[lane]);
    case SysVal::frag_rcpw:
        return bits(plane(p.w0, p.wx, p.wy, px, py));
    case SysVal::front_facing:
        return p.front_facing;
    case SysVal::primitive_id:
        return p.primitive_id;
    case SysVal::layer:
        return p.layer;
    case SysVal::viewport_index:
        return p.viewport;
    case SysVal::sample_id:
        return f.sample_id;
    case SysVal::sample_pos_x:
        return bits(f.sample_x);
    case SysVal::sample_pos_y:
        return bits(f.sample_y);
    case SysVal::sample_mask_in:
        return f.sample_mask[lane];
    case SysVal::point_x:
        return bits(std::fma(p.point_dx, px, p.point_x0));
    case SysVal::point_y:
        return bits(std::fma(p.point_dy, py, p.point_y0));
    default: // helper
        return ((w.live >> lane) & 1u) != 0 ? 0 : 0xffffffffu;
    }
}

// Local invocation id component of a lane.
uint32_t local_id(const Wave& w, SysVal value, unsigned lane) {
    const auto& size = w.program->info.workgroup;
    const uint32_t index = w.subgroup * w.width + lane;
    switch (value) {
    case SysVal::local_x:
        return index % size[0];
    case SysVal::local_y:
        return index / size[0] % size[1];
    case SysVal::local_z:
        return index / (size[0] * size[1]);
    default:
        return index;
    }
}

uint64_t system_value(const Wave& w, SysVal value, uint32_t index, unsigned lane) {
    const DrawContext& d = *w.draw;
    switch (value) {
    case SysVal::vertex_index:
        return w.vertex->vertex_index[lane];
    case SysVal::instance_index:
        return w.vertex->instance_index[lane];
    case SysVal::in_base:
        return w.vertex->in_base[lane];
    case SysVal::out_base:
        return w.vertex->out_base[lane];
    case SysVal::patch_base:
        return w.vertex->patch_base[lane];
    case SysVal::invocation_id:
        return w.vertex->invocation_id[lane];
    case SysVal::primitive_index:
        return w.vertex->primitive_index[lane];
    case SysVal::patch_vertices:
        return w.vertex->patch_vertices;
    case SysVal::tess_coord:
        return std::bit_cast<uint32_t>(w.vertex->tess_coord[index][lane]);
    case SysVal::base_vertex:
        return d.base_vertex;
    case SysVal::base_instance:
        return d.base_instance;
    case SysVal::draw_index:
        return d.draw_index;
    case SysVal::view_index:
        return d.view_index;
    case SysVal::local_x:
    case SysVal::local_y:
    case SysVal::local_z:
    case SysVal::local_index:
        return local_id(w, value, lane);
    case SysVal::group_id:
        return w.group[index];
    case SysVal::num_groups:
        return d.num_groups[index];
    case SysVal::subgroup_id:
        return w.subgroup;
    case SysVal::num_subgroups:
        return w.subgroup_count;
    case SysVal::lane_id:
        return lane;
    case SysVal::wave_size:
        return w.width;
    case SysVal::set_va:
        return d.set_va[index];
    case SysVal::push_va:
        return d.push_va;
    case SysVal::dynamic_va:
        return d.dynamic_va;
    default:
        return fragment_value(w, value, lane);
    }
}

void load_attribute(Wave& w, const hw::Inst& inst) {
    const auto sub = hw::LdattrSub::unpack(inst.sub);
    const AttributeSource& source = w.draw->attributes[inst.imm];
    const unsigned words = hw::is_64bit(inst.ty) ? 2 : 1;
    for (unsigned i = 0; i < w.width; ++i) {
        std::array<uint32_t, 8> x{};
        if (i < w.vertex->count) {
            fetch_attribute(source,
                            attribute_element(source, w.draw->base_instance,
                                              w.vertex->vertex_index[i],
                                              w.vertex->instance_index[i]),
                            inst.ty, x);
        }
        for (unsigned k = 0; k < sub.n_count() * words; ++k) {
            w.write(inst, k, i, x[sub.comp * words + k]);
        }
    }
}

// Where a fragment input is evaluated.
std::array<float, 2> position(const Wave& w, const hw::Inst& inst, InterpLoc loc, unsigned lane) {
    const FragmentWave& f = *w.fragment;
    const float x = f.x[lane];
    const float y = f.y[lane];
    switch (loc) {
    case InterpLoc::centroid:
        return {f.centroid_x[lane], f.centroid_y[lane]};
    case InterpLoc::offset:
        return {std::floor(x) + 0.5f + std::bit_cast<float>(w.reg(inst, inst.src0, 0, lane)),
                std::floor(y) + 0.5f + std::bit_cast<float>(w.reg(inst, inst.src1, 0, lane))};
    case InterpLoc::sample_index: {
        const SamplePosition s = sample_position(f.log2_samples, w.reg(inst, inst.src0, 0, lane));
        return {std::floor(x) + s.x, std::floor(y) + s.y};
    }
    default:
        return {x, y};
    }
}

void load_input(Wave& w, const hw::Inst& inst) {
    const auto sub = hw::LdinSub::unpack(inst.sub);
    const Primitive& p = *w.fragment->primitive;
    const auto& inputs = w.program->info.inputs;
    unsigned rank = 0;
    for (unsigned s = 0; s < inst.imm; ++s) {
        rank += inputs[s] ? 1 : 0;
    }
    for (unsigned i = 0; i < w.width; ++i) {
        if (sub.interp == hw::Interp::flat) {
            for (unsigned k = 0; k < sub.n_count(); ++k) {
                w.write(inst, k, i, p.flat[rank + k]);
            }
            continue;
        }
        const auto [x, y] = position(w, inst, sub.loc, i);
        const float px = x - p.origin_x;
        const float py = y - p.origin_y;
        float bi = plane(p.li0, p.lix, p.liy, px, py);
        float bj = plane(p.lj0, p.ljx, p.ljy, px, py);
        if (sub.interp == hw::Interp::smooth) {
            const float rw = 1.0f / plane(p.w0, p.wx, p.wy, px, py);
            bi = plane(p.i0, p.ix, p.iy, px, py) * rw;
            bj = plane(p.j0, p.jx, p.jy, px, py) * rw;
        }
        for (unsigned k = 0; k < sub.n_count(); ++k) {
            const auto v0 = std::bit_cast<float>(p.v[0][rank + k]);
            const auto v1 = std::bit_cast<float>(p.v[1][rank + k]);
            const auto v2 = std::bit_cast<float>(p.v[2][rank + k]);
            w.write(inst, k, i, bits(std::fma(bj, v2 - v0, std::fma(bi, v1 - v0, v0))));
        }
    }
}

void store_output(Wave& w, const hw::Inst& inst) {
    for (unsigned k = 0; k < hw::StoutSub::unpack(inst.sub).n_count(); ++k) {
        auto* out =
            w.vertex != nullptr ? w.vertex->out[inst.imm + k] : w.fragment->out[inst.imm + k];
        for (unsigned i = 0; i < w.width; ++i) {
            if (w.active(i)) {
                out[i] = w.reg(inst, inst.dst, k, i);
            }
        }
    }
}

} // namespace

void exec_io(Wave& w, const hw::Inst& inst) {
    switch (inst.op) {
    case hw::Op::sys: {
        const auto value = static_cast<SysVal>(inst.imm & 0xffffu);
        const bool wide = hw::operand_width(inst, hw::Slot::dst) == 2;
        const uint64_t clock = value == SysVal::clock ? device_clock() : 0;
        for (unsigned i = 0; i < w.lanes_of(inst.dst); ++i) {
            w.write_value(inst, wide ? hw::Type::u64 : hw::Type::u32, i,
                          value == SysVal::clock ? clock
                                                 : system_value(w, value, inst.imm >> 16, i));
        }
        break;
    }
    case hw::Op::ldattr:
        load_attribute(w, inst);
        break;
    case hw::Op::ldin:
        load_input(w, inst);
        break;
    case hw::Op::emit:
        w.vertex->emitted->emit(w.vertex->out, w.exec, inst.imm);
        break;
    case hw::Op::cut:
        w.vertex->emitted->cut(w.exec, inst.imm);
        break;
    default:
        store_output(w, inst);
        break;
    }
}

} // namespace kite::dev::exec::interp
