// SPDX-License-Identifier: MIT
#include "device/exec/tex/sample.hpp"

#include <algorithm>
#include <cmath>

namespace kite::dev::exec::tex {

namespace {

constexpr float kMaxLodBias = 16.0f;

bool compare(hw::CompareOp op, float ref, float texel) {
    switch (op) {
    case hw::CompareOp::never:
        return false;
    case hw::CompareOp::less:
        return ref < texel;
    case hw::CompareOp::equal:
        return ref == texel;
    case hw::CompareOp::less_or_equal:
        return ref <= texel;
    case hw::CompareOp::greater:
        return ref > texel;
    case hw::CompareOp::not_equal:
        return ref != texel;
    case hw::CompareOp::greater_or_equal:
        return ref >= texel;
    case hw::CompareOp::always:
        break;
    }
    return true;
}

bool has_component(const hw::FormatInfo& f, unsigned c) {
    if (f.compressed)
        return c < f.channels;
    return f.ch[c].type != hw::ChannelType::none && f.ch[c].bits != 0 && !(f.depth && c > 0);
}

/// Everything one level's filter needs; `fetch` returns a texel after border replacement,
/// comparison and swizzle.
struct LevelSampler {
    const ImageView& view;
    const hw::SamplerDescriptor& sampler;
    const SampleInput& in;
    int32_t level;
    Extent size;
    int32_t layer; ///< array layer (cube: 6 * cube), or 0
    float ref;
    bool cube;

    LevelSampler(const ImageView& v, const hw::SamplerDescriptor& s, const SampleInput& i,
                 int32_t l)
        : view(v), sampler(s), in(i), level(l), size(v.extent(l)), layer(0), ref(i.ref),
          cube(v.desc.dim == hw::ViewDim::cube) {
        if (in.arrayed) {
            const int32_t count = cube ? std::max(1, view.layers / 6) : view.layers;
            const float rounded = std::nearbyint(
                std::isfinite(in.layer) ? std::clamp(in.layer, -1.0e6f, 1.0e6f) : 0.0f);
            layer = std::clamp(static_cast<int32_t>(rounded), 0, count - 1) * (cube ? 6 : 1);
        }
        if (in.has_ref && view.format->depth && view.format->ch[0].type != hw::ChannelType::sfloat)
            ref = std::clamp(ref, 0.0f, 1.0f);
    }

    [[nodiscard]] Texel finish(Texel t) const {
        if (!in.has_ref)
            return view.swizzle(t);
        Texel r{};
        r.f[0] = compare(sampler.compare_op, ref, t.f[0]) ? 1.0f : 0.0f;
        r.f[3] = 1.0f;
        return r;
    }

    [[nodiscard]] Texel border() const {
        // Components the format lacks read as they do inside.
        Texel t;
        for (unsigned c = 0; c < 4; ++c)
            t.u[c] = has_component(*view.format, c) ? sampler.border[c]
                     : c < 3                        ? 0u
                     : view.integer                 ? 1u
                                                    : 0x3f800000u;
        return t;
    }

    /// Texel at unbounded integer coordinates.
    [[nodiscard]] Texel fetch(int64_t i, int64_t j, int64_t k, int32_t face) const {
        const int dims = view.desc.dim == hw::ViewDim::d1   ? 1
                         : view.desc.dim == hw::ViewDim::d3 ? 3
                                                            : 2;
        const Wrapped x = wrap(sampler.wrap_u, i, size.w);
        const Wrapped y = dims > 1 ? wrap(sampler.wrap_v, j, size.h) : Wrapped{0, false};
        const Wrapped z = dims > 2 ? wrap(sampler.wrap_w, k, size.d) : Wrapped{0, false};
        if (x.border || y.border || z.border)
            return finish(border());
        const int32_t slice =
            dims > 2 ? z.index : std::min(layer + face, std::max(view.layers - 1, 0));
        return finish(view.load(level, x.index, y.index, slice, 0));
    }

