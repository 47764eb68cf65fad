// SPDX-License-Identifier: MIT
#include "device/exec/executor.hpp"

#include "kite_hw/assemble.hpp"

#include <gtest/gtest.h>

namespace kite::dev::exec {
namespace {

hw::ProgramHeader header(hw::Stage stage) {
    hw::ProgramHeader h;
    h.magic = 0x3150534b;
    h.isa_version = hw::kIsaVersion;
    h.stage = stage;
    h.vregs = 8;
    h.sregs = 8;
    if (stage == hw::Stage::compute) {
        h.workgroup = {8, 1, 1};
    } else if (stage == hw::Stage::tess_control) {
        h.workgroup = {3, 0, 0};
    } else if (stage == hw::Stage::geometry) {
        h.workgroup = {1, 4, 0};
    }
    return h;
}

base::Result<std::shared_ptr<const Program>> load(hw::ProgramHeader h, const char* text) {
    std::vector<uint32_t> code;
    std::string error;
    EXPECT_TRUE(hw::assemble_program(text, code, &error)) << error;
    h.instructions = static_cast<uint32_t>(code.size() / 4);
    std::vector<uint32_t> words(hw::ProgramHeader::kDwords);
    h.pack(words.data());
    words.insert(words.end(), code.begin(), code.end());
    return load_program(std::as_bytes(std::span(words)));
}

std::string refusal(hw::Stage stage, const char* text) {
    auto p = load(header(stage), text);
    return p ? "" : p.error().message;
}

TEST(Program, AcceptsTheSmallest) {
    auto p = load(header(hw::Stage::compute), "exit");
    ASSERT_TRUE(p);
    EXPECT_EQ((*p)->code.size(), 1u);
}

TEST(Program, RefusesBrokenNesting) {
    const auto stage = hw::Stage::compute;
    EXPECT_NE(refusal(stage, "mov v0, v1"), "");
    EXPECT_NE(refusal(stage, "exit\nexit"), "");
    EXPECT_NE(refusal(stage, "block\nexit"), "");
    EXPECT_NE(refusal(stage, "end\nexit"), "");
    EXPECT_NE(refusal(stage, "block\nelse\nend\nexit"), "");
    EXPECT_NE(refusal(stage, "if s0\nelse\nelse\nend\nexit"), "");
    EXPECT_NE(refusal(stage, "block\nexit\nend"), "");
    EXPECT_NE(refusal(stage, "br _ {depth=1}\nexit"), "");
    EXPECT_EQ(refusal(stage, "block\nbr _ {depth=1}\nend\nexit"), "");
    std::string deep;
    for (unsigned i = 0; i <= hw::kMaxNesting; ++i) {
        deep += "block\n";
    }
    for (unsigned i = 0; i <= hw::kMaxNesting; ++i) {
        deep += "end\n";
    }
    EXPECT_NE(refusal(stage, (deep + "exit").c_str()), "");
}

TEST(Program, RefusesUndeclaredRegisters) {
    EXPECT_EQ(refusal(hw::Stage::compute, "mov v7, s7\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::compute, "mov v8, s7\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::compute, "mov v7, s8\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::compute, "fadd.f64 v[7:8], v[0:1], v[0:1]\nexit"), "");
}

TEST(Program, RefusesOtherStagesInstructions) {
    EXPECT_NE(refusal(hw::Stage::vertex, "barrier\nexit"), "");
    EXPECT_EQ(refusal(hw::Stage::compute, "barrier\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::fragment, "ldattr.f32 v0, +0\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::vertex, "demote _\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::compute, "stout v0, +0\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::fragment, "stout v0, +39\nexit"), "");
    EXPECT_EQ(refusal(hw::Stage::vertex, "stout v0, +150\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::vertex, "sys v0, frag_x\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::vertex, "ld.u32 v0, _, _, _ {space=shared}\nexit"), "");
}

TEST(Program, RefusesBadHeaders) {
    const auto refused = [](auto change) {
        hw::ProgramHeader h = header(hw::Stage::compute);
        change(h);
        return !load(h, "exit");
    };
    EXPECT_FALSE(refused([](auto&) {}));
    EXPECT_TRUE(refused([](auto& h) { h.magic = 1; }));
    EXPECT_TRUE(refused([](auto& h) { h.isa_version = 99; }));
    EXPECT_TRUE(refused([](auto& h) { h.stage = static_cast<hw::Stage>(6); }));
    EXPECT_TRUE(refused([](auto& h) { h.vregs = hw::kMaxVregs + 1; }));
    EXPECT_TRUE(refused([](auto& h) { h.scratch_bytes = 2; }));
    EXPECT_TRUE(refused([](auto& h) { h.scratch_bytes = 1u << 30; }));
    EXPECT_TRUE(refused([](auto& h) { h.shared_bytes = 1u << 30; }));
    EXPECT_TRUE(refused([](auto& h) { h.workgroup = {0, 1, 1}; }));
    EXPECT_TRUE(refused([](auto& h) { h.workgroup = {1024, 1024, 1024}; }));
    EXPECT_TRUE(refused([](auto& h) { h.workgroup = {33, 32, 1}; }));
}

TEST(Program, TessellationAndGeometry) {
    EXPECT_EQ(refusal(hw::Stage::geometry, "stout v0, +151\nemit +3\ncut\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::geometry, "emit +4\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::geometry, "barrier\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::vertex, "emit\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::vertex, "stout v0, +152\nexit"), "");
    EXPECT_EQ(refusal(hw::Stage::tess_control, "barrier\nsys v0, out_base\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::tess_control, "stout v0, +0\nexit"), "");
    EXPECT_EQ(refusal(hw::Stage::tess_eval, "sys v0, tess_coord[0]\nstout v0, +0\nexit"), "");
    EXPECT_NE(refusal(hw::Stage::geometry, "sys v0, tess_coord[0]\nexit"), "");
    const auto refused = [](hw::Stage stage, std::array<uint32_t, 3> words) {
        hw::ProgramHeader h = header(stage);
        h.workgroup = words;
        return !load(h, "exit");
    };
    EXPECT_FALSE(refused(hw::Stage::tess_control, {32, 0, 0}));
    EXPECT_TRUE(refused(hw::Stage::tess_control, {0, 0, 0}));
    EXPECT_TRUE(refused(hw::Stage::tess_control, {33, 0, 0}));
    EXPECT_FALSE(refused(hw::Stage::tess_eval, {0x3a, 0, 0}));
    EXPECT_TRUE(refused(hw::Stage::tess_eval, {3, 0, 0}));
    EXPECT_TRUE(refused(hw::Stage::tess_eval, {0xc, 0, 0}));
    EXPECT_TRUE(refused(hw::Stage::tess_eval, {0x40, 0, 0}));
    EXPECT_FALSE(refused(hw::Stage::geometry, {32, 256, 0x14}));
    EXPECT_TRUE(refused(hw::Stage::geometry, {0, 1, 0}));
    EXPECT_TRUE(refused(hw::Stage::geometry, {33, 1, 0}));
    EXPECT_TRUE(refused(hw::Stage::geometry, {1, 257, 0}));
    EXPECT_TRUE(refused(hw::Stage::geometry, {1, 1, 5}));
    EXPECT_TRUE(refused(hw::Stage::geometry, {1, 1, 0x18}));
    auto p = load(header(hw::Stage::geometry), "exit");
    ASSERT_TRUE(p);
    EXPECT_EQ((*p)->info.shared_bytes, hw::limits::kStageIoBytes);
}

TEST(Program, ScanFindsWhatTheProgramDoes) {
    auto p = load(header(hw::Stage::fragment), R"(
        ldin v[0:1], _, _, +4 {n=2,loc=centroid}
        qread v2, v0
        demote v2
        stout v[0:1], +5 {n=2}
        stout v0, +36
        sys s0, sample_id
        exit)");
    ASSERT_TRUE(p);
    const ProgramInfo& info = (*p)->info;
    EXPECT_TRUE(info.demotes && info.needs_quads && info.per_sample && info.uses_centroid);
    EXPECT_TRUE(info.writes_depth);
    EXPECT_FALSE(info.writes_stencil || info.side_effects || info.has_loops);
    EXPECT_EQ(info.color_mask, 0x60u);
    EXPECT_TRUE(info.inputs[4] && info.inputs[5] && !info.inputs[6]);
    EXPECT_FALSE(info.fetches);
    p = load(header(hw::Stage::fragment),
             "txf.f32 v[0:3], s[0:1], v[0:1] {dim=d2,lodmode=zero}\nexit");
    ASSERT_TRUE(p);
    EXPECT_TRUE((*p)->info.fetches);
    EXPECT_FALSE((*p)->info.needs_quads);
}

TEST(Program, HashDependsOnCodeAndShape) {
    const auto hash = [](uint32_t x, const char* text) {
        hw::ProgramHeader h = header(hw::Stage::compute);
        h.workgroup[0] = x;
        return (*load(h, text))->hash;
    };
    EXPECT_EQ(hash(8, "exit"), hash(8, "exit"));
    EXPECT_NE(hash(8, "exit"), hash(9, "exit"));
    EXPECT_NE(hash(8, "exit"), hash(8, "nop\nexit"));
}

} // namespace
} // namespace kite::dev::exec
