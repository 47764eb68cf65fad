// SPDX-License-Identifier: MIT
// kitecc: compiles one SPIR-V entry point to a Kite program.
#include "base/log.hpp"
#include "kite_cc/compiler.hpp"
#include "kite_hw/isa.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace kite;

// SPIR-V execution models, as the entry point instruction names them.
constexpr uint32_t kOpEntryPoint = 15;
constexpr uint32_t kMagic = 0x07230203;

bool stage_of_model(uint32_t model, hw::Stage& stage) {
    switch (model) {
    case 0:
        stage = hw::Stage::vertex;
        return true;
    case 1:
        stage = hw::Stage::tess_control;
        return true;
    case 2:
        stage = hw::Stage::tess_eval;
        return true;
    case 3:
        stage = hw::Stage::geometry;
        return true;
    case 4:
        stage = hw::Stage::fragment;
        return true;
    case 5:
        stage = hw::Stage::compute;
        return true;
    default:
        return false;
    }
}

// The first entry point with this name (any if empty): its stage and name.
bool find_entry(const std::vector<uint32_t>& words, std::string& name, hw::Stage& stage) {
    for (size_t i = 5; i < words.size();) {
        const uint32_t count = words[i] >> 16;
        if (count == 0 || count > words.size() - i) {
            return false;
        }
        if ((words[i] & 0xffff) == kOpEntryPoint && count > 3) {
            const char* text = reinterpret_cast<const char*>(&words[i + 3]);
            const std::string found(text, strnlen(text, (count - 3) * 4));
            if ((name.empty() || name == found) && stage_of_model(words[i + 1], stage)) {
                name = found;
                return true;
            }
        }
        i += count;
    }
    return false;
}

// KIND:SET.BINDING@OFFSET[+STRIDExCOUNT]
bool parse_binding(const std::string& text, cc::Binding& b) {
    static constexpr std::pair<const char*, cc::DescriptorKind> kKinds[] = {
        {"ubo", cc::DescriptorKind::uniform_buffer},
        {"ssbo", cc::DescriptorKind::storage_buffer},
        {"utb", cc::DescriptorKind::uniform_texel_buffer},
        {"stb", cc::DescriptorKind::storage_texel_buffer},
        {"sampler", cc::DescriptorKind::sampler},
        {"image", cc::DescriptorKind::sampled_image},
        {"combined", cc::DescriptorKind::combined_image_sampler},
        {"storage", cc::DescriptorKind::storage_image},
        {"input", cc::DescriptorKind::input_attachment},
        {"inline", cc::DescriptorKind::inline_uniform},
    };
    char kind[16] = {};
    const int n = std::sscanf(text.c_str(), "%15[a-z]:%u.%u@%u+%ux%u", kind, &b.set, &b.binding,
                              &b.offset, &b.stride, &b.count);
    if (n < 4) {
        return false;
    }
    for (const auto& [name, value] : kKinds) {
        if (std::strcmp(name, kind) == 0) {
            b.kind = value;
            return true;
        }
    }
    return false;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"Compile one SPIR-V entry point to a Kite program.\n"
                 "Environment: KITE_CC_DEBUG (see docs) dumps the stages in between.",
                 "kitecc"};
    std::string input, output, entry, stage_name;
    std::vector<std::string> binding_texts;
    bool dump_ir = false, dump_asm = false;
    app.add_option("file", input, "SPIR-V module (.spv)")->required()->check(CLI::ExistingFile);
    app.add_option("-S,--stage", stage_name, "stage; default: that of the entry point")
        ->check(CLI::IsMember({"vertex", "fragment", "compute"}));
    app.add_option("-e,--entry", entry, "entry point; default: the first");
    app.add_option("-o,--output", output, "write the program here");
    app.add_option(
        "-b,--binding", binding_texts,
        "binding as KIND:SET.BINDING@OFFSET[+STRIDExCOUNT]; KIND is ubo, ssbo, utb, stb, "
        "sampler, image, combined, storage, input or inline. Without any, the first 16 "
        "bindings of set 0 are storage buffers, 64 bytes apart");
    app.add_flag("--dump-ir", dump_ir, "print the optimized IR");
    app.add_flag("--dump-asm", dump_asm, "print the disassembly");
    CLI11_PARSE(app, argc, argv);

    std::ifstream file(input, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<uint32_t> words(bytes.size() / 4);
    std::memcpy(words.data(), bytes.data(), words.size() * 4);
    if (words.size() < 5 || words[0] != kMagic) {
        fmt::print(stderr, "kitecc: {} is not a SPIR-V module\n", input);
        return 1;
    }
    cc::Options options;
    if (!find_entry(words, entry, options.stage)) {
        fmt::print(stderr, "kitecc: no such entry point, or of a stage Kite does not have\n");
        return 1;
    }
    for (const hw::Stage s : {hw::Stage::vertex, hw::Stage::fragment, hw::Stage::compute,
                              hw::Stage::tess_control, hw::Stage::tess_eval, hw::Stage::geometry}) {
        if (stage_name == hw::name_of(s)) {
            options.stage = s;
        }
    }
    std::vector<cc::Binding> bindings;
    for (const std::string& text : binding_texts) {
        cc::Binding b;
        if (!parse_binding(text, b)) {
            fmt::print(stderr, "kitecc: cannot read binding `{}`\n", text);
            return 1;
        }
        bindings.push_back(b);
    }
    for (uint32_t i = 0; binding_texts.empty() && i < 16; ++i) {
        bindings.push_back({.binding = i,
                            .kind = cc::DescriptorKind::storage_buffer,
                            .offset = i * 64,
                            .stride = 64});
    }
    options.entry_point = entry;
    options.bindings = bindings;
    options.dump = dump_ir || dump_asm;
    const auto program = cc::compile(words, options);
    if (!program) {
        fmt::print(stderr, "kitecc: {}\n", program.error().message);
        return 1;
    }
    if (dump_ir) {
        fmt::print("{}\n", program->ir_dump);
    }
    if (dump_asm) {
        fmt::print("{}\n", program->asm_dump);
    }
    const cc::ProgramFacts& f = program->facts;
    fmt::print(stderr,
               "{} `{}`: {} instructions, {} vector and {} scalar registers, {} spills, {} "
               "scratch bytes per lane\n",
               hw::name_of(options.stage), entry, f.instructions, f.vregs, f.sregs, f.spills,
               f.scratch_bytes);
    if (!output.empty()) {
        std::ofstream out(output, std::ios::binary);
        out.write(reinterpret_cast<const char*>(program->binary.data()),
                  static_cast<std::streamsize>(program->binary.size()));
        if (!out) {
            fmt::print(stderr, "kitecc: cannot write {}\n", output);
            return 1;
        }
    }
    return 0;
}
