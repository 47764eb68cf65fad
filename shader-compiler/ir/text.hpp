// SPDX-License-Identifier: MIT
// The text form of the IR: names shared by printer and parser, and the parser.
//
// print() is declared in ir.hpp; parse(print(f)) gives the same function, so that every dump is a
// test input. parse() accepts arbitrary text without crashing and says which line is wrong. Values
// must be numbered uniquely; forward references are allowed (phis need them). A parsed function is
// not validated. Thread-safe: no shared state.
#pragma once

#include "shader-compiler/ir/ir.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace kite::cc::ir {

/// Name of a pseudo opcode.
struct PseudoName {
    Op op;            ///< opcode
    const char* name; ///< its name in text
};
/// All pseudo opcodes.
inline constexpr PseudoName kPseudoNames[] = {
    {phi, "phi"},         {constant, "constant"}, {undef, "undef"},      {extract, "extract"},
    {collect, "collect"}, {pack64, "pack64"},     {unpack64, "unpack64"}};

/// Name of an element type.
struct BaseName {
    Base base;        ///< element type
    const char* name; ///< its name in text
};
/// All element types that values have.
inline constexpr BaseName kBaseNames[] = {
    {Base::boolean, "bool"}, {Base::bits16, "b16"}, {Base::bits32, "b32"}, {Base::bits64, "b64"}};

/// Name of an opcode in text; "?" if it is unknown.
[[nodiscard]] const char* op_name(Op op);
/// Name of a value type, e.g. "b32x4".
[[nodiscard]] std::string type_name(Type t);
/// One instruction as text, without a newline.
[[nodiscard]] std::string print(const Inst& inst);

/// Reads the text form.
/// @return nullptr on a syntax error, described in `error`.
[[nodiscard]] std::unique_ptr<Function> parse(std::string_view text, std::string& error);

} // namespace kite::cc::ir
