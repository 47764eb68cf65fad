// SPDX-License-Identifier: MIT
// Sixteen-lane vectors for the pixel code, as GCC vector types: one AVX-512 register, two AVX2 ones
// or four SSE2 ones.
//
// Only for the translation units that hot.hpp lists: everything is always_inline, so that no copy
// compiled for one instruction set can be linked into another. Masks are I16 vectors of 0 and -1 in
// comparisons and 16-bit integers between functions.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace kite::dev::raster::simd {

#define KITE_SIMD [[gnu::always_inline]] static inline

using F16 = float __attribute__((vector_size(64)));    ///< 16 floats
using I16 = int32_t __attribute__((vector_size(64)));  ///< 16 signed integers
using U16 = uint32_t __attribute__((vector_size(64))); ///< 16 unsigned integers
using F16u [[gnu::aligned(4), gnu::may_alias]] = F16;  ///< unaligned
using U16u [[gnu::aligned(1), gnu::may_alias]] = U16;  ///< unaligned

/// Lane offsets inside a block (quad-major order).
inline constexpr I16 kLaneX = {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3};
inline constexpr I16 kLaneY = {0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3};
inline constexpr I16 kIota = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

KITE_SIMD F16 splat(float v) {
    return F16{} + v;
}
KITE_SIMD I16 splat(int32_t v) {
    return I16{} + v;
}
KITE_SIMD U16 splat(uint32_t v) {
    return U16{} + v;
}
KITE_SIMD F16 to_float(I16 v) {
    return __builtin_convertvector(v, F16);
}
KITE_SIMD I16 to_int(F16 v) {
    return __builtin_convertvector(v, I16);
}
KITE_SIMD F16 load(const float* p) {
    return *reinterpret_cast<const F16u*>(p);
}
KITE_SIMD U16 load(const uint32_t* p) {
    return *reinterpret_cast<const U16u*>(p);
}
KITE_SIMD U16 load_bytes(const std::byte* p) {
    return *reinterpret_cast<const U16u*>(p);
}
KITE_SIMD void store(float* p, F16 v) {
    *reinterpret_cast<F16u*>(p) = v;
}
KITE_SIMD void store(uint32_t* p, U16 v) {
    *reinterpret_cast<U16u*>(p) = v;
}
KITE_SIMD void store_bytes(std::byte* p, U16 v) {
    *reinterpret_cast<U16u*>(p) = v;
}
/// mask ? a : b, NaN-safe.
KITE_SIMD F16 select(I16 mask, F16 a, F16 b) {
    return mask ? a : b;
}
KITE_SIMD U16 select(I16 mask, U16 a, U16 b) {
    return mask ? a : b;
}
KITE_SIMD I16 select(I16 mask, I16 a, I16 b) {
    return mask ? a : b;
}
/// Minimum and maximum; a NaN in `a` gives b.
KITE_SIMD F16 min(F16 a, F16 b) {
    return a < b ? a : b;
}
KITE_SIMD F16 max(F16 a, F16 b) {
    return a > b ? a : b;
}
/// Clamp; NaN gives lo.
KITE_SIMD F16 clamp(F16 v, float lo, float hi) {
    return min(max(v, splat(lo)), splat(hi));
}

/// Bit l of `bits` to lane l.
KITE_SIMD I16 lanes(uint32_t bits) {
    return ((splat(bits) >> reinterpret_cast<const U16&>(kIota)) & 1u) != 0u;
}

/// Sign bit of lane l to bit l.
KITE_SIMD uint32_t bits(I16 mask) {
#if defined(__AVX512DQ__)
    return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__)
    __m256 half[2];
    std::memcpy(half, &mask, sizeof half);
    return static_cast<uint32_t>(_mm256_movemask_ps(half[0])) |
           static_cast<uint32_t>(_mm256_movemask_ps(half[1])) << 8;
#else
    uint32_t out = 0;
    for (int lane = 0; lane < 16; ++lane) {
        out |= (static_cast<uint32_t>(mask[lane]) >> 31) << lane;
    }
    return out;
#endif
}

/// table[index] per lane; every index must be valid.
KITE_SIMD U16 gather(const uint32_t* table, U16 index) {
#if defined(__AVX512F__)
    return reinterpret_cast<U16>(
        _mm512_i32gather_epi32(reinterpret_cast<__m512i>(index), table, 4));
#elif defined(__AVX2__)
    __m256i half[2];
    std::memcpy(half, &index, sizeof half);
    half[0] = _mm256_i32gather_epi32(reinterpret_cast<const int*>(table), half[0], 4);
    half[1] = _mm256_i32gather_epi32(reinterpret_cast<const int*>(table), half[1], 4);
    U16 out;
    std::memcpy(&out, half, sizeof out);
    return out;
#else
    U16 out{};
    for (int lane = 0; lane < 16; ++lane) {
        out[lane] = table[index[lane]];
    }
    return out;
#endif
}

/// table[index] per lane for a table of 32 * 2^Log2 entries. With AVX-512 through permutations of
/// registers: gathers are several times slower where the processor mitigates gather data sampling.
template <int Log2>
KITE_SIMD U16 lookup(const uint32_t* table, U16 index) {
#if defined(__AVX512F__)
    const __m512i at = reinterpret_cast<__m512i>(index);
    __m512i part[1 << Log2];
    for (int i = 0; i < 1 << Log2; ++i) {
        part[i] = _mm512_permutex2var_epi32(_mm512_load_si512(table + i * 32), at,
                                            _mm512_load_si512(table + i * 32 + 16));
    }
    for (int bit = 0; bit < Log2; ++bit) {
        const __mmask16 odd = _mm512_test_epi32_mask(at, _mm512_set1_epi32(32 << bit));
        for (int i = 0; i < 1 << (Log2 - 1 - bit); ++i) {
            part[i] = _mm512_mask_blend_epi32(odd, part[2 * i], part[2 * i + 1]);
        }
    }
    return reinterpret_cast<U16>(part[0]);
#else
    return gather(table, index);
#endif
}

KITE_SIMD U16 as_uint(F16 v) {
    return reinterpret_cast<U16>(v);
}
KITE_SIMD F16 as_float(U16 v) {
    return reinterpret_cast<F16>(v);
}

} // namespace kite::dev::raster::simd
