// SPDX-License-Identifier: MIT
// Generated texture routines against tex::execute(), on random images, samplers and coordinates.
//
// Unfiltered results must be the same bits (sRGB: 2.3e-5). Filtered ones may differ by what the
// routine's arithmetic differs: 8-bit unorm formats weigh along x in 1/256 steps (half a step of
// the full range), sRGB ones decode by a polynomial (2.2e-5), all others round differently.
#include "device/exec/jit/texgen/harness.hpp"
#include "kite_hw/assemble.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace kite::dev::exec::jit::texgen {
namespace {

using hw::Format;

constexpr Format kFormats[] = {
    Format::r8g8b8a8_unorm,
    Format::r8g8b8a8_srgb,
    Format::b8g8r8a8_unorm,
    Format::b8g8r8a8_srgb,
    Format::r8_unorm,
    Format::r8g8_unorm,
    Format::r16g16b16a16_sfloat,
    Format::r32g32b32a32_sfloat,
    Format::r32_sfloat,
    Format::d16_unorm,
    Format::d32_sfloat,
    Format::r8g8b8a8_snorm,
    Format::r16g16b16a16_unorm,
    Format::r32g32_uint,
    Format::r8g8b8a8_sint,
    Format::r16_sfloat,
    Format::a2b10g10r10_unorm_pack32,
    Format::r5g6b5_unorm_pack16,
    Format::b10g11r11_ufloat_pack32,
    Format::e5b9g9r9_ufloat_pack32,
    Format::r8g8b8_unorm,
    Format::r32g32b32_sfloat,
    Format::r16g16b16_sfloat,
};

class Texgen : public testing::TestWithParam<unsigned> {
protected:
    void SetUp() override {
        if (!cpu_has_width(GetParam())) {
            GTEST_SKIP() << "this CPU can't run waves of " << GetParam();
        }
        auto target = host_target(GetParam());
        ASSERT_TRUE(target);
        auto linker = create_linker();
        ASSERT_TRUE(linker);
        linker_ = std::move(*linker);
        library_ = std::make_unique<Library>(*target, *linker_, nullptr);
    }

    float between(float a, float b) { return std::uniform_real_distribution<float>(a, b)(random_); }
    uint32_t below(uint32_t n) {
        return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_);
    }

    hw::ImageDescriptor random_image(Format format, bool buffer, bool arrayed,
                                     uint32_t log2_samples) {
        hw::ImageDescriptor d;
        d.address = Window::kTexels;
        d.format = static_cast<uint32_t>(format);
        d.swz_r = hw::Swizzle::r, d.swz_g = hw::Swizzle::g;
        d.swz_b = hw::Swizzle::b, d.swz_a = hw::Swizzle::a;
        if (below(4) == 0) {
            d.swz_r = static_cast<hw::Swizzle>(below(6));
            d.swz_a = static_cast<hw::Swizzle>(below(6));
        }
        if (buffer) {
            d.dim = hw::ViewDim::buffer;
            d.elements = 1 + below(300);
            return d;
        }
        d.dim = hw::ViewDim::d2;
        d.log2_samples = log2_samples;
        d.layout =
            log2_samples != 0 || below(3) != 0 ? hw::ImageLayout::tiled : hw::ImageLayout::linear;
        d.width_minus_1 = below(70);
        d.height_minus_1 = below(70);
        const uint32_t larger = std::max(d.width_minus_1, d.height_minus_1) + 1;
        if (log2_samples == 0 && below(2) == 0) {
            d.resource_levels_minus_1 = static_cast<uint32_t>(std::bit_width(larger)) - 1;
            d.base_level = below(d.resource_levels_minus_1 + 1);
            d.level_count_minus_1 = below(d.resource_levels_minus_1 - d.base_level + 1);
        }
        const uint32_t layers = arrayed ? 4 : 1;
        d.arrayed = arrayed;
        d.depth_minus_1 = layers - 1;
        d.layer_count_minus_1 = arrayed ? 2 : 0;
        d.base_layer = arrayed ? 1 : 0;
        bytes_ = lay_out(d, layers);
        return d;
    }

