// SPDX-License-Identifier: MIT
// Operand tuples of image instructions to per-lane requests, and back. Sampling is in sample.cpp,
// storage images in storage.cpp.
#include "device/exec/tex/sample.hpp"
#include "device/exec/tex/storage.hpp"
#include "device/exec/tex/texture.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace kite::dev::exec::tex {

namespace {

unsigned coordinates(hw::Dim dim) {
    switch (dim) {
    case hw::Dim::d2:
        return 2;
    case hw::Dim::d3:
    case hw::Dim::cube:
        return 3;
    default:
        return 1;
    }
}

/// Walks a coordinate tuple row by row.
struct TupleReader {
    const Lanes& lanes;
    unsigned row = 0;
    float f(unsigned lane) { return std::bit_cast<float>(lanes.coord[row++][lane]); }
    int32_t i(unsigned lane) { return static_cast<int32_t>(lanes.coord[row++][lane]); }
};

void read_offsets(hw::OffsetMode mode, uint32_t imm, unsigned count, TupleReader& in, unsigned lane,
                  int32_t out[3]) {
    for (unsigned n = 0; n < count; ++n) {
        if (mode == hw::OffsetMode::imm)
            out[n] = static_cast<int8_t>(imm >> (8 * n));
        if (mode == hw::OffsetMode::dyn)
            out[n] = in.i(lane);
    }
}

/// Descriptors of the lane before are reused while the address stays the same, the usual case.
class DescriptorCache {
public:
    explicit DescriptorCache(const DrawContext& draw) : draw_(draw) {}
    const ImageView& image(uint64_t va) {
        if (!have_image_ || va != image_va_)
            view_ = read_image(draw_, va), image_va_ = va, have_image_ = true;
        return view_;
    }
    const hw::SamplerDescriptor& sampler(uint64_t va) {
        if (!have_sampler_ || va != sampler_va_)
            sampler_ = read_sampler(draw_, va), sampler_va_ = va, have_sampler_ = true;
        return sampler_;
    }

private:
    const DrawContext& draw_;
    ImageView view_;
    hw::SamplerDescriptor sampler_{};
    uint64_t image_va_ = 0, sampler_va_ = 0;
    bool have_image_ = false, have_sampler_ = false;
};

void store_result(Lanes& lanes, unsigned lane, const Texel& t) {
    for (unsigned n = 0; n < 4; ++n)
        lanes.result[n][lane] = t.u[n];
}

/// Derivatives of coordinate `n` over the lane's quad.
void derivatives(const Lanes& lanes, unsigned lane, unsigned count, float ddx[3], float ddy[3]) {
    for (unsigned n = 0; n < count; ++n) {
        const auto at = [&](unsigned l) { return std::bit_cast<float>(lanes.coord[n][l]); };
        ddx[n] = at(lane | 1u) - at(lane & ~1u);
        ddy[n] = at(lane | 2u) - at(lane & ~2u);
    }
}

/// The head of a sampling or gathering tuple: coordinates, layer, reference.
SampleInput read_position(TupleReader& in, unsigned lane, unsigned count, bool arrayed, bool ref) {
    SampleInput s;
    for (unsigned n = 0; n < count; ++n)
        s.coord[n] = in.f(lane);
    s.arrayed = arrayed;
    if (arrayed)
        s.layer = in.f(lane);
    s.has_ref = ref;
    if (ref)
        s.ref = in.f(lane);
    return s;
}

void do_sample(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    const hw::TexSub sub = hw::TexSub::unpack(inst.sub);
    const unsigned count = coordinates(sub.dim);
    DescriptorCache cache(draw);
    for (unsigned lane = 0; lane < lanes.width; ++lane) {
        if (((lanes.exec >> lane) & 1) == 0)
            continue;
        const ImageView& view = cache.image(lanes.image_va[lane]);
        const hw::SamplerDescriptor& sampler = cache.sampler(lanes.sampler_va[lane]);
        if (view.null() || view.desc.dim == hw::ViewDim::buffer)
            continue;
        TupleReader in{lanes};
        SampleInput s = read_position(in, lane, count, sub.arrayed, sub.ref);
        switch (sub.lodmode) {
        case hw::LodMode::implicit:
        case hw::LodMode::bias:
            s.has_derivatives = lanes.fragment;
            if (lanes.fragment)
                derivatives(lanes, lane, count, s.ddx, s.ddy);
            if (sub.lodmode == hw::LodMode::bias)
                s.bias = in.f(lane);
            break;
        case hw::LodMode::lod:
            s.explicit_lod = in.f(lane);
            break;
        case hw::LodMode::grad:
            s.has_derivatives = true;
            for (unsigned n = 0; n < count; ++n)
                s.ddx[n] = in.f(lane);
            for (unsigned n = 0; n < count; ++n)
                s.ddy[n] = in.f(lane);
            break;
        case hw::LodMode::zero:
            break;
        }
        if (sub.minlod)
            s.min_lod = in.f(lane);
        read_offsets(sub.offset, inst.imm, count, in, lane, s.offset);
        store_result(lanes, lane, sample(view, sampler, s));
    }
}

void do_gather(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    const hw::TxgSub sub = hw::TxgSub::unpack(inst.sub);
    const unsigned count = coordinates(sub.dim);
    DescriptorCache cache(draw);
    for (unsigned lane = 0; lane < lanes.width; ++lane) {
        if (((lanes.exec >> lane) & 1) == 0)
            continue;
        const ImageView& view = cache.image(lanes.image_va[lane]);
        const hw::SamplerDescriptor& sampler = cache.sampler(lanes.sampler_va[lane]);
        if (view.null() || view.desc.dim == hw::ViewDim::buffer)
            continue;
        TupleReader in{lanes};
        SampleInput s = read_position(in, lane, count, sub.arrayed, sub.ref);
        read_offsets(sub.offset, inst.imm, std::min(count, 2u), in, lane, s.offset);
        store_result(lanes, lane, gather(view, sampler, s, sub.comp));
    }
}

void do_fetch(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    const hw::TxfSub sub = hw::TxfSub::unpack(inst.sub);
    const unsigned count = coordinates(sub.dim);
    DescriptorCache cache(draw);
    for (unsigned lane = 0; lane < lanes.width; ++lane) {
        if (((lanes.exec >> lane) & 1) == 0)
            continue;
        const ImageView& view = cache.image(lanes.image_va[lane]);
        if (view.null())
            continue;
        TupleReader in{lanes};
        int32_t c[3] = {}, offset[3] = {}, layer = 0, level = 0, sample = 0;
        for (unsigned n = 0; n < count; ++n)
            c[n] = in.i(lane);
        if (sub.arrayed)
            layer = in.i(lane);
        if (sub.lodmode == hw::LodMode::lod)
            level = in.i(lane);
        if (sub.ms)
            sample = in.i(lane);
        read_offsets(sub.offset, inst.imm, count, in, lane, offset);
        const bool level_ok = level >= 0 && level < view.levels;
        const Extent e = view.extent(level_ok ? level : 0);
        int64_t at[3];
        for (unsigned n = 0; n < 3; ++n)
            at[n] = int64_t{c[n]} + offset[n];
        // Texel buffers have 32-bit element indices, beyond what a signed coordinate names.
        const bool buffer = view.desc.dim == hw::ViewDim::buffer;
        const bool volume = view.desc.dim == hw::ViewDim::d3;
        const int32_t layers = volume ? 1 : std::max(view.layers, 1);
        const bool inside = level_ok && at[0] >= 0 && at[0] < e.w &&
                            (buffer || (at[1] >= 0 && at[1] < e.h)) &&
                            (!volume || (at[2] >= 0 && at[2] < e.d)) && layer >= 0 &&
                            layer < layers && sample >= 0 && sample < (1 << view.desc.log2_samples);
        Texel t{};
        if (inside) {
            t = view.load(level, static_cast<int32_t>(at[0]),
                          static_cast<int32_t>(buffer ? 0 : at[1]),
                          volume ? static_cast<int32_t>(at[2]) : layer, sample);
            t = view.swizzle(t);
        }
        store_result(lanes, lane, t);
    }
}

void do_query(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    const hw::TxqSub sub = hw::TxqSub::unpack(inst.sub);
    DescriptorCache cache(draw);
    for (unsigned lane = 0; lane < lanes.width; ++lane) {
        if (((lanes.exec >> lane) & 1) == 0)
            continue;
        const ImageView& view = cache.image(lanes.image_va[lane]);
        if (view.null())
            continue;
        Texel t{};
        switch (sub.what) {
        case hw::TexQuery::samples:
            t.u[0] = 1u << view.desc.log2_samples;
            break;
        case hw::TexQuery::lod: {
            const hw::SamplerDescriptor& sampler = cache.sampler(lanes.sampler_va[lane]);
            SampleInput s;
            const unsigned count = coordinates(sub.dim);
            for (unsigned n = 0; n < count; ++n)
                s.coord[n] = std::bit_cast<float>(lanes.coord[n][lane]);
            s.has_derivatives = lanes.fragment;
            if (lanes.fragment)
                derivatives(lanes, lane, count, s.ddx, s.ddy);
            const Lod lod = compute_lod(view, sampler, s);
            const auto last = static_cast<float>(view.levels - 1);
            float level = std::clamp(lod.lambda, 0.0f, last);
            if (sampler.mip_filter == hw::Filter::nearest)
                level = std::clamp(std::ceil(level + 0.5f) - 1.0f, 0.0f, last);
            t.f[0] = level;
            t.f[1] = lod.raw;
            break;
        }
        case hw::TexQuery::size: {
            const auto level = static_cast<int32_t>(lanes.coord[0][lane]);
            const bool ok = level >= 0 && level < view.levels;
            const Extent e = view.extent(ok ? level : 0);
            uint32_t* out = t.u;
            if (ok) {
                const unsigned dims = sub.dim == hw::Dim::cube ? 2 : coordinates(sub.dim);
                const int32_t size[3] = {e.w, e.h, e.d};
                for (unsigned n = 0; n < dims; ++n)
                    *out++ = static_cast<uint32_t>(size[n]);
                if (sub.arrayed)
                    *out++ = static_cast<uint32_t>(
                        view.desc.dim == hw::ViewDim::cube ? view.layers / 6 : view.layers);
            }
            t.u[3] = static_cast<uint32_t>(view.levels);
            break;
        }
        }
        store_result(lanes, lane, t);
    }
}

} // namespace

void execute(const hw::Inst& inst, const DrawContext& draw, Lanes& lanes) {
    std::memset(lanes.result, 0, sizeof(lanes.result));
    switch (inst.op) {
    case hw::Op::tex:
        return do_sample(inst, draw, lanes);
    case hw::Op::txg:
        return do_gather(inst, draw, lanes);
    case hw::Op::txf:
        return do_fetch(inst, draw, lanes);
    case hw::Op::txq:
        return do_query(inst, draw, lanes);
    case hw::Op::imgld:
        return image_load(inst, draw, lanes);
    case hw::Op::imgst:
        return image_store(inst, draw, lanes);
    case hw::Op::imgatom:
        return image_atomic(inst, draw, lanes);
    default:
        return;
    }
}

} // namespace kite::dev::exec::tex