    /// Texel of a cube face, seamless across edges; corners are the mean of their three neighbours.
    [[nodiscard]] Texel fetch_cube(int64_t i, int64_t j, int32_t face) const {
        const auto clamped = [&](int64_t v) {
            return static_cast<int32_t>(std::clamp<int64_t>(v, -1, size.w));
        };
        const int32_t ci = clamped(i), cj = clamped(j);
        int32_t f = 0, x = 0, y = 0;
        if (wrap_cube_texel(face, ci, cj, size.w, &f, &x, &y))
            return load_face(f, x, y);
        const int32_t in_i = std::clamp(ci, 0, size.w - 1), in_j = std::clamp(cj, 0, size.h - 1);
        const Texel a = load_face(face, in_i, in_j);
        (void)wrap_cube_texel(face, ci, in_j, size.w, &f, &x, &y);
        const Texel b = load_face(f, x, y);
        (void)wrap_cube_texel(face, in_i, cj, size.w, &f, &x, &y);
        const Texel c = load_face(f, x, y);
        Texel r;
        for (unsigned n = 0; n < 4; ++n)
            r.f[n] = (a.f[n] + b.f[n] + c.f[n]) * (1.0f / 3.0f);
        return view.integer ? a : r;
    }

    [[nodiscard]] Texel load_face(int32_t face, int32_t x, int32_t y) const {
        return finish(
            view.load(level, x, y, std::min(layer + face, std::max(view.layers - 1, 0)), 0));
    }

    /// Texel space coordinates of this level.
    void scaled(const float c[3], float out[3]) const {
        if (sampler.unnormalized) {
            for (unsigned n = 0; n < 3; ++n)
                out[n] = c[n];
            return;
        }
        out[0] = c[0] * static_cast<float>(size.w);
        out[1] = c[1] * static_cast<float>(size.h);
        out[2] = c[2] * static_cast<float>(size.d);
    }

    [[nodiscard]] Texel get(int64_t i, int64_t j, int64_t k, int32_t face) const {
        return cube && !sampler.nonseamless ? fetch_cube(i, j, face) : fetch(i, j, k, face);
    }

    [[nodiscard]] Texel nearest(const float c[3], int32_t face) const {
        float p[3];
        scaled(c, p);
        return get(floor_index(p[0]) + in.offset[0], floor_index(p[1]) + in.offset[1],
                   floor_index(p[2]) + in.offset[2], face);
    }