    hw::SamplerDescriptor random_sampler() {
        hw::SamplerDescriptor s;
        s.mag_filter = static_cast<hw::Filter>(below(2));
        s.min_filter = static_cast<hw::Filter>(below(2));
        s.mip_filter = static_cast<hw::Filter>(below(2));
        s.wrap_u = static_cast<hw::Wrap>(below(5));
        s.wrap_v = static_cast<hw::Wrap>(below(5));
        s.compare_op = static_cast<hw::CompareOp>(below(8));
        s.lod_bias = below(3) == 0 ? between(-1, 1) : 0.0f;
        s.min_lod = below(4) == 0 ? between(0, 2) : 0.0f;
        s.max_lod = below(4) == 0 ? s.min_lod + between(0, 2) : 1000.0f;
        for (auto& b : s.border) {
            b = std::bit_cast<uint32_t>(between(0, 1));
        }
        return s;
    }

    // Runs both and compares within `tolerance` (0: bits).
    void compare(const hw::Inst& inst, float tolerance, const char* what) {
        tex::Lanes want = lanes_;
        std::fill_n(want.image_va, kMaxLanes, Window::kImage);
        std::fill_n(want.sampler_va, kMaxLanes, Window::kSampler);
        tex::execute(inst, window_.draw, want);
        Cell cell;
        Slot slot{};
        cell.execute(*library_, inst, window_.draw, lanes_, Window::kImage, Window::kSampler, slot);
        const bool integer = format::is_integer(image_.format);
        for (unsigned i = 0; i < lanes_.width; ++i) {
            if (((lanes_.exec >> i) & 1) == 0) {
                continue;
            }
            for (unsigned n = 0; n < 4; ++n) {
                const uint32_t a = want.result[n][i], b = lanes_.result[n][i];
                const auto fa = std::bit_cast<float>(a), fb = std::bit_cast<float>(b);
                const bool near = !integer && std::fabs(fa - fb) <= tolerance;
                const bool nan = std::isnan(fa) && std::isnan(fb) && !integer;
                ASSERT_TRUE(a == b || near || nan)
                    << what << ": format " << hw::format_info(image_.format)->name << " lane " << i
                    << " component " << n << ": " << fb << " (" << b << ") instead of " << fa
                    << " (" << a << "), at " << std::bit_cast<float>(lanes_.coord[0][i]) << " "
                    << std::bit_cast<float>(lanes_.coord[1][i]) << " size "
                    << image_.width_minus_1 + 1 << "x" << image_.height_minus_1 + 1 << " layout "
                    << static_cast<int>(image_.layout) << " levels "
                    << image_.level_count_minus_1 + 1 << " sub " << inst.sub << " wraps "
                    << static_cast<int>(sampler_.wrap_u) << " " << static_cast<int>(sampler_.wrap_v)
                    << " filters " << static_cast<int>(sampler_.mag_filter)
                    << static_cast<int>(sampler_.min_filter)
                    << static_cast<int>(sampler_.mip_filter) << " aniso " << sampler_.aniso_log2;
            }
        }
    }

    void expect_routine(const hw::Inst& inst) {
        uint32_t image[hw::ImageDescriptor::kDwords], sampler[hw::SamplerDescriptor::kDwords];
        image_.pack(image);
        sampler_.pack(sampler);
        const auto key = make_key(inst, lanes_.fragment, lanes_.width, image, sampler);
        ASSERT_TRUE(key) << hw::format_info(image_.format)->name;
        ASSERT_NE(library_->find(*key), nullptr);
    }

    // A coordinate tuple for tex or txg; quads are smooth if `smooth`.
    unsigned fill_coordinates(bool smooth, bool near) {
        const float s0 = between(-2, 2), t0 = between(-2, 2), step = between(0.001f, 0.4f);
        for (unsigned i = 0; i < kMaxLanes; ++i) {
            float s = near ? between(0, 1) : between(-3, 3),
                  t = near ? between(0, 1) : between(-3, 3);
            if (smooth) {
                const float x = static_cast<float>((i & 1) | (i & 4) >> 1);
                const float y = static_cast<float>((i & 2) >> 1 | (i & 8) >> 2);
                s = s0 + step * (x + 0.1f * y), t = t0 + step * (0.7f * y - 0.3f * x);
            } else if (below(8) == 0) {
                s = std::floor(s * 4.0f) / 4.0f;
            }
            lanes_.coord[0][i] = std::bit_cast<uint32_t>(s);
            lanes_.coord[1][i] = std::bit_cast<uint32_t>(t);
        }
        return 2;
    }
    void put_row(unsigned& row, auto make) {
        for (auto& x : lanes_.coord[row++]) {
            x = std::bit_cast<uint32_t>(make());
        }
    }

