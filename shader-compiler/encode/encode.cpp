// SPDX-License-Identifier: MIT
#include "shader-compiler/encode/encode.hpp"

#include "base/hash.hpp"
#include "kite_hw/descriptors.hpp"
#include "kite_hw/disasm.hpp"
#include "kite_hw/limits.hpp"
#include "kite_hw/verify.hpp"

#include <cstring>

namespace kite::cc {

namespace {

// 'KSP1', see ProgramHeader.magic in hw/descriptors.toml.
constexpr uint32_t kMagic = 0x3150534b;

bool is_noop(const hw::Inst& i) {
    return i.op == hw::Op::mov && i.dst == i.src0;
}

} // namespace

base::Result<Encoded> encode(const mir::Function& f, const mir::Places& places, uint32_t vregs,
                             uint32_t sregs) {
    Encoded out;
    for (const mir::Inst& i : f.insts) {
        if (i.defines_nothing) {
            continue;
        }
        const hw::Inst inst = mir::place(f, i, places);
        if (is_noop(inst)) {
            continue;
        }
        const auto words = inst.encode();
        std::string why;
        if (!hw::check_encoding(words, &why)) {
            return base::fail(base::ErrorCode::unsupported, "compiler bug: {} in `{}`", why,
                              hw::disassemble(inst));
        }
        out.words.insert(out.words.end(), words.begin(), words.end());
    }
    const auto count = static_cast<uint32_t>(out.words.size() / hw::kInstWords);
    if (count > hw::limits::kMaxInstructions) {
        return base::unsupported("shaders of more than 2^20 instructions");
    }
    hw::ProgramHeader header;
    header.magic = kMagic;
    header.isa_version = hw::kIsaVersion;
    header.stage = f.stage;
    header.instructions = count;
    header.vregs = vregs;
    header.sregs = sregs;
    header.scratch_bytes = (f.scratch_bytes + 3) & ~3u;
    header.shared_bytes = f.shared_bytes;
    header.workgroup = f.workgroup;
    header.early_fragment_tests = f.early_fragment_tests;
    header.depth_mode = f.depth_mode;
    header.per_sample = f.per_sample;
    // Programs that differ in the header only, say in the workgroup's size, are different programs.
    uint32_t packed[hw::ProgramHeader::kDwords];
    header.pack(packed);
    out.hash = base::hash64(std::as_bytes(std::span(out.words)),
                            base::hash64(std::as_bytes(std::span(packed))));
    header.hash = out.hash;
    header.pack(packed);
    out.binary.resize(sizeof(packed) + out.words.size() * 4);
    std::memcpy(out.binary.data(), packed, sizeof(packed));
    std::memcpy(out.binary.data() + sizeof(packed), out.words.data(), out.words.size() * 4);
    return out;
}

} // namespace kite::cc