    [[nodiscard]] Texel linear(const float c[3], int32_t face) const {
        const int dims = view.desc.dim == hw::ViewDim::d1   ? 1
                         : view.desc.dim == hw::ViewDim::d3 ? 3
                                                            : 2;
        float p[3], a[3] = {};
        int64_t base[3] = {};
        scaled(c, p);
        for (int n = 0; n < dims; ++n) {
            const float q = p[n] - 0.5f;
            base[n] = floor_index(q);
            a[n] = std::clamp(q - std::floor(q), 0.0f, 1.0f);
            if (!(a[n] == a[n]))
                a[n] = 0;
            base[n] += in.offset[n];
        }
        Texel acc{};
        const bool reduce = sampler.reduction != hw::ReductionMode::weighted_average;
        bool first = true;
        for (int corner = 0; corner < (1 << dims); ++corner) {
            float weight = 1.0f;
            int64_t at[3] = {base[0], base[1], base[2]};
            for (int n = 0; n < dims; ++n) {
                const bool high = ((corner >> n) & 1) != 0;
                at[n] += high ? 1 : 0;
                weight *= high ? a[n] : 1.0f - a[n];
            }
            if (reduce && weight == 0.0f)
                continue;
            const Texel t = get(at[0], at[1], at[2], face);
            for (unsigned n = 0; n < 4; ++n) {
                if (!reduce)
                    acc.f[n] += weight * t.f[n];
                else if (first)
                    acc.f[n] = t.f[n];
                else
                    acc.f[n] = sampler.reduction == hw::ReductionMode::min
                                   ? std::min(acc.f[n], t.f[n])
                                   : std::max(acc.f[n], t.f[n]);
            }
            first = false;
        }
        return acc;
    }
};

/// Coordinates on the face for cubes, unchanged otherwise.
int32_t face_coord(const ImageView& view, const float in[3], float out[3]) {
    if (view.desc.dim != hw::ViewDim::cube) {
        for (unsigned n = 0; n < 3; ++n)
            out[n] = in[n];
        return 0;
    }
    const CubeCoord c = project_cube(in[0], in[1], in[2]);
    out[0] = c.s, out[1] = c.t, out[2] = 0;
    return c.face;
}

Texel sample_level(const ImageView& view, const hw::SamplerDescriptor& sampler,
                   const SampleInput& in, int32_t level, hw::Filter filter, const float coord[3]) {
    const LevelSampler ls(view, sampler, in, level);
    float c[3];
    const int32_t face = face_coord(view, coord, c);
    return filter == hw::Filter::linear && !view.integer ? ls.linear(c, face) : ls.nearest(c, face);
}

Texel sample_mips(const ImageView& view, const hw::SamplerDescriptor& sampler,
                  const SampleInput& in, const Lod& lod, const float coord[3]) {
    const hw::Filter filter = lod.lambda <= 0 ? sampler.mag_filter : sampler.min_filter;
    const auto last = static_cast<float>(view.levels - 1);
    const float d = std::clamp(std::isnan(lod.lambda) ? 0.0f : lod.lambda, 0.0f, last);
    if (sampler.mip_filter == hw::Filter::nearest || view.integer) {
        return sample_level(
            view, sampler, in,
            static_cast<int32_t>(std::clamp(std::ceil(d + 0.5f) - 1.0f, 0.0f, last)), filter,
            coord);
    }
    const float base = std::floor(d), frac = d - base;
    const auto lo = static_cast<int32_t>(base);
    const Texel a = sample_level(view, sampler, in, lo, filter, coord);
    if (frac == 0.0f)
        return a;
    const Texel b =
        sample_level(view, sampler, in, std::min(lo + 1, view.levels - 1), filter, coord);
    Texel r;
    for (unsigned n = 0; n < 4; ++n) {
        switch (sampler.reduction) {
        case hw::ReductionMode::min:
            r.f[n] = std::min(a.f[n], b.f[n]);
            break;
        case hw::ReductionMode::max:
            r.f[n] = std::max(a.f[n], b.f[n]);
            break;
        default:
            r.f[n] = a.f[n] * (1.0f - frac) + b.f[n] * frac;
            break;
        }
    }
    return r;
}

} // namespace

Lod compute_lod(const ImageView& view, const hw::SamplerDescriptor& sampler,
                const SampleInput& in) {
    Lod lod{};
    float lambda = in.explicit_lod;
    if (in.has_derivatives) {
        const Extent size = view.extent(0);
        float dx[3] = {}, dy[3] = {};
        if (view.desc.dim == hw::ViewDim::cube) {
            const CubeCoord c = project_cube(in.coord[0], in.coord[1], in.coord[2]);
            cube_derivative(c, in.ddx[0], in.ddx[1], in.ddx[2], &dx[0], &dx[1]);
            cube_derivative(c, in.ddy[0], in.ddy[1], in.ddy[2], &dy[0], &dy[1]);
        } else {
            std::copy_n(in.ddx, 3, dx);
            std::copy_n(in.ddy, 3, dy);
        }
        const float raw_dx[3] = {dx[0], dx[1], dx[2]}, raw_dy[3] = {dy[0], dy[1], dy[2]};
        const float scale[3] = {
            static_cast<float>(size.w),
            view.desc.dim == hw::ViewDim::d1 ? 0.0f : static_cast<float>(size.h),
            view.desc.dim == hw::ViewDim::d3 ? static_cast<float>(size.d) : 0.0f};
        for (unsigned n = 0; n < 3; ++n)
            dx[n] *= scale[n], dy[n] *= scale[n];
        const Footprint fp = footprint(dx, dy);
        float rho = fp.rho_max;
        if (sampler.aniso_log2 != 0 && view.desc.dim != hw::ViewDim::cube && fp.rho_max > 0) {
            const auto limit = static_cast<float>(1u << std::min(sampler.aniso_log2, 4u));
            const float eta = std::min(fp.rho_min > 0 ? fp.rho_max / fp.rho_min : limit, limit);
            if (std::isfinite(eta)) {
                lod.samples = std::clamp(static_cast<int>(std::ceil(eta)), 1, 16);
                rho = fp.rho_max / eta;
                for (unsigned n = 0; n < 3; ++n)
                    lod.step[n] = fp.x_major ? raw_dx[n] : raw_dy[n];
            }
        }
        lambda = std::log2(rho);
    }
    lod.raw = lambda + std::clamp(sampler.lod_bias + in.bias, -kMaxLodBias, kMaxLodBias);
    const float low = std::max(sampler.min_lod, in.min_lod);
    lod.lambda = std::min(std::max(lod.raw, low), std::max(sampler.max_lod, low));
    // The view's own clamp (VK_EXT_image_view_min_lod) counts from the resource's level 0.
    if (view.desc.min_lod > 0)
        lod.lambda =
            std::max(lod.lambda, view.desc.min_lod - static_cast<float>(view.desc.base_level));
    if (sampler.unnormalized)
        lod.lambda = 0;
    return lod;
}

Texel sample(const ImageView& view, const hw::SamplerDescriptor& sampler, const SampleInput& in) {
    const Lod lod = compute_lod(view, sampler, in);
    if (lod.samples == 1)
        return sample_mips(view, sampler, in, lod, in.coord);
    Texel sum{};
    const auto n = static_cast<float>(lod.samples);
    for (int tap = 1; tap <= lod.samples; ++tap) {
        const float at = static_cast<float>(tap) / (n + 1.0f) - 0.5f;
        const float c[3] = {in.coord[0] + lod.step[0] * at, in.coord[1] + lod.step[1] * at,
                            in.coord[2] + lod.step[2] * at};
        const Texel t = sample_mips(view, sampler, in, lod, c);
        if (view.integer)
            return t;
        for (unsigned k = 0; k < 4; ++k) {
            switch (sampler.reduction) {
            case hw::ReductionMode::min:
                sum.f[k] = tap == 1 ? t.f[k] : std::min(sum.f[k], t.f[k]);
                break;
            case hw::ReductionMode::max:
                sum.f[k] = tap == 1 ? t.f[k] : std::max(sum.f[k], t.f[k]);
                break;
            default:
                sum.f[k] += t.f[k] / n;
                break;
            }
        }
    }
    return sum;
}

Texel gather(const ImageView& view, const hw::SamplerDescriptor& sampler, const SampleInput& in,
             unsigned component) {
    const LevelSampler ls(view, sampler, in, 0);
    float c[3], p[3];
    const int32_t face = face_coord(view, in.coord, c);
    ls.scaled(c, p);
    const int64_t i = floor_index(p[0] - 0.5f) + in.offset[0],
                  j = floor_index(p[1] - 0.5f) + in.offset[1];
    const unsigned pick = in.has_ref ? 0 : component;
    Texel r;
    r.u[0] = ls.get(i, j + 1, 0, face).u[pick];
    r.u[1] = ls.get(i + 1, j + 1, 0, face).u[pick];
    r.u[2] = ls.get(i + 1, j, 0, face).u[pick];
    r.u[3] = ls.get(i, j, 0, face).u[pick];
    return r;
}

} // namespace kite::dev::exec::tex