    // How far a filtered value may be off.
    float tolerance(bool filtered) const {
        const hw::FormatInfo& f = *hw::format_info(image_.format);
        if (!filtered) {
            return f.srgb ? 2.3e-5f : 0.0f;
        }
        bool bytes = true;
        for (const auto& ch : f.ch) {
            bytes &= ch.bits == 0 || (ch.bits == 8 && ch.type == hw::ChannelType::unorm);
        }
        return bytes ? 0.51f / 256.0f : f.srgb ? 6.0e-5f : 2.0e-5f;
    }

    void reset(bool fragment) {
        lanes_ = tex::Lanes{};
        std::memset(lanes_.coord, 0, sizeof(lanes_.coord));
        lanes_.width = GetParam();
        lanes_.exec = below(3) == 0 ? static_cast<uint32_t>(random_()) : ~0u;
        lanes_.exec &= (1u << GetParam()) - 1;
        lanes_.fragment = fragment;
    }

    std::mt19937 random_{20261121};
    Window window_;
    std::unique_ptr<Linker> linker_;
    std::unique_ptr<Library> library_;
    hw::ImageDescriptor image_;
    hw::SamplerDescriptor sampler_;
    tex::Lanes lanes_;
    uint64_t bytes_ = 0;
};

TEST_P(Texgen, SamplingMatchesTheReference) {
    for (unsigned round = 0; round < 160 && !HasFatalFailure(); ++round) {
        const Format format = kFormats[round % std::size(kFormats)];
        reset(below(2) == 0);
        hw::TexSub sub;
        sub.dim = hw::Dim::d2;
        sub.arrayed = below(4) == 0;
        sub.ref = hw::format_info(static_cast<uint32_t>(format))->depth && below(2) == 0;
        sub.lodmode = static_cast<hw::LodMode>(below(5));
        sub.offset = static_cast<hw::OffsetMode>(below(4) == 0 ? below(3) : 0);
        sub.minlod = below(6) == 0;
        image_ = random_image(format, false, sub.arrayed, 0);
        sampler_ = random_sampler();
        fill_texels(window_.draw.window + Window::kTexels, bytes_, image_.format, random_);
        window_.put(image_, sampler_);
        hw::Inst inst;
        inst.op = hw::Op::tex;
        inst.ty = hw::Type::f32;
        inst.sub = sub.pack();
        inst.imm = random_() & 0x00070707u;
        expect_routine(inst);
        for (unsigned wave = 0; wave < 8 && !HasFatalFailure(); ++wave) {
            const bool quads =
                sub.lodmode == hw::LodMode::implicit || sub.lodmode == hw::LodMode::bias;
            unsigned row = fill_coordinates(quads, wave & 1);
            if (sub.arrayed) {
                put_row(row, [&] { return between(-1, 5); });
            }
            if (sub.ref) {
                put_row(row, [&] { return between(-0.2f, 1.2f); });
            }
            if (sub.lodmode == hw::LodMode::bias || sub.lodmode == hw::LodMode::lod) {
                put_row(row, [&] { return between(-1, 6); });
            } else if (sub.lodmode == hw::LodMode::grad) {
                for (unsigned n = 0; n < 4; ++n) {
                    put_row(row, [&] { return between(-0.1f, 0.1f); });
                }
            }
            if (sub.minlod) {
                put_row(row, [&] { return between(0, 3); });
            }
            if (sub.offset == hw::OffsetMode::dyn) {
                for (unsigned n = 0; n < 2; ++n) {
                    put_row(row, [&] { return static_cast<int32_t>(below(16)) - 8; });
                }
            }
            const bool filtered =
                sampler_.mag_filter == hw::Filter::linear ||
                sampler_.min_filter == hw::Filter::linear ||
                (image_.level_count_minus_1 != 0 && sampler_.mip_filter == hw::Filter::linear);
            compare(inst, tolerance(filtered), "tex");
        }
    }
}

