// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "kite_hw/assemble.hpp"
#include "kite_hw/disasm.hpp"
#include "kite_hw/random_inst.hpp"
#include "kite_hw/verify.hpp"

namespace kite::hw {
namespace {

struct Vector {
    Op op;
    Type ty;
    bool m;
    uint16_t sub;
    std::array<uint16_t, 6> operands;
    uint32_t imm;
    std::array<uint32_t, 4> words;
};

// Encoded by the generator from the field table.
constexpr Vector kVectors[] = {
#include "kite_hw/vectors.inc"
};

template <typename F>
void for_each_form(F f) {
    for (const OpInfo& info : all_ops()) {
        for (uint32_t ty = 0; ty < 16; ++ty) {
            if (info.allows(static_cast<Type>(ty))) {
                f(info, static_cast<Type>(ty));
            }
        }
    }
}

bool legal(std::string_view line, std::string* why = nullptr) {
    Inst inst;
    std::string err;
    EXPECT_TRUE(assemble(line, inst, &err)) << line << ": " << err;
    return check_encoding(inst.encode(), why);
}

TEST(Isa, EncodesAsTheFieldTableSays) {
    for (const Vector& v : kVectors) {
        Inst inst{.op = v.op, .ty = v.ty, .m = v.m, .sub = v.sub};
        inst.dst = Operand::unpack(v.operands[0]);
        for (unsigned i = 0; i < 5; ++i) {
            inst.src(i) = Operand::unpack(v.operands[i + 1]);
        }
        inst.imm = v.imm;
        EXPECT_EQ(inst.encode(), v.words) << disassemble(inst);
        Inst back;
        ASSERT_TRUE(Inst::decode(v.words, back));
        EXPECT_EQ(back, inst) << disassemble(inst);
    }
}

TEST(Isa, RandomLegalInstructionsSurviveEveryRoundTrip) {
    constexpr uint64_t kSeed = 20260101;
    RandomInst random(kSeed);
    for_each_form([&](const OpInfo& info, Type ty) {
        for (int i = 0; i < 40; ++i) {
            const auto inst = random.inst(info.op, ty);
            ASSERT_TRUE(inst) << "no legal form of " << info.name << " type "
                              << static_cast<int>(ty) << ", seed " << kSeed;
            const auto words = inst->encode();
            std::string why;
            EXPECT_TRUE(check_encoding(words, &why)) << why;
            Inst decoded;
            ASSERT_TRUE(Inst::decode(words, decoded));
            EXPECT_EQ(decoded, *inst);
            const std::string text = disassemble(*inst);
            Inst assembled;
            std::string err;
            ASSERT_TRUE(assemble(text, assembled, &err)) << text << ": " << err;
            EXPECT_EQ(assembled, *inst) << text;
        }
    });
}

TEST(Isa, CheckNeverAcceptsWhatTextCannotHold) {
    // Legal words with a few bits flipped: whatever is still accepted must print and parse back.
    RandomInst random(7);
    unsigned accepted = 0;
    unsigned refused = 0;
    for_each_form([&](const OpInfo& info, Type ty) {
        for (int i = 0; i < 200; ++i) {
            const auto legal_inst = random.inst(info.op, ty);
            ASSERT_TRUE(legal_inst);
            auto w = legal_inst->encode();
            for (uint32_t flips = 1 + random.below(3); flips > 0; --flips) {
                const uint32_t bit = random.below(128);
                w[bit / 32] ^= 1u << (bit % 32);
            }
            if (!check_encoding(w)) {
                ++refused;
                continue;
            }
            ++accepted;
            Inst inst;
            ASSERT_TRUE(Inst::decode(w, inst));
            Inst back;
            std::string err;
            ASSERT_TRUE(assemble(disassemble(inst), back, &err))
                << disassemble(inst) << ": " << err;
            EXPECT_EQ(back.encode(), w) << disassemble(inst);
        }
    });
    EXPECT_GT(accepted, 5000u);
    EXPECT_GT(refused, 5000u);
}

TEST(Isa, SubStructsAgreeWithTheTables) {
    const LdSub ld{.n = 2, .space = Space::scratch, .mode = AddrMode::consecutive, .vol = true};
    EXPECT_EQ(ld.pack(), 2u | (2u << 4) | (1u << 6) | (1u << 8));
    EXPECT_EQ(LdSub::unpack(ld.pack()), ld);
    EXPECT_EQ(ld.n_count(), 3u);
    for (const OpInfo& info : all_ops()) {
        unsigned mask = 0;
        for (const SubField& field : info.subs) {
            mask |= ((2u << (field.hi - field.lo)) - 1u) << field.lo;
        }
        EXPECT_EQ(mask, info.sub_mask) << info.name;
        EXPECT_EQ(find_op(info.name), &info);
        EXPECT_EQ(op_info(info.op), &info);
    }
    EXPECT_EQ(op_info(static_cast<Op>(0x3ff)), nullptr);
    EXPECT_EQ(find_op("frobnicate"), nullptr);
}

TEST(Isa, PrintsTheDocumentedSyntax) {
    const Inst fma{.op = Op::ffma,
                   .ty = Type::f32,
                   .dst = Operand::v(3),
                   .src0 = Operand::v(1),
                   .src1 = Operand::s(2),
                   .src2 = Operand::literal(),
                   .imm = 0x3f800000};
    EXPECT_EQ(disassemble(fma), "ffma.f32 v3, v1, s2, 0x3f800000");
    const Inst ld{.op = Op::ld,
                  .ty = Type::u32,
                  .sub = LdSub{.n = 1}.pack(),
                  .dst = Operand::v(4),
                  .src0 = Operand::s(0),
                  .src1 = Operand::v(2),
                  .src2 = Operand::s(2),
                  .imm = 16};
    EXPECT_EQ(disassemble(ld),
              "ld.u32 v[4:5], s[0:1], v2, s2, +16 {n=2,space=global,mode=lane,vol=0}");
}

TEST(Isa, AssemblesProgramsAndNamesTheBadLine) {
    constexpr const char* kText = "loop            ; endless\n"
                                  "  if v1\n"
                                  "    br _ {depth=2} // out\n"
                                  "  end\n\n"
                                  "end\n"
                                  "exit\n";
    std::vector<uint32_t> words;
    std::string err;
    ASSERT_TRUE(assemble_program(kText, words, &err)) << err;
    EXPECT_EQ(words.size(), 6u * kInstWords);
    std::vector<uint32_t> again;
    ASSERT_TRUE(assemble_program(disassemble_program(words), again, &err)) << err;
    EXPECT_EQ(words, again);
    EXPECT_FALSE(assemble_program("exit\nfadd.f32 v1\n", words, &err));
    EXPECT_EQ(err.substr(0, 7), "line 2:");
}

TEST(Isa, AssemblerRefusesNonsense) {
    Inst inst;
    for (const char* line : {"",
                             "bogus v1",
                             "fadd.f99 v1, v2, v3",
                             "fadd.f32 v1, v2",
                             "fadd.f32 v1, v2, v3, v4",
                             "fadd.f32 v1, v2, q3",
                             "fadd.f32 v1, v99999, v3",
                             "fadd.f32 v[1:2], v2, v3",
                             "fadd.f64 v1, v[2:3], v[4:5]",
                             "fadd.f32 v1, 0x1, 0x2",
                             "ld.u32 v1, s[0:1], _, _ {n=0}",
                             "ld.u32 v1, s[0:1], _, _ {n=99}",
                             "ld.u32 v1, s[0:1], _, _ {foo=1}",
                             "ld.u32 v1, s[0:1], _, _ {n=1,n=1}",
                             "ld.u32 v1, s[0:1], _, _ {space=moon}",
                             "ld.u32 v1, s[0:1], _, _, 16",
                             "sys v1, no_such_value",
                             "exit exit",
                             ".word 1, 2",
                             ".word 0x3ff, 0, 0, 0",
                             "fadd.f32 v1, v2, v3 {"}) {
        std::string err;
        EXPECT_FALSE(assemble(line, inst, &err)) << line;
        EXPECT_FALSE(err.empty()) << line;
    }
}

TEST(Verify, AcceptsTypicalCode) {
    for (const char* line :
         {"mov v1, s2", "mov.u64 v[1:2], 0x5", "sel.m v1, v2, 0x1, s3", "readlane s1, v2, 0x3",
          "ballot s1, v2", "cvt.f64 v[0:1], v3 {sty=i32}", "sys s[2:3], set_va[7]",
          "ld.u32 v[0:3], s[0:1], s4, _ {n=4,mode=consecutive}",
          "st.u32 v[0:1], _, v4, _ {n=2,space=shared}",
          "atom.u32 _, s[0:1], v2, s3, v3, _ {aop=add}",
          "atom.u32 v1, s[0:1], v2, s3, v3, v4 {aop=cmpxchg}",
          "tex.f32 v[0:3], s[0:1], s[2:3], v[4:5] {dim=d2}",
          "txq.u32 s[0:3], s[4:5], _, _ {what=size,dim=d2}", "ldin v[0:3], _, _, +4 {n=4}",
          "stout s[0:3], +128 {n=4}", "if v1", "br _ {depth=1}", "exit"}) {
        std::string why;
        EXPECT_TRUE(legal(line, &why)) << line << ": " << why;
    }
}

TEST(Verify, RefusesEachBrokenRule) {
    for (const char* line :
         {"mov s1, v2",                                      // scalar result of a vector source
          "mov.m s1, s2",                                    // masked scalar write
          "mov v1024, v1",                                   // past the register file
          "mov.u64 v[1023:1024], v[0:1]",                    // tuple past the register file
          "fadd.u32 v1, v2, v3",                             // type
          "readfirst v1, v2",                                // destination file
          "sys s1, lane_id",                                 // varying value in a scalar
          "sys s[2:3], set_va[8]",                           // index
          "ld.u32 v1, _, v2, _ {n=1}",                       // global without base
          "ld.u32 v1, s[0:1], v2, _ {n=1,space=shared}",     // shared with base
          "ld.u32 v1, _, v2, s3 {n=1,space=shared}",         // shared with limit
          "ld.u32 s1, s[0:1], v2, _ {n=1}",                  // scalar load, vector offset
          "ld.u32 s1, _, s2, _ {n=1,space=scratch}",         // scalar load of scratch
          "ld.u32 v1, s[0:1], v2, _ {n=1,mode=consecutive}", // consecutive, vector offset
          "ld.u32 v1, s[0:1], v2, _, +2147483648 {n=1}",     // offset too large
          "st.u32.m v1, s[0:1], v2, _ {n=1}",                // masked store
          "atom.u32 v1, _, v2, _, v3, _ {aop=add,space=scratch}",
          "atom.u32 v1, s[0:1], v2, _, v3, _ {aop=fadd}",
          "atom.f32 v1, s[0:1], v2, _, v3, _ {aop=add}",
          "atom.u32 v1, s[0:1], v2, _, v3, _ {aop=cmpxchg}",
          "atom.u32 v1, s[0:1], v2, _, v3, v4 {aop=add}",
          "tex.f32 v[0:3], s[0:1], s[2:3], v4 {dim=buffer}",
          "tex.f32 v[0:3], s[0:1], s[2:3], v[4:5], +1 {dim=d2}",
          "txf.f32 v[0:3], s[0:1], v[4:6] {dim=cube,lodmode=zero}",
          "txf.f32 v[0:3], s[0:1], v[4:5] {dim=d2,lodmode=implicit}",
          "txg.f32 v[0:3], s[0:1], s[2:3], v[4:6] {dim=d2,ref=1,comp=1}",
          "txq.u32 s[0:3], s[4:5], s[6:7], _ {what=size,dim=d2}",
          "ldattr.f32 v[0:3], +32 {n=4}",
          "ldattr.f32 v[0:1], +1 {n=2,comp=3}",
          "ldin v[0:3], _, _, +126 {n=4}",
          "ldin v0, _, _ {n=1,loc=offset}",
          "stout v[0:3], +150 {n=4}"}) {
        std::string why;
        EXPECT_FALSE(legal(line, &why)) << line;
        EXPECT_FALSE(why.empty()) << line;
    }
}

TEST(Verify, RefusesReservedBits) {
    const std::array<uint32_t, 4> exit = {static_cast<uint32_t>(Op::exit), 0xc000c000u, 0xc000c000u,
                                          0};
    EXPECT_TRUE(check_encoding(exit));
    for (unsigned bit = 0; bit < 128; ++bit) {
        auto w = exit;
        w[bit / 32] ^= 1u << (bit % 32);
        if ((w[0] & 0x3ffu) != static_cast<uint32_t>(Op::exit)) {
            continue; // another op, judged elsewhere
        }
        EXPECT_FALSE(check_encoding(w)) << bit;
    }
}

TEST(Verify, CoordinateTuples) {
    Inst inst{.op = Op::tex, .ty = Type::f32};
    inst.sub = TexSub{.dim = Dim::d2,
                      .arrayed = true,
                      .ref = true,
                      .lodmode = LodMode::grad,
                      .offset = OffsetMode::dyn,
                      .minlod = true}
                   .pack();
    const CoordLayout c = coord_layout(inst);
    EXPECT_EQ(c.spatial, 2u);
    EXPECT_EQ(c.layer, 2);
    EXPECT_EQ(c.ref, 3);
    EXPECT_EQ(c.lod, -1);
    EXPECT_EQ(c.grad_x, 4);
    EXPECT_EQ(c.grad_y, 6);
    EXPECT_EQ(c.min_lod, 8);
    EXPECT_EQ(c.offset, 9);
    EXPECT_EQ(c.total, 11u);
    EXPECT_EQ(operand_width(inst, Slot::src2), 11u);
    EXPECT_EQ(operand_width(inst, Slot::dst), 4u);
    EXPECT_EQ(operand_width(inst, Slot::src3), 0u);
}

TEST(Isa, LiteralsExpandByType) {
    EXPECT_EQ(literal_value(Type::u64, 0xffffffffu), 0xffffffffull);
    EXPECT_EQ(literal_value(Type::i64, 0xffffffffu), ~0ull);
    EXPECT_EQ(literal_value(Type::f64, 0x3f800000u), 0x3ff0000000000000ull);
    EXPECT_EQ(literal_value(Type::u16, 0x12345678u), 0x5678ull);
}

} // namespace
} // namespace kite::hw
