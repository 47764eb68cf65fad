// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/builder.hpp"
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/ir/text.hpp"

#include <gtest/gtest.h>

namespace kite::cc::ir {
namespace {

constexpr const char* kLoop =
    R"(function compute workgroup=8,1,1 shared=16 scratch=0 early=0 persample=0 depth=0
block b0
    %0:b32 = constant 0x1
    %1:b32 = constant 0xa
    %2:b64 = sys imm=0x1f
    %3:b32x4 = ld.u32 {n=3,space=global,mode=lane,vol=0} imm=0x10 inv %2
    %4:b32 = extract imm=0x2 %3
    jump b1
block b1 merge=b3 continue=b2 preds=b0,b2
    %5:b32 = phi %4 %7
    %6:bool = icmp.u32 {cc=lt} %5 %1
    branch %6 b2 b3
block b2 preds=b1
    %7:b32 = iadd.u32 %5 %0
    jump b1
block b3 preds=b1
    st.u32 {n=0,space=shared,mode=lane,vol=0} %5 _ %0
    exit
)";

std::unique_ptr<Function> must_parse(std::string_view text) {
    std::string error;
    auto f = parse(text, error);
    EXPECT_NE(f, nullptr) << error;
    return f;
}

std::string with(std::string text, std::string_view from, std::string_view to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string verdict(const std::string& text) {
    auto f = must_parse(text);
    return f == nullptr ? "unparsed" : validate(*f);
}

TEST(IrText, RoundTrip) {
    auto f = must_parse(kLoop);
    EXPECT_EQ(validate(*f), "");
    EXPECT_EQ(print(*f), kLoop);
}

TEST(IrText, ParseErrorsNameTheLine) {
    std::string error;
    EXPECT_EQ(parse(with(kLoop, "icmp", "bogus"), error), nullptr);
    EXPECT_EQ(error, "line 11: unknown opcode 'bogus'");
    EXPECT_EQ(parse("block b0\n", error), nullptr);
    EXPECT_EQ(parse("", error), nullptr);
}

TEST(IrValidate, NamesTheBrokenRule) {
    EXPECT_TRUE(verdict(with(kLoop, "phi %4 %7", "phi %4")).starts_with("structure: phi operands"));
    EXPECT_TRUE(verdict(with(kLoop, "preds=b0,b2", "preds=b0")).starts_with("structure:"));
    EXPECT_TRUE(verdict(with(kLoop, "iadd.u32 %5", "iadd.u64 %5")).starts_with("types: result"));
    EXPECT_TRUE(verdict(with(kLoop, "lane,vol=0} %5 _ %0", "lane,vol=0} %7 _ %0"))
                    .starts_with("dominance: operand does not dominate"));
    EXPECT_TRUE(verdict(with(kLoop, "imm=0x2 %3", "imm=0x4 %3")).starts_with("types: extract"));
    EXPECT_TRUE(
        verdict(with(kLoop, "    exit\n", "    none\n")).starts_with("structure: no terminator"));
}

TEST(IrBuilder, FoldsAndShares) {
    Function f;
    Builder b(f);
    b.at(add_block(f));
    Inst* x = b.sys(hw::SysVal::lane_id);
    EXPECT_EQ(b.alu(hw::Op::iadd, hw::Type::u32, {x, b.u32(0)}), x);
    EXPECT_EQ(b.alu(hw::Op::iadd, hw::Type::u32, {b.u32(2), b.u32(3)}), b.u32(5));
    EXPECT_EQ(b.sel(b.boolean(true), x, b.u32(1)), x);
    Inst* const parts[] = {x, b.u32(7)};
    EXPECT_EQ(b.extract(b.collect(parts), 1), b.u32(7));
    Inst* wide = b.pack64(x, b.u32(1));
    EXPECT_EQ(b.unpack64(wide, 0), x);
    f.blocks[0]->term = Term::exit;
    b.finish();
    EXPECT_EQ(validate(f), "");
}

} // namespace
} // namespace kite::cc::ir