TEST_P(Texgen, AnisotropyMatchesTheReference) {
    for (unsigned round = 0; round < 16 && !HasFatalFailure(); ++round) {
        reset(true);
        hw::TexSub sub;
        sub.dim = hw::Dim::d2;
        sub.lodmode = round % 2 == 0 ? hw::LodMode::implicit : hw::LodMode::grad;
        image_ = random_image(kFormats[round % 4], false, false, 0);
        sampler_ = random_sampler();
        sampler_.mag_filter = sampler_.min_filter = hw::Filter::linear;
        sampler_.mip_filter = hw::Filter::linear;
        sampler_.wrap_u = sampler_.wrap_v = hw::Wrap::repeat;
        sampler_.aniso_log2 = 1 + below(4);
        fill_texels(window_.draw.window + Window::kTexels, bytes_, image_.format, random_);
        window_.put(image_, sampler_);
        hw::Inst inst;
        inst.op = hw::Op::tex;
        inst.ty = hw::Type::f32;
        inst.sub = sub.pack();
        expect_routine(inst);
        for (unsigned wave = 0; wave < 8 && !HasFatalFailure(); ++wave) {
            unsigned row = fill_coordinates(true, false);
            if (sub.lodmode == hw::LodMode::grad) {
                for (unsigned n = 0; n < 4; ++n) {
                    put_row(row, [&] { return between(-0.1f, 0.1f); });
                }
            }
            compare(inst, 1.0f / 200.0f, "anisotropic");
        }
    }
}

TEST_P(Texgen, FetchesMatchTheReference) {
    for (unsigned round = 0; round < 60 && !HasFatalFailure(); ++round) {
        const Format format = kFormats[round % std::size(kFormats)];
        const bool buffer = below(3) == 0;
        reset(false);
        hw::TxfSub sub;
        sub.dim = buffer ? hw::Dim::buffer : hw::Dim::d2;
        sub.arrayed = !buffer && below(4) == 0;
        sub.ms = !buffer && below(4) == 0;
        sub.lodmode = !buffer && !sub.ms && below(2) == 0 ? hw::LodMode::lod : hw::LodMode::zero;
        sub.offset = buffer ? hw::OffsetMode::none : static_cast<hw::OffsetMode>(below(3));
        image_ = random_image(format, buffer, sub.arrayed, sub.ms ? 2 : 0);
        sampler_ = {};
        fill_texels(window_.draw.window + Window::kTexels, buffer ? 16384 : bytes_, image_.format,
                    random_);
        window_.put(image_, sampler_);
        hw::Inst inst;
        inst.op = hw::Op::txf;
        inst.ty = hw::Type::f32;
        inst.sub = sub.pack();
        inst.imm = random_() & 0x00ff03fdu;
        expect_routine(inst);
        for (unsigned wave = 0; wave < 8 && !HasFatalFailure(); ++wave) {
            unsigned row = 0;
            for (unsigned n = 0; n < (buffer ? 1u : 2u); ++n) {
                put_row(row, [&] {
                    return below(16) == 0 ? static_cast<int32_t>(random_())
                                          : static_cast<int32_t>(below(buffer ? 320 : 74)) - 3;
                });
            }
            if (sub.arrayed) {
                put_row(row, [&] { return static_cast<int32_t>(below(5)) - 1; });
            }
            if (sub.lodmode == hw::LodMode::lod) {
                put_row(row, [&] { return static_cast<int32_t>(below(6)) - 1; });
            }
            if (sub.ms) {
                put_row(row, [&] { return static_cast<int32_t>(below(6)) - 1; });
            }
            if (sub.offset == hw::OffsetMode::dyn) {
                for (unsigned n = 0; n < 2; ++n) {
                    put_row(row, [&] { return static_cast<int32_t>(below(16)) - 8; });
                }
            }
            compare(inst, tolerance(false), "txf");
        }
    }
}

