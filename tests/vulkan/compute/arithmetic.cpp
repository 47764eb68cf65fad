// SPDX-License-Identifier: MIT
// Arithmetic of every advertised type against the same operations on the CPU.
#include "tests/vulkan/harness/fixture.hpp"
#include "tests/vulkan/harness/format.hpp"

#include "compute_shaders.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

using namespace kite::vktest;

namespace {

/*glsl ints_i32.comp -DT=int -DBITS=32
| ints_u32 -DT=uint -DBITS=32
| ints_i64 -DT=int64_t -DBITS=64 -DWIDE
| ints_u64 -DT=uint64_t -DBITS=64 -DWIDE
| ints_i16 -DT=int16_t -DBITS=16 -DNARROW
| ints_u16 -DT=uint16_t -DBITS=16 -DNARROW
| ints_i8 -DT=int8_t -DBITS=8 -DTINY
| ints_u8 -DT=uint8_t -DBITS=8 -DTINY
#ifdef WIDE
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#endif
#ifdef NARROW
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#extension GL_EXT_shader_16bit_storage : require
#endif
#ifdef TINY
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#extension GL_EXT_shader_8bit_storage : require
#endif
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { T a[]; };
layout(set = 0, binding = 1) readonly buffer B { T b[]; };
layout(set = 0, binding = 2) buffer R { T r[]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    T x = a[i], y = b[i], pos = max(x, T(0));
    uint shift = uint(y) & uint(BITS - 1);
    uint o = i * 16;
    r[o + 0] = x + y;
    r[o + 1] = x - y;
    r[o + 2] = x * y;
    r[o + 3] = x / y;
    r[o + 4] = pos % max(y, T(1));
    r[o + 5] = x & y;
    r[o + 6] = x | y;
    r[o + 7] = x ^ y;
    r[o + 8] = x << shift;
    r[o + 9] = x >> shift;
    r[o + 10] = ~x;
    r[o + 11] = -x;
    r[o + 12] = min(x, y);
    r[o + 13] = max(x, y);
    r[o + 14] = x < y ? T(1) : T(2);
    r[o + 15] = x == y ? T(3) : x >= y ? T(4) : T(5);
}
*/

class Arithmetic : public VulkanTest {
protected:
    template <typename T>
    void check_integers(Spirv spirv) {
        using U = std::make_unsigned_t<T>;
        constexpr size_t kCount = 256;
        constexpr int kBits = sizeof(T) * 8;
        std::mt19937_64 random(11);
        std::vector<T> a, b;
        const T edges[] = {
            T(0), T(1),  T(-1), std::numeric_limits<T>::max(), std::numeric_limits<T>::min(),
            T(2), T(100)};
        for (size_t i = 0; i < kCount; ++i) {
            T x = i < 49 ? edges[i / 7] : static_cast<T>(random() >> (random() % 60));
            T y = i < 49 ? edges[i % 7] : static_cast<T>(random() >> (random() % 60));
            // Division by zero and MIN / -1 are undefined.
            if (y == 0 || (std::is_signed_v<T> && y == T(-1))) {
                y = T(3);
            }
            a.push_back(x);
            b.push_back(y);
        }
        const Buffer left = buffer_of(a), right = buffer_of(b);
        const Buffer results = buffer(kCount * 16 * sizeof(T));
        compute(spirv, {storage(left), storage(right), storage(results)}, {kCount / 64, 1, 1});
        for (size_t i = 0; i < kCount; ++i) {
            const T x = a[i], y = b[i];
            const U ux = static_cast<U>(x), uy = static_cast<U>(y);
            const auto wide = [](auto value) { return static_cast<uint64_t>(value); };
            const auto shift = static_cast<uint32_t>(wide(uy) & (kBits - 1));
            const T expected[16] = {static_cast<T>(wide(ux) + wide(uy)),
                                    static_cast<T>(wide(ux) - wide(uy)),
                                    static_cast<T>(wide(ux) * wide(uy)),
                                    static_cast<T>(x / y),
                                    static_cast<T>(std::max(x, T(0)) % std::max(y, T(1))),
                                    static_cast<T>(x & y),
                                    static_cast<T>(x | y),
                                    static_cast<T>(x ^ y),
                                    static_cast<T>(wide(ux) << shift),
                                    static_cast<T>(x >> shift),
                                    static_cast<T>(~x),
                                    static_cast<T>(0 - wide(ux)),
                                    std::min(x, y),
                                    std::max(x, y),
                                    x < y ? T(1) : T(2),
                                    x == y   ? T(3)
                                    : x >= y ? T(4)
                                             : T(5)};
            for (size_t k = 0; k < 16; ++k) {
                ASSERT_EQ(+results.as<T>()[i * 16 + k], +expected[k])
                    << "op " << k << " of " << +x << " and " << +y;
            }
        }
    }
};

TEST_F(Arithmetic, Int32) {
    check_integers<int32_t>(glsl::ints_i32_comp);
}
TEST_F(Arithmetic, Uint32) {
    check_integers<uint32_t>(glsl::ints_u32_comp);
}
TEST_F(Arithmetic, Int64) {
    if (!world.features.core.shaderInt64) {
        GTEST_SKIP() << "no shaderInt64";
    }
    check_integers<int64_t>(glsl::ints_i64_comp);
    check_integers<uint64_t>(glsl::ints_u64_comp);
}
TEST_F(Arithmetic, Int16) {
    if (!world.features.core.shaderInt16 || !world.features.storage16.storageBuffer16BitAccess) {
        GTEST_SKIP() << "no shaderInt16";
    }
    check_integers<int16_t>(glsl::ints_i16_comp);
    check_integers<uint16_t>(glsl::ints_u16_comp);
}
TEST_F(Arithmetic, Int8) {
    if (!world.features.float16_int8.shaderInt8 ||
        !world.features.storage8.storageBuffer8BitAccess) {
        GTEST_SKIP() << "no shaderInt8";
    }
    check_integers<int8_t>(glsl::ints_i8_comp);
    check_integers<uint8_t>(glsl::ints_u8_comp);
}

/*glsl bits.comp
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer R { uint r[]; };
void main() {
    uint i = gl_GlobalInvocationID.x, x = a[i], y = a[i ^ 1], o = i * 16, high, low, carry,
        borrow;
    r[o + 0] = bitCount(x);
    r[o + 1] = bitfieldReverse(x);
    r[o + 2] = findLSB(x);
    r[o + 3] = findMSB(x);
    r[o + 4] = findMSB(int(x));
    r[o + 5] = bitfieldExtract(x, int(y & 15u), int(y >> 8 & 15u));
    r[o + 6] = bitfieldExtract(int(x), int(y & 15u), int(y >> 8 & 15u));
    r[o + 7] = bitfieldInsert(x, y, int(y & 15u), int(y >> 8 & 15u));
    umulExtended(x, y, high, low);
    r[o + 8] = high;
    int ihigh, ilow;
    imulExtended(int(x), int(y), ihigh, ilow);
    r[o + 9] = ihigh;
    r[o + 10] = uaddCarry(x, y, carry);
    r[o + 11] = carry;
    r[o + 12] = usubBorrow(x, y, borrow);
    r[o + 13] = borrow;
    r[o + 14] = packUnorm4x8(unpackUnorm4x8(x));
    r[o + 15] = packHalf2x16(vec2(float(x & 0xFFu) / 8.0, -float(y & 0xFFu)));
}
*/
TEST_F(Arithmetic, BitOperations) {
    std::mt19937 random(3);
    std::vector<uint32_t> a{0, 1, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0xFFFF0000, 2, 3};
    while (a.size() < 128) {
        a.push_back(static_cast<uint32_t>(random() >> (random() % 20)));
    }
    const Buffer in = buffer_of(a), out = buffer(128 * 64);
    compute(glsl::bits_comp, {storage(in), storage(out)}, {2, 1, 1});
    for (size_t i = 0; i < 128; ++i) {
        const uint32_t x = a[i], y = a[i ^ 1], at = y & 15, n = y >> 8 & 15;
        const auto msb = [](uint32_t v) { return static_cast<uint32_t>(31 - std::countl_zero(v)); };
        const uint32_t mask = (1U << n) - 1, field = x >> at & mask;
        uint32_t reversed = 0;
        for (uint32_t k = 0; k < 32; ++k) {
            reversed |= (x >> k & 1) << (31 - k);
        }
        const auto sx = static_cast<int32_t>(x), sy = static_cast<int32_t>(y);
        const uint32_t half = static_cast<uint32_t>(
            encode(VK_FORMAT_R16_SFLOAT, {(x & 0xFF) / 8.0, 0, 0, 0})[0] |
            encode(VK_FORMAT_R16_SFLOAT, {(x & 0xFF) / 8.0, 0, 0, 0})[1] << 8 |
            encode(VK_FORMAT_R16_SFLOAT, {-double(y & 0xFF), 0, 0, 0})[0] << 16 |
            encode(VK_FORMAT_R16_SFLOAT, {-double(y & 0xFF), 0, 0, 0})[1] << 24);
        const uint32_t expected[16] = {
            static_cast<uint32_t>(std::popcount(x)),
            reversed,
            x == 0 ? ~0U : static_cast<uint32_t>(std::countr_zero(x)),
            x == 0 ? ~0U : msb(x),
            msb(sx < 0 ? ~x : x),
            field,
            n == 0 ? 0 : static_cast<uint32_t>(static_cast<int32_t>(field << (32 - n)) >> (32 - n)),
            (x & ~(mask << at)) | (y & mask) << at,
            static_cast<uint32_t>(uint64_t{x} * y >> 32),
            static_cast<uint32_t>(int64_t{sx} * sy >> 32),
            x + y,
            x + y < x ? 1U : 0U,
            x - y,
            x < y ? 1U : 0U,
            x,
            half};
        for (size_t k = 0; k < 16; ++k) {
            if (k == 15 && (y & 0xFF) == 0) {
                continue; // the sign of zero depends on how -0.0 is made
            }
            ASSERT_EQ(out.as<uint32_t>()[i * 16 + k], expected[k])
                << "op " << k << " of " << x << " and " << y;
        }
    }
}

/*glsl floats.comp -DT=float | floats64 -DT=double -DWIDE
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { T a[]; };
layout(set = 0, binding = 1) readonly buffer B { T b[]; };
layout(set = 0, binding = 2) buffer R { T r[]; };
void main() {
    uint i = gl_GlobalInvocationID.x, o = i * 32;
    T x = a[i], y = b[i];
    precise T sum = x + y, difference = x - y, product = x * y;
    r[o + 0] = sum;
    r[o + 1] = difference;
    r[o + 2] = product;
    r[o + 3] = x / y;
    r[o + 4] = abs(x);
    r[o + 5] = sign(x);
    r[o + 6] = floor(x);
    r[o + 7] = ceil(x);
    r[o + 8] = trunc(x);
    r[o + 9] = roundEven(x);
    r[o + 10] = fract(x);
    r[o + 11] = min(x, y);
    r[o + 12] = max(x, y);
    r[o + 13] = clamp(x, T(-1), T(1));
    r[o + 14] = mix(x, y, T(0.25));
    r[o + 15] = step(y, x);
    r[o + 16] = sqrt(abs(x));
    r[o + 17] = inversesqrt(abs(x));
    r[o + 18] = T(int(clamp(x, T(-1000), T(1000))));
    r[o + 19] = T(uint(abs(clamp(x, T(-1000), T(1000)))));
    r[o + 20] = mod(x, T(3));
    r[o + 21] = x < y ? T(1) : x > y ? T(2) : T(3);
    r[o + 22] = length(T(1) * vec2(3, 4).x) + T(0);
    r[o + 23] = -x;
#ifndef WIDE
    r[o + 24] = exp2(clamp(x, -20.0, 20.0));
    r[o + 25] = log2(abs(x));
    r[o + 26] = sin(clamp(x, -3.14, 3.14));
    r[o + 27] = cos(clamp(x, -3.14, 3.14));
    r[o + 28] = atan(y, x);
    r[o + 29] = pow(abs(x), clamp(y, -2.0, 2.0));
    r[o + 30] = tanh(clamp(x, -5.0, 5.0));
    r[o + 31] = asin(clamp(x, -1.0, 1.0));
#endif
}
*/
template <typename T>
std::vector<T> float_values(uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> mantissa(-2, 2);
    std::vector<T> values{T(0.5), T(1), T(-1), T(-2.5), T(3.5), T(1e6), T(-1e-3), T(7)};
    while (values.size() < 256) {
        values.push_back(
            static_cast<T>(std::ldexp(mantissa(random), static_cast<int>(random() % 16) - 6)));
    }
    return values;
}

template <typename T>
void check_floats(std::span<T> got, const std::vector<T>& a, const std::vector<T>& b, size_t ops) {
    const double ulp = sizeof(T) == 4 ? 0x1p-23 : 0x1p-52;
    for (size_t i = 0; i < a.size(); ++i) {
        const double x = a[i], y = b[i];
        const double c20 = std::clamp(x, -20.0, 20.0), c3 = std::clamp(x, -3.14, 3.14);
        struct Expected {
            double value, absolute;
        };
        // Absolute errors beyond which a result is wrong, from the precision table of the
        // specification ("Precision and Operation of SPIR-V Instructions").
        const auto relative = [&](double value, double ulps) {
            return Expected{value, std::abs(value) * ulps * ulp};
        };
        const double p = std::clamp(y, -2.0, 2.0);
        const Expected expected[32] = {
            {static_cast<double>(static_cast<T>(a[i] + b[i])), 0},
            {static_cast<double>(static_cast<T>(a[i] - b[i])), 0},
            {static_cast<double>(static_cast<T>(a[i] * b[i])), 0},
            relative(x / y, 2.5),
            {std::abs(x), 0},
            {x > 0   ? 1.0
             : x < 0 ? -1.0
                     : 0.0,
             0},
            {std::floor(x), 0},
            {std::ceil(x), 0},
            {std::trunc(x), 0},
            {std::nearbyint(x), 0},
            {x - std::floor(x), ulp},
            {std::min(x, y), 0},
            {std::max(x, y), 0},
            {std::clamp(x, -1.0, 1.0), 0},
            {x * 0.75 + y * 0.25, 4 * ulp * (std::abs(x) + std::abs(y))},
            {x < y ? 0.0 : 1.0, 0},
            relative(std::sqrt(std::abs(x)), 3.5),
            relative(1 / std::sqrt(std::abs(x)), 2),
            {std::trunc(std::clamp(x, -1000.0, 1000.0)), 0},
            {std::trunc(std::abs(std::clamp(x, -1000.0, 1000.0))), 0},
            {x - 3 * std::floor(x / 3), 8 * ulp * (std::abs(x) + 3)},
            {x < y   ? 1.0
             : x > y ? 2.0
                     : 3.0,
             0},
            {3, 3 * ulp},
            {-x, 0},
            relative(std::exp2(c20), 3 + 2 * std::abs(c20)),
            {std::log2(std::abs(x)), std::abs(x) > 0.5 && std::abs(x) < 2
                                         ? 0x1p-21
                                         : 3 * ulp * std::abs(std::log2(std::abs(x)))},
            {std::sin(c3), 0x1p-11},
            {std::cos(c3), 0x1p-11},
            relative(std::atan2(y, x), 4096),
            relative(std::pow(std::abs(x), p), 3 + 8 * std::abs(p * std::log2(std::abs(x))) + 16),
            {std::tanh(std::clamp(x, -5.0, 5.0)), 0x1p-10},
            {std::asin(std::clamp(x, -1.0, 1.0)), 0x1p-9},
        };
        for (size_t k = 0; k < ops; ++k) {
            ASSERT_NEAR(got[i * 32 + k], expected[k].value, expected[k].absolute)
                << "op " << k << " of " << x << " and " << y;
        }
    }
}

TEST_F(Arithmetic, Float32) {
    const auto a = float_values<float>(5), b = float_values<float>(6);
    const Buffer left = buffer_of(a), right = buffer_of(b), out = buffer(256 * 32 * 4);
    compute(glsl::floats_comp, {storage(left), storage(right), storage(out)}, {4, 1, 1});
    check_floats(out.as<float>(), a, b, 32);
}

TEST_F(Arithmetic, Float64) {
    if (!world.features.core.shaderFloat64) {
        GTEST_SKIP() << "no shaderFloat64";
    }
    const auto a = float_values<double>(5), b = float_values<double>(6);
    const Buffer left = buffer_of(a), right = buffer_of(b), out = buffer(256 * 32 * 8);
    compute(glsl::floats64_comp, {storage(left), storage(right), storage(out)}, {4, 1, 1});
    check_floats(out.as<double>(), a, b, 24);
}

/*glsl halves.comp
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer A { float16_t a[]; };
layout(set = 0, binding = 1) buffer R { float16_t r[]; };
void main() {
    uint i = gl_GlobalInvocationID.x, o = i * 4;
    float16_t x = a[i], y = a[i ^ 1];
    precise float16_t sum = x + y, product = x * y;
    r[o] = sum; r[o + 1] = product; r[o + 2] = max(x, y); r[o + 3] = float16_t(float(x) * 0.5);
}
*/
TEST_F(Arithmetic, Float16) {
    if (!world.features.float16_int8.shaderFloat16 ||
        !world.features.storage16.storageBuffer16BitAccess) {
        GTEST_SKIP() << "no shaderFloat16";
    }
    const auto half = [](double v) {
        const auto bytes = encode(VK_FORMAT_R16_SFLOAT, {v, 0, 0, 0});
        return static_cast<uint16_t>(bytes[0] | bytes[1] << 8);
    };
    std::vector<uint16_t> a;
    for (int i = 0; i < 128; ++i) {
        a.push_back(half(std::sin(i) * (1 + i % 40)));
    }
    const Buffer in = buffer_of(a), out = buffer(128 * 8);
    compute(glsl::halves_comp, {storage(in), storage(out)}, {2, 1, 1});
    for (size_t i = 0; i < 128; ++i) {
        const double x = decode_half(a[i]), y = decode_half(a[i ^ 1]);
        const double expected[4] = {decode_half(half(x + y)), decode_half(half(x * y)),
                                    std::max(x, y), x / 2};
        for (size_t k = 0; k < 4; ++k) {
            const double got = decode_half(out.as<uint16_t>()[i * 4 + k]);
            ASSERT_NEAR(got, expected[k], std::abs(expected[k]) * 0x1p-11)
                << "op " << k << " of " << x << " and " << y;
        }
    }
}

/*glsl matrices.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform U { mat4 m; mat3x4 n; layout(row_major) mat2x3 rows;
    vec4 v; };
layout(set = 0, binding = 1) buffer R { vec4 r[]; };
void main() {
    r[0] = m * v;
    r[1] = v * m;
    r[2] = n * v.xyz;
    r[3] = vec4(rows * v.xy, determinant(mat2(m)));
    r[4] = (m * transpose(m))[1];
    r[5] = inverse(m)[0];
    r[6] = outerProduct(v, v)[2];
    r[7] = vec4(cross(v.xyz, v.zxy), dot(v, v));
}
*/
TEST_F(Arithmetic, Matrices) {
    // m is column-major and invertible: 2 on the diagonal, 1 above it.
    std::vector<float> u(16 + 12 + 12 + 4);
    for (size_t i = 0; i < 4; ++i) {
        u[i * 4 + i] = 2;
        if (i > 0) {
            u[i * 4 + i - 1] = 1;
        }
    }
    for (size_t i = 0; i < 12; ++i) {
        u[16 + i] = static_cast<float>(i);
    }
    // mat2x3 with rows of two, each padded to 16 bytes.
    for (size_t row = 0; row < 3; ++row) {
        u[28 + row * 4] = static_cast<float>(10 * row + 1);
        u[28 + row * 4 + 1] = static_cast<float>(10 * row + 2);
    }
    const float v[4] = {1, 2, 3, 4};
    std::copy_n(v, 4, &u[40]);
    const Buffer in = buffer_of(u), out = buffer(8 * 16);
    compute(glsl::matrices_comp, {uniform(in), storage(out)}, {1, 1, 1});
    const float expected[32] = {4, 7, 10, 8, 2,  5, 8, 11, 32, 38, 44, 50, 5, 35, 65, 4,
                                2, 5, 2,  0, .5, 0, 0, 0,  3,  6,  9,  12, 1, 7,  -5, 30};
    for (size_t i = 0; i < 32; ++i) {
        EXPECT_NEAR(out.as<float>()[i], expected[i], 1e-5) << i;
    }
}

} // namespace
