// SPDX-License-Identifier: MIT
// One 4x4 block of one primitive: tests, fragment program, output merge. Included by hot.cpp only.
//
// Order of operations follows the Vulkan chapter "Fragment Operations": sample mask, early tests if
// allowed, program, sample mask output and alpha to coverage, late tests, occlusion count, merge.
#pragma once

#include "device/raster/hot_color.hpp"
#include "device/raster/hot_depth.hpp"

namespace kite::dev::raster {
namespace {

using namespace simd;

constexpr unsigned kLargestBlock = kBlockPixels * kMaxSamples * 16;

/// Rows of four to block order, or back: the same permutation undoes itself.
template <class V>
KITE_SIMD V swap_rows_and_block(V v) {
    return __builtin_shufflevector(v, v, 0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
}

/// Four rows of four 4-byte texels as a block.
KITE_SIMD U16 load_rows(const std::byte* origin, uint64_t stride) {
    U16 rows;
    for (unsigned y = 0; y < 4; ++y) {
        __builtin_memcpy(reinterpret_cast<std::byte*>(&rows) + y * 16, origin + y * stride, 16);
    }
    return swap_rows_and_block(rows);
}

/// Stores the lanes of mask of such a block. @return false if this build can't mask stores
KITE_SIMD bool store_rows(std::byte* origin, uint64_t stride, U16 block, uint32_t mask) {
    const U16 rows = swap_rows_and_block(block);
    if (mask == 0xffffu) {
        for (unsigned y = 0; y < 4; ++y) {
            __builtin_memcpy(origin + y * stride,
                             reinterpret_cast<const std::byte*>(&rows) + y * 16, 16);
        }
        return true;
    }
#if defined(__AVX2__)
    const I16 wanted = swap_rows_and_block(lanes(mask));
    for (unsigned y = 0; y < 4; ++y) {
        __m128i row;
        __m128i lane_mask;
        __builtin_memcpy(&row, reinterpret_cast<const std::byte*>(&rows) + y * 16, 16);
        __builtin_memcpy(&lane_mask, reinterpret_cast<const std::byte*>(&wanted) + y * 16, 16);
        _mm_maskstore_epi32(reinterpret_cast<int*>(origin + y * stride), lane_mask, row);
    }
    return true;
#else
    return false;
#endif
}

/// Copies between a linear surface and block order; lanes outside the surface are skipped.
[[gnu::noinline]] void linear_block(const Target& t, uint32_t layer, int x, int y, std::byte* stage,
                                    uint32_t mask, bool store) {
    std::byte* origin = t.base + layer * t.layer_stride + static_cast<uint64_t>(y) * t.row_stride +
                        static_cast<uint64_t>(x) * t.bytes;
    const bool inside =
        static_cast<uint32_t>(x) + 4 <= t.width && static_cast<uint32_t>(y) + 4 <= t.height;
    if (inside && t.bytes == 4) {
        if (!store) {
            store_bytes(stage, load_rows(origin, t.row_stride));
            return;
        }
        if (store_rows(origin, t.row_stride, load_bytes(stage), mask)) {
            return;
        }
    }
    for (unsigned lane = 0; lane < kBlockPixels; ++lane) {
        const unsigned lx = (lane & 1) | (lane >> 1 & 2);
        const unsigned ly = (lane >> 1 & 1) | (lane >> 2 & 2);
        if (static_cast<uint32_t>(x) + lx >= t.width || static_cast<uint32_t>(y) + ly >= t.height) {
            continue;
        }
        std::byte* texel = origin + ly * t.row_stride + lx * t.bytes;
        if (!store) {
            __builtin_memcpy(stage + lane * t.bytes, texel, t.bytes);
        } else if ((mask >> lane & 1u) != 0) {
            __builtin_memcpy(texel, stage + lane * t.bytes, t.bytes);
        }
    }
}

/// A block in block order: in place for tiled surfaces, a copy for linear ones.
struct OpenBlock {
    std::byte* data;
    bool staged;
};

KITE_SIMD OpenBlock open_block(const Target& t, uint32_t layer, int x, int y, std::byte* stage,
                               bool contents) {
    if (t.tiled) [[likely]] {
        return {t.base + layer * t.layer_stride + static_cast<uint64_t>(y >> 2) * t.row_stride +
                    static_cast<uint64_t>(x >> 2) * (kBlockPixels * t.samples * t.bytes),
                false};
    }
    if (contents) {
        linear_block(t, layer, x, y, stage, 0xffffu, false);
    }
    return {stage, true};
}

KITE_SIMD uint32_t whole_quads(uint32_t mask) {
    mask |= (mask >> 1 & 0x5555u) | (mask << 1 & 0xaaaau);
    return mask | (mask >> 2 & 0x3333u) | (mask << 2 & 0xccccu);
}

KITE_SIMD F16 depth_at(const BinnedPrim& p, F16 px, F16 py) {
    const exec::Primitive& a = p.attributes;
    return clamp(px * a.zx + (py * a.zy + a.z0), p.min_depth, p.max_depth);
}

/// Runs the program for the wave's exec lanes; on W = 8 as two halves.
[[gnu::noinline]] void run_halves(TileContext& t, const PixelState& s) {
    exec::FragmentWave& w = *t.wave;
    exec::FragmentWave& h = *t.half;
    const uint32_t exec_mask = w.exec;
    const uint32_t live = w.live;
    h.sample_id = w.sample_id;
    h.sample_x = w.sample_x;
    h.sample_y = w.sample_y;
    h.primitive = w.primitive;
    h.exec = exec_mask >> 8;
    h.live = live >> 8;
    if (h.exec != 0) {
        __builtin_memcpy(h.x, w.x + 8, 32);
        __builtin_memcpy(h.y, w.y + 8, 32);
        __builtin_memcpy(h.z, w.z + 8, 32);
        __builtin_memcpy(h.centroid_x, w.centroid_x + 8, 32);
        __builtin_memcpy(h.centroid_y, w.centroid_y + 8, 32);
        __builtin_memcpy(h.sample_mask, w.sample_mask + 8, 32);
        s.fragment->run_fragment(*s.context, h, *t.memory);
    }
    w.exec = exec_mask & 0xffu;
    w.live = live & 0xffu;
    if (w.exec != 0) {
        s.fragment->run_fragment(*s.context, w, *t.memory);
    }
    for (unsigned word = 0; word < 2; ++word) {
        for (uint32_t rest = s.out_rows[word]; rest != 0; rest &= rest - 1) {
            const unsigned slot = word * 32 + static_cast<unsigned>(__builtin_ctz(rest));
            __builtin_memcpy(w.out[slot] + 8, h.out[slot], 32);
        }
    }
    w.live = (w.exec != 0 ? w.live : 0u) | (h.exec != 0 ? h.live << 8 : 0u);
    w.exec = exec_mask;
}

KITE_SIMD void run_program(TileContext& t, const PixelState& s, uint32_t live) {
    exec::FragmentWave& w = *t.wave;
    w.live = live;
    w.exec = s.needs_quads ? whole_quads(live) : live;
    t.waves++;
    t.invocations += static_cast<unsigned>(__builtin_popcount(w.exec));
    if (t.wave_size == 16) {
        s.fragment->run_fragment(*s.context, w, *t.memory);
    } else {
        run_halves(t, s);
    }
    w.live &= live;
}

/// Pointers of the depth and stencil blocks of a pixel block.
struct TestPlanes {
    OpenBlock depth{nullptr, false};
    OpenBlock stencil{nullptr, false};
};

KITE_SIMD uint32_t test_sample(TileContext& t, const BinnedPrim& p, const TestPlanes& planes,
                               unsigned sample, F16 z, uint32_t mask, const uint32_t* reference) {
    const PixelState& s = *p.state;
    const Target& d = t.targets->depth;
    std::byte* depth = planes.depth.data == nullptr
                           ? nullptr
                           : planes.depth.data + sample * kBlockPixels * d.bytes;
    if (!s.stencil_test && !s.depth_bounds) [[likely]] {
        return s.depth_test && depth != nullptr
                   ? depth_block(s, d.depth, depth, z, mask, s.depth_write)
                   : mask;
    }
    std::byte* stencil =
        planes.stencil.data == nullptr ? nullptr : planes.stencil.data + sample * kBlockPixels;
    alignas(64) float z_lanes[16];
    store(z_lanes, z);
    return stencil_depth_block(s, p.face, d.depth, depth, stencil, z_lanes, mask, reference);
}

/// Alpha to coverage: sample i of a pixel survives where alpha exceeds its threshold.
KITE_SIMD uint32_t alpha_mask(const exec::FragmentWave& w, unsigned sample, unsigned samples) {
    const float threshold = (static_cast<float>(sample) + 0.5f) / static_cast<float>(samples);
    return bits(as_float(load(w.out[3])) >= threshold);
}

/// Alpha outputs become 1 (not for integer targets).
[[gnu::noinline]] void alpha_one(TileContext& t, const PixelState& s) {
    for (unsigned i = 0; i < kMaxTargets; ++i) {
        if ((s.color_written >> i & 1u) != 0 && t.targets->color[i].color != ColorClass::integer) {
            store(t.wave->out[i * 4 + 3], splat(0x3f800000u));
        }
    }
}

/// Merges the outputs of the wave into all targets of one sample.
KITE_SIMD void merge_sample(TileContext& t, const PixelState& s, OpenBlock* colors, unsigned sample,
                            uint32_t mask) {
    const exec::FragmentWave& w = *t.wave;
    const bool dual = (s.out_rows[1] & 0xfu) != 0;
    for (uint32_t rest = s.color_written; rest != 0; rest &= rest - 1) {
        const unsigned index = static_cast<unsigned>(__builtin_ctz(rest));
        std::byte* block =
            colors[index].data + sample * kBlockPixels * t.targets->color[index].bytes;
        write_color(t, s, index, w.out + index * 4, dual ? w.out + 32 : nullptr, block, mask);
    }
}

KITE_SIMD void set_positions(TileContext& t, const BinnedPrim& p, F16 fx, F16 fy, F16 z) {
    exec::FragmentWave& w = *t.wave;
    store(w.x, fx);
    store(w.y, fy);
    store(w.z, z);
    w.primitive = &p.attributes;
}

/// Centroid positions: the centre where fully covered, else the first covered sample.
[[gnu::noinline]] void set_centroids(TileContext& t, const PixelState& s, const float* fx,
                                     const float* fy, const uint32_t* cover) {
    exec::FragmentWave& w = *t.wave;
    const unsigned samples = s.samples;
    for (unsigned lane = 0; lane < kBlockPixels; ++lane) {
        w.centroid_x[lane] = fx[lane];
        w.centroid_y[lane] = fy[lane];
        unsigned covered = 0;
        for (unsigned i = 0; i < samples; ++i) {
            covered |= (cover[i] >> lane & 1u) << i;
        }
        if (samples > 1 && covered != 0 && covered != (1u << samples) - 1) {
            const int first = __builtin_ctz(covered);
            w.centroid_x[lane] += static_cast<float>(s.pattern->x[first]) * (1.0f / kSubPixel);
            w.centroid_y[lane] += static_cast<float>(s.pattern->y[first]) * (1.0f / kSubPixel);
        }
    }
}

/// The single-sample block.
KITE_SIMD void shade_single(TileContext& t, const BinnedPrim& p, int x, int y, uint32_t mask) {
    const PixelState& s = *p.state;
    const Targets& targets = *t.targets;
    const uint32_t layer = p.attributes.layer;
    exec::FragmentWave& w = *t.wave;
    alignas(64) std::byte depth_stage[kBlockPixels * 4];
    alignas(64) std::byte stencil_stage[kBlockPixels];
    alignas(64) std::byte color_stage[kMaxTargets][kBlockPixels * 16];
    TestPlanes planes;
    if (s.order != TestOrder::none) {
        if (s.depth_test || s.depth_bounds) {
            planes.depth = open_block(targets.depth, layer, x, y, depth_stage, true);
        }
        if (s.stencil_test) {
            planes.stencil = open_block(targets.stencil, layer, x, y, stencil_stage, true);
        }
    }
    const F16 fx = to_float(kLaneX + x) + 0.5f;
    const F16 fy = to_float(kLaneY + y) + 0.5f;
    F16 z = depth_at(p, fx - p.attributes.origin_x, fy - p.attributes.origin_y);
    const uint32_t covered = mask;
    if (s.order == TestOrder::early) {
        mask = test_sample(t, p, planes, 0, z, mask, nullptr);
    } else if (s.order == TestOrder::early_test_late_write) {
        mask = depth_block(s, targets.depth.depth, planes.depth.data, z, mask, false);
    }
    if (mask != 0) {
        if (s.fragment != nullptr) {
            set_positions(t, p, fx, fy, z);
            store(w.sample_mask, reinterpret_cast<U16>(lanes(covered)) & 1u);
            if (s.uses_centroid) {
                store(w.centroid_x, fx);
                store(w.centroid_y, fy);
            }
            run_program(t, s, mask);
            mask = w.live;
            if (s.writes_sample_mask) {
                mask &= bits((load(w.out[38]) & 1u) != 0u);
            }
            if (s.alpha_to_coverage) {
                mask &= alpha_mask(w, 0, 1);
            }
            if (s.alpha_to_one) {
                alpha_one(t, s);
            }
            if (s.order == TestOrder::late) {
                if (s.writes_depth) {
                    z = clamp(as_float(load(w.out[36])), p.min_depth, p.max_depth);
                }
                mask =
                    test_sample(t, p, planes, 0, z, mask, s.writes_stencil ? w.out[37] : nullptr);
            } else if (s.order == TestOrder::early_test_late_write) {
                mask =
                    depth_block(s, targets.depth.depth, planes.depth.data, z, mask, s.depth_write);
            }
        }
        t.samples += static_cast<unsigned>(__builtin_popcount(mask));
        if (mask != 0 && s.color_written != 0) {
            OpenBlock colors[kMaxTargets];
            for (uint32_t rest = s.color_written; rest != 0; rest &= rest - 1) {
                const unsigned i = static_cast<unsigned>(__builtin_ctz(rest));
                const bool contents = mask != 0xffffu || !s.blend[i].full_write ||
                                      s.blend[i].enable || s.logic_op_enable;
                colors[i] = open_block(targets.color[i], layer, x, y, color_stage[i], contents);
            }
            merge_sample(t, s, colors, 0, mask);
            for (uint32_t rest = s.color_written; rest != 0; rest &= rest - 1) {
                const unsigned i = static_cast<unsigned>(__builtin_ctz(rest));
                if (colors[i].staged) {
                    linear_block(targets.color[i], layer, x, y, color_stage[i], mask, true);
                }
            }
        }
    }
    if (planes.depth.staged) {
        linear_block(targets.depth, layer, x, y, depth_stage, covered, true);
    }
    if (planes.stencil.staged) {
        linear_block(targets.stencil, layer, x, y, stencil_stage, covered, true);
    }
}

/// The multisampled block. cover[i] are the pixels whose sample i is covered. Multisampled surfaces
/// are always tiled.
[[gnu::noinline]] void shade_multi(TileContext& t, const BinnedPrim& p, int x, int y,
                                   const uint32_t* cover) {
    const PixelState& s = *p.state;
    const Targets& targets = *t.targets;
    const uint32_t layer = p.attributes.layer;
    const unsigned samples = s.samples;
    const SamplePattern& at = *s.pattern;
    exec::FragmentWave& w = *t.wave;
    TestPlanes planes;
    OpenBlock colors[kMaxTargets];
    if (s.order != TestOrder::none) {
        if (s.depth_test || s.depth_bounds) {
            planes.depth = open_block(targets.depth, layer, x, y, nullptr, true);
        }
        if (s.stencil_test) {
            planes.stencil = open_block(targets.stencil, layer, x, y, nullptr, true);
        }
    }
    for (uint32_t rest = s.color_written; rest != 0; rest &= rest - 1) {
        const unsigned i = static_cast<unsigned>(__builtin_ctz(rest));
        colors[i] = open_block(targets.color[i], layer, x, y, nullptr, true);
    }
    const F16 fx = to_float(kLaneX + x) + 0.5f;
    const F16 fy = to_float(kLaneY + y) + 0.5f;
    const F16 px = fx - p.attributes.origin_x;
    const F16 py = fy - p.attributes.origin_y;
    uint32_t masks[kMaxSamples];
    alignas(64) float z[kMaxSamples][16];
    U16 mask_in{};
    uint32_t any = 0;
    for (unsigned i = 0; i < samples; ++i) {
        masks[i] = (s.sample_mask >> i & 1u) != 0 ? cover[i] : 0u;
        mask_in |= reinterpret_cast<U16>(lanes(masks[i])) & (1u << i);
        const float dx = static_cast<float>(at.x[i]) * (1.0f / kSubPixel);
        const float dy = static_cast<float>(at.y[i]) * (1.0f / kSubPixel);
        const F16 zi = depth_at(p, px + dx, py + dy);
        store(z[i], zi);
        if (s.order == TestOrder::early) {
            masks[i] = test_sample(t, p, planes, i, zi, masks[i], nullptr);
        } else if (s.order == TestOrder::early_test_late_write) {
            masks[i] = depth_block(s, targets.depth.depth,
                                   planes.depth.data + i * kBlockPixels * targets.depth.bytes, zi,
                                   masks[i], false);
        }
        any |= masks[i];
    }
    if (any == 0) {
        return;
    }
    const unsigned runs = s.per_sample && s.fragment != nullptr ? samples : 1;
    for (unsigned run = 0; run < runs; ++run) {
        const unsigned first = runs > 1 ? run : 0;
        const unsigned last = runs > 1 ? run + 1 : samples;
        uint32_t live = runs > 1 ? masks[run] : any;
        if (live == 0) {
            continue;
        }
        if (s.fragment != nullptr) {
            const float dx = runs > 1 ? static_cast<float>(at.x[run]) * (1.0f / kSubPixel) : 0.0f;
            const float dy = runs > 1 ? static_cast<float>(at.y[run]) * (1.0f / kSubPixel) : 0.0f;
            set_positions(t, p, fx + dx, fy + dy, runs > 1 ? load(z[run]) : depth_at(p, px, py));
            w.sample_id = run;
            w.sample_x = 0.5f + dx;
            w.sample_y = 0.5f + dy;
            store(w.sample_mask, runs > 1 ? mask_in & (1u << run) : mask_in);
            if (s.uses_centroid) {
                if (runs > 1) {
                    store(w.centroid_x, fx + dx);
                    store(w.centroid_y, fy + dy);
                } else {
                    alignas(64) float cx[16];
                    alignas(64) float cy[16];
                    store(cx, fx);
                    store(cy, fy);
                    set_centroids(t, s, cx, cy, cover);
                }
            }
            run_program(t, s, live);
            live = w.live;
            for (unsigned i = first; i < last; ++i) {
                if (s.writes_sample_mask) {
                    masks[i] &= bits((load(w.out[38]) & (1u << i)) != 0u);
                }
                if (s.alpha_to_coverage) {
                    masks[i] &= alpha_mask(w, i, samples);
                }
            }
            if (s.alpha_to_one) {
                alpha_one(t, s);
            }
        }
        for (unsigned i = first; i < last; ++i) {
            uint32_t mask = masks[i] & live;
            F16 zi = load(z[i]);
            if (s.order == TestOrder::late) {
                if (s.writes_depth) {
                    zi = clamp(as_float(load(w.out[36])), p.min_depth, p.max_depth);
                }
                mask =
                    test_sample(t, p, planes, i, zi, mask, s.writes_stencil ? w.out[37] : nullptr);
            } else if (s.order == TestOrder::early_test_late_write) {
                mask = depth_block(s, targets.depth.depth,
                                   planes.depth.data + i * kBlockPixels * targets.depth.bytes, zi,
                                   mask, s.depth_write);
            }
            t.samples += static_cast<unsigned>(__builtin_popcount(mask));
            if (mask != 0 && s.color_written != 0) {
                merge_sample(t, s, colors, i, mask);
            }
        }
    }
}

} // namespace
} // namespace kite::dev::raster