TEST_P(Texgen, GathersMatchTheReference) {
    for (unsigned round = 0; round < 40 && !HasFatalFailure(); ++round) {
        const Format format = kFormats[round % std::size(kFormats)];
        reset(true);
        hw::TxgSub sub;
        sub.dim = hw::Dim::d2;
        sub.arrayed = below(4) == 0;
        sub.ref = hw::format_info(static_cast<uint32_t>(format))->depth && below(2) == 0;
        sub.comp = sub.ref ? 0 : below(4);
        sub.offset = static_cast<hw::OffsetMode>(below(3));
        image_ = random_image(format, false, sub.arrayed, 0);
        sampler_ = random_sampler();
        fill_texels(window_.draw.window + Window::kTexels, bytes_, image_.format, random_);
        window_.put(image_, sampler_);
        hw::Inst inst;
        inst.op = hw::Op::txg;
        inst.ty = hw::Type::f32;
        inst.sub = sub.pack();
        inst.imm = random_() & 0x00070707u;
        expect_routine(inst);
        for (unsigned wave = 0; wave < 4 && !HasFatalFailure(); ++wave) {
            unsigned row = fill_coordinates(false, wave & 1);
            if (sub.arrayed) {
                put_row(row, [&] { return between(-1, 5); });
            }
            if (sub.ref) {
                put_row(row, [&] { return between(-0.2f, 1.2f); });
            }
            if (sub.offset == hw::OffsetMode::dyn) {
                for (unsigned n = 0; n < 2; ++n) {
                    put_row(row, [&] { return static_cast<int32_t>(below(16)) - 8; });
                }
            }
            compare(inst, tolerance(false), "txg");
        }
    }
}

// Whatever stands in the descriptors and coordinates, nothing outside the window is touched (the
// space before it would fault).
TEST_P(Texgen, HostileDescriptorsStayInTheWindow) {
    for (unsigned round = 0; round < 60; ++round) {
        reset(true);
        image_ = random_image(kFormats[below(3)], false, below(2) == 0, 0);
        sampler_ = random_sampler();
        if (below(2) == 0) {
            image_.address = uint64_t{random_()} << 32 | random_();
        }
        if (below(2) == 0) {
            image_.width_minus_1 = random_() & 0xffff;
            image_.height_minus_1 = random_() & 0xffff;
        }
        if (below(2) == 0) {
            image_.row_pitch = static_cast<uint32_t>(random_());
            image_.layer_stride_64 = static_cast<uint32_t>(random_());
        }
        if (below(2) == 0) {
            image_.base_level = below(16), image_.level_count_minus_1 = below(16);
            image_.resource_levels_minus_1 = below(16);
            image_.level_offset_64[below(16)] = static_cast<uint32_t>(random_());
        }
        window_.put(image_, sampler_);
        hw::TexSub sub;
        sub.dim = hw::Dim::d2;
        sub.arrayed = image_.arrayed;
        sub.lodmode = hw::LodMode::lod;
        hw::Inst inst;
        inst.op = hw::Op::tex;
        inst.ty = hw::Type::f32;
        inst.sub = sub.pack();
        Cell cell;
        Slot slot{};
        for (unsigned wave = 0; wave < 16; ++wave) {
            for (unsigned r = 0; r < 4; ++r) {
                for (auto& x : lanes_.coord[r]) {
                    x = below(2) == 0 ? static_cast<uint32_t>(random_())
                                      : std::bit_cast<uint32_t>(between(0, 1));
                }
            }
            cell.execute(*library_, inst, window_.draw, lanes_, Window::kImage, Window::kSampler,
                         slot);
        }
    }
}

TEST_P(Texgen, SampledWhiteIsOne) {
    for (const Format format : {Format::r8g8b8a8_unorm, Format::b8g8r8a8_srgb}) {
        reset(true);
        lanes_.exec = (1u << GetParam()) - 1;
        image_ = random_image(format, false, false, 0);
        image_.swz_r = hw::Swizzle::r, image_.swz_a = hw::Swizzle::a;
        sampler_ = {};
        sampler_.mag_filter = sampler_.min_filter = hw::Filter::linear;
        std::memset(window_.draw.window + Window::kTexels, 0xff, bytes_);
        window_.put(image_, sampler_);
        hw::Inst inst;
        inst.op = hw::Op::tex;
        inst.ty = hw::Type::f32;
        inst.sub = hw::TexSub{.dim = hw::Dim::d2, .lodmode = hw::LodMode::zero}.pack();
        fill_coordinates(false, false);
        Cell cell;
        Slot slot{};
        cell.execute(*library_, inst, window_.draw, lanes_, Window::kImage, Window::kSampler, slot);
        for (unsigned i = 0; i < GetParam(); ++i) {
            EXPECT_NEAR(std::bit_cast<float>(lanes_.result[0][i]), 1.0f, 1.0e-6f);
            EXPECT_FLOAT_EQ(std::bit_cast<float>(lanes_.result[3][i]), 1.0f);
        }
    }
}

