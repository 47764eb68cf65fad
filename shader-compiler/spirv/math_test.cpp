// SPDX-License-Identifier: MIT
// The functions fold on constants, so their accuracy is measured by building them on constants: the
// folder computes exactly what the device computes.
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/spirv/math.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace kite::cc::spirv {
namespace {

using ir::Builder;
using ir::Inst;

float run(const std::function<Inst*(Builder&)>& make) {
    ir::Function f;
    Builder b(f);
    b.at(ir::add_block(f));
    const Inst* r = make(b);
    EXPECT_EQ(r->op, ir::constant);
    return std::bit_cast<float>(static_cast<uint32_t>(r->constant_bits));
}

float unary(Inst* (*fn)(Builder&, Inst*), float x) {
    return run([&](Builder& b) { return fn(b, b.f32(x)); });
}

double ulps(float got, double want) {
    const auto near = static_cast<float>(want);
    if (std::isnan(got) || std::isinf(got) || std::isinf(near)) {
        return got == near || (std::isnan(got) && std::isnan(near)) ? 0 : 1e9;
    }
    const double unit =
        std::max(std::ldexp(1.0, -149),
                 std::abs(static_cast<double>(
                     std::nextafter(std::abs(near), std::numeric_limits<float>::infinity()) -
                     std::abs(near))));
    return std::abs(got - want) / unit;
}

TEST(Math, Exp2) {
    for (float x = -160; x < 130; x += 0.37f) {
        EXPECT_LE(ulps(unary(math::exp2, x), std::exp2(static_cast<double>(x))), 3.0) << x;
    }
    for (int n = -149; n < 128; ++n) {
        EXPECT_EQ(unary(math::exp2, static_cast<float>(n)), std::ldexp(1.0f, n));
    }
    EXPECT_EQ(unary(math::exp2, INFINITY), INFINITY);
    EXPECT_EQ(unary(math::exp2, -INFINITY), 0.0f);
    EXPECT_TRUE(std::isnan(unary(math::exp2, NAN)));
}

TEST(Math, Log2) {
    for (float x = 1e-44f; x < 1e38f; x *= 1.37f) {
        const double want = std::log2(static_cast<double>(x));
        const float got = unary(math::log2, x);
        if (x > 0.5f && x < 2.0f) {
            EXPECT_LE(std::abs(got - want), std::ldexp(1.0, -21)) << x;
        } else {
            EXPECT_LE(ulps(got, want), 3.0) << x;
        }
    }
    EXPECT_EQ(unary(math::log2, 1.0f), 0.0f);
    EXPECT_EQ(unary(math::log2, 8.0f), 3.0f);
    EXPECT_EQ(unary(math::log2, 0.0f), -INFINITY);
    EXPECT_EQ(unary(math::log2, INFINITY), INFINITY);
    EXPECT_TRUE(std::isnan(unary(math::log2, -1.0f)));
}

TEST(Math, SinCos) {
    for (float x = -400; x < 400; x += 0.173f) {
        const float s = run([&](Builder& b) { return math::sin_cos(b, b.f32(x)).sin; });
        const float c = run([&](Builder& b) { return math::sin_cos(b, b.f32(x)).cos; });
        EXPECT_NEAR(s, std::sin(static_cast<double>(x)), 2e-7) << x;
        EXPECT_NEAR(c, std::cos(static_cast<double>(x)), 2e-7) << x;
    }
    EXPECT_NEAR(run([](Builder& b) { return math::sin_cos(b, b.f32(100000.0f)).sin; }),
                std::sin(100000.0), 1e-6);
}

TEST(Math, Inverse) {
    for (float x = -1; x <= 1; x += 0.0113f) {
        EXPECT_NEAR(unary(math::asin, x), std::asin(static_cast<double>(x)), 5e-7) << x;
        EXPECT_NEAR(unary(math::acos, x), std::acos(static_cast<double>(x)), 5e-7) << x;
    }
    for (float x = 1e-6f; x < 1e7f; x *= 1.3f) {
        EXPECT_LE(ulps(unary(math::atan, x), std::atan(static_cast<double>(x))), 8.0) << x;
        EXPECT_LE(ulps(unary(math::atan, -x), std::atan(static_cast<double>(-x))), 8.0) << x;
    }
    for (const float y : {-3.0f, -1.0f, -0.25f, 0.0f, 0.5f, 2.0f, INFINITY}) {
        for (const float x : {-3.0f, -1.0f, -0.25f, 0.125f, 2.0f, INFINITY}) {
            const float got = run([&](Builder& b) { return math::atan2(b, b.f32(y), b.f32(x)); });
            EXPECT_NEAR(got, std::atan2(static_cast<double>(y), static_cast<double>(x)), 5e-7)
                << y << " " << x;
        }
    }
}

TEST(Math, DivisionByConstants) {
    ir::Function f;
    Builder b(f);
    b.at(ir::add_block(f));
    const auto bits = [](const Inst* v) { return static_cast<uint32_t>(v->constant_bits); };
    std::vector<uint32_t> values{0,     1,          2,          3,          5,          6,
                                 7,     9,          10,         641,        1000,       65535,
                                 65537, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    for (uint32_t k = 0; k < 60; ++k) {
        values.push_back(k * 2654435761u);
    }
    for (const uint32_t n : values) {
        for (const uint32_t c : values) {
            if (c == 0) {
                continue;
            }
            ASSERT_EQ(bits(math::divide_u32(b, b.u32(n), c)), n / c) << n << " " << c;
            const auto want = static_cast<uint32_t>(static_cast<int64_t>(static_cast<int32_t>(n)) /
                                                    static_cast<int32_t>(c));
            ASSERT_EQ(bits(math::divide_i32(b, b.u32(n), static_cast<int32_t>(c))), want)
                << n << " " << c;
        }
    }
}

TEST(Math, PowTanh) {
    for (float x = 0.01f; x < 100; x *= 1.7f) {
        for (float y = -4; y < 4; y += 0.7f) {
            const float got = run([&](Builder& b) { return math::pow(b, b.f32(x), b.f32(y)); });
            const double want = std::pow(static_cast<double>(x), static_cast<double>(y));
            EXPECT_NEAR(got / want, 1.0, 1e-5) << x << " " << y;
        }
    }
    EXPECT_EQ(run([](Builder& b) { return math::pow(b, b.f32(0.0f), b.f32(2.2f)); }), 0.0f);
    for (float x = -12; x < 12; x += 0.031f) {
        EXPECT_NEAR(unary(math::tanh, x), std::tanh(static_cast<double>(x)), 3e-7) << x;
    }
}

} // namespace
} // namespace kite::cc::spirv
