// SPDX-License-Identifier: MIT
// kitedis: prints a Kite program as assembly.
#include "kite_hw/descriptors.hpp"
#include "kite_hw/disasm.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    CLI::App app{"Print a Kite program (header and instruction words) as assembly.", "kitedis"};
    std::string input;
    bool raw = false;
    app.add_option("file", input, "program")->required()->check(CLI::ExistingFile);
    app.add_flag("--raw", raw, "the file has no header, only words");
    CLI11_PARSE(app, argc, argv);

    std::ifstream file(input, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<uint32_t> words(bytes.size() / 4);
    std::memcpy(words.data(), bytes.data(), words.size() * 4);
    std::span<const uint32_t> code(words);
    if (!raw) {
        if (words.size() < kite::hw::ProgramHeader::kDwords) {
            fmt::print(stderr, "kitedis: {} is too short for a program\n", input);
            return 1;
        }
        const auto h = kite::hw::ProgramHeader::unpack(words.data());
        const char* stage = kite::hw::name_of(h.stage);
        fmt::print(
            "; {} program, {} instructions, {} v, {} s, {} scratch bytes per lane, {} shared "
            "bytes, workgroup {}x{}x{}, hash {:016x}\n",
            stage != nullptr ? stage : "unknown", h.instructions, h.vregs, h.sregs, h.scratch_bytes,
            h.shared_bytes, h.workgroup[0], h.workgroup[1], h.workgroup[2], h.hash);
        code = code.subspan(kite::hw::ProgramHeader::kDwords);
    }
    fmt::print("{}", kite::hw::disassemble_program(code));
    return 0;
}