// A whole program: both executors agree, also after the descriptors were rewritten in place.
TEST_P(Texgen, ProgramsSampleThroughRoutines) {
    constexpr uint64_t kRows = 0x2000; // s, t, then four rows of results, 0x400 apart
    std::vector<uint32_t> code;
    std::string text = "sys v0, local_index\nshl.u32 v15, v0, 2\n";
    for (unsigned n = 0; n < 6; ++n) {
        text += "mov s" + std::to_string(2 * n) + ", " + std::to_string(kRows + n * 0x400) +
                "\nmov s" + std::to_string(2 * n + 1) + ", 0\n";
    }
    text += "mov s12, 0x1000\nmov s13, 0\nmov s14, 0x1800\nmov s15, 0\n"
            "ld.u32 v2, s[0:1], v15, _\nld.u32 v3, s[2:3], v15, _\n";
    std::string error;
    ASSERT_TRUE(hw::assemble_program(text, code, &error)) << error;
    hw::Inst inst;
    inst.op = hw::Op::tex;
    inst.ty = hw::Type::f32;
    inst.sub = hw::TexSub{.dim = hw::Dim::d2, .lodmode = hw::LodMode::zero}.pack();
    inst.dst = {hw::File::V, 4};
    inst.src0 = {hw::File::S, 12};
    inst.src1 = {hw::File::S, 14};
    inst.src2 = {hw::File::V, 2};
    const auto words = inst.encode();
    code.insert(code.end(), words.begin(), words.end());
    text = "st.u32 v4, s[4:5], v15, _\nst.u32 v5, s[6:7], v15, _\nst.u32 v6, s[8:9], v15, _\n"
           "st.u32 v7, s[10:11], v15, _\nexit";
    ASSERT_TRUE(hw::assemble_program(text, code, &error)) << error;
    hw::ProgramHeader h;
    h.magic = 0x3150534b;
    h.isa_version = hw::kIsaVersion;
    h.stage = hw::Stage::compute;
    h.instructions = static_cast<uint32_t>(code.size() / 4);
    h.vregs = 16;
    h.sregs = 16;
    h.workgroup = {50, 1, 1};
    std::vector<uint32_t> image(hw::ProgramHeader::kDwords);
    h.pack(image.data());
    image.insert(image.end(), code.begin(), code.end());
    const auto program = load_program(std::as_bytes(std::span(image)));
    ASSERT_TRUE(program) << program.error().message;
    const std::atomic<uint32_t> kill{0};
    window_.draw.kill = &kill;
    std::vector<std::unique_ptr<Executor>> executors;
    std::vector<std::shared_ptr<const Routine>> routines;
    for (const auto mode : {ExecutorConfig::Mode::interpreter, ExecutorConfig::Mode::jit}) {
        ExecutorConfig config;
        config.mode = mode;
        config.wave_size = GetParam();
        executors.push_back(std::move(*create_executor(config)));
        routines.push_back(executors.back()->routine(*program, {}));
    }
    WorkerMemory memory;
    for (unsigned round = 0; round < 12; ++round) {
        image_ = random_image(kFormats[round % 4], false, false, 0);
        sampler_ = random_sampler();
        fill_texels(window_.draw.window + Window::kTexels, bytes_, image_.format, random_);
        window_.put(image_, sampler_);
        window_.draw.serial = next_draw_serial(); // the same descriptors hold for a whole draw
        auto* rows = reinterpret_cast<float*>(window_.draw.window + kRows);
        for (unsigned i = 0; i < 0x200; ++i) {
            rows[i] = between(-2, 2);
        }
        std::vector<float> results[2];
        for (unsigned n = 0; n < 2; ++n) {
            std::memset(rows + 0x200, 0, 0x1000);
            routines[n]->run_workgroup(window_.draw, {0, 0, 0}, memory);
            results[n].assign(rows + 0x200, rows + 0x600);
        }
        for (unsigned i = 0; i < 0x400; ++i) {
            ASSERT_NEAR(results[0][i], results[1][i], tolerance(true) + 1e-6f)
                << "round " << round << " result " << i / 0x100 << " of thread " << i % 0x100;
        }
        ASSERT_NE(results[1], std::vector<float>(0x400)) << "nothing was written";
    }
}

INSTANTIATE_TEST_SUITE_P(Widths, Texgen, testing::Values(8u, 16u));

} // namespace
} // namespace kite::dev::exec::jit::texgen
