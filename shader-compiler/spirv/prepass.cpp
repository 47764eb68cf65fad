// SPDX-License-Identifier: MIT
#include "shader-compiler/spirv/prepass.hpp"

#include "shader-compiler/spirv/failure.hpp"
#include "shader-compiler/spirv/unroll.hpp"

#include <spirv-tools/libspirv.hpp>
#include <spirv-tools/optimizer.hpp>
#include <spirv/unified1/spirv.hpp11>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace kite::cc::spirv {

namespace {

/// The rules to validate by: those of the Vulkan version asked for, or of the module's SPIR-V
/// version if that is newer (an application that uses a newer module than it declared does no harm
/// here).
spv_target_env environment(uint32_t vulkan, uint32_t spirv) {
    if (vulkan >= 0x00010300 || spirv >= 0x00010600) {
        return SPV_ENV_VULKAN_1_3;
    }
    return vulkan >= 0x00010200 || spirv >= 0x00010500 ? SPV_ENV_VULKAN_1_2
                                                       : SPV_ENV_VULKAN_1_1_SPIRV_1_4;
}

spv::ExecutionModel model_of(hw::Stage stage) {
    switch (stage) {
    case hw::Stage::vertex:
        return spv::ExecutionModel::Vertex;
    case hw::Stage::fragment:
        return spv::ExecutionModel::Fragment;
    case hw::Stage::tess_control:
        return spv::ExecutionModel::TessellationControl;
    case hw::Stage::tess_eval:
        return spv::ExecutionModel::TessellationEvaluation;
    case hw::Stage::geometry:
        return spv::ExecutionModel::Geometry;
    default:
        return spv::ExecutionModel::GLCompute;
    }
}

/// The string literal at the start of the words, bounded by them.
std::string_view literal_string(std::span<const uint32_t> words) {
    const char* text = reinterpret_cast<const char*>(words.data());
    return {text, strnlen(text, words.size_bytes())};
}

void validate_module(std::span<const uint32_t> words, spv_target_env env) {
    spvtools::SpirvTools tools(env);
    std::string message;
    tools.SetMessageConsumer(
        [&](spv_message_level_t level, const char*, const spv_position_t& at, const char* text) {
            if (level <= SPV_MSG_ERROR && message.empty()) {
                message = "word " + std::to_string(at.index) + ": " + text;
            }
        });
    spvtools::ValidatorOptions options;
    options.SetRelaxBlockLayout(true);
    options.SetUniformBufferStandardLayout(true);
    options.SetScalarBlockLayout(true);
    options.SetWorkgroupScalarBlockLayout(true);
    options.SetAllowLocalSizeId(true);
    options.SetAllowOffsetTextureOperand(true); // VK_KHR_maintenance8
    if (tools.Validate(words.data(), words.size(), options)) {
        return;
    }
    // VK_KHR_maintenance9 allows bit operations of every width, which this SPIRV-Tools does not
    // know: such a module is held to the rules that are not Vulkan's.
    if (message.find("VUID-StandaloneSpirv-Base-04781") != std::string::npos &&
        env != SPV_ENV_UNIVERSAL_1_6) {
        return validate_module(words, SPV_ENV_UNIVERSAL_1_6);
    }
    corrupt("SPIR-V: " + message);
}

/// Copies the module without the entry points that were not asked for and without their execution
/// modes.
std::vector<uint32_t> keep_entry_point(std::span<const uint32_t> words, const Options& options) {
    uint32_t wanted = 0;
    bool found = false;
    for (size_t i = 5; i < words.size();) {
        const size_t n = words[i] >> 16;
        const auto op = static_cast<spv::Op>(words[i] & 0xffffu);
        if (n == 0 || i + n > words.size()) {
            corrupt("SPIR-V: truncated instruction");
        }
        if (op == spv::Op::OpEntryPoint && n >= 4 &&
            static_cast<spv::ExecutionModel>(words[i + 1]) == model_of(options.stage) &&
            literal_string(words.subspan(i + 3, n - 3)) == options.entry_point) {
            wanted = words[i + 2];
            found = true;
        }
        i += n;
    }
    if (!found) {
        invalid_argument("no entry point '" + options.entry_point + "' for this stage");
    }
    std::vector<uint32_t> out(words.begin(), words.begin() + 5);
    out.reserve(words.size());
    bool taken = false;
    for (size_t i = 5; i < words.size();) {
        const size_t n = words[i] >> 16;
        const auto op = static_cast<spv::Op>(words[i] & 0xffffu);
        bool drop = false;
        if (op == spv::Op::OpEntryPoint) {
            drop = taken || words[i + 2] != wanted ||
                   static_cast<spv::ExecutionModel>(words[i + 1]) != model_of(options.stage);
            taken = taken || !drop;
        } else if (op == spv::Op::OpExecutionMode || op == spv::Op::OpExecutionModeId) {
            drop = words[i + 1] != wanted;
        }
        if (!drop) {
            out.insert(out.end(), words.begin() + static_cast<ptrdiff_t>(i),
                       words.begin() + static_cast<ptrdiff_t>(i + n));
        }
        i += n;
    }
    return out;
}

/// The specialization as the optimizer wants it: SpecId -> words of the constant's type.
std::unordered_map<uint32_t, std::vector<uint32_t>> specialization(std::span<const uint32_t> words,
                                                                   const Options& options) {
    std::unordered_map<uint32_t, uint32_t> spec_id;  // result id -> SpecId
    std::unordered_map<uint32_t, uint32_t> width;    // type id -> bits
    std::unordered_map<uint32_t, uint32_t> id_width; // SpecId -> bits
    for (size_t i = 5; i < words.size(); i += words[i] >> 16) {
        const auto op = static_cast<spv::Op>(words[i] & 0xffffu);
        if (op == spv::Op::OpDecorate && (words[i] >> 16) >= 4 &&
            static_cast<spv::Decoration>(words[i + 2]) == spv::Decoration::SpecId) {
            spec_id[words[i + 1]] = words[i + 3];
        } else if (op == spv::Op::OpTypeInt || op == spv::Op::OpTypeFloat) {
            width[words[i + 1]] = words[i + 2];
        } else if (op == spv::Op::OpTypeBool) {
            width[words[i + 1]] = 32;
        } else if (op == spv::Op::OpSpecConstant || op == spv::Op::OpSpecConstantTrue ||
                   op == spv::Op::OpSpecConstantFalse) {
            const auto it = spec_id.find(words[i + 2]);
            if (it != spec_id.end()) {
                id_width[it->second] = width[words[i + 1]];
            }
        }
    }
    std::unordered_map<uint32_t, std::vector<uint32_t>> out;
    for (const SpecConstant& c : options.spec) {
        const auto it = id_width.find(c.id);
        if (it == id_width.end()) {
            continue; // an id the module does not use is allowed
        }
        const uint64_t bits = it->second < 32 ? c.bits & ((1ull << it->second) - 1) : c.bits;
        out[c.id] = {static_cast<uint32_t>(bits)};
        if (it->second == 64) {
            out[c.id].push_back(static_cast<uint32_t>(bits >> 32));
        }
    }
    return out;
}

/// True if the entry point's interface names an input that exists per sample. A front end lists
/// what the source mentions, even where no instruction came of it.
bool uses_sample_input(std::span<const uint32_t> words) {
    std::unordered_set<uint32_t> interface;
    for (size_t i = 5; i < words.size(); i += words[i] >> 16) {
        const auto op = static_cast<spv::Op>(words[i] & 0xffffu);
        const size_t n = words[i] >> 16;
        if (op == spv::Op::OpEntryPoint) {
            const size_t name = literal_string(words.subspan(i + 3, n - 3)).size() / 4 + 1;
            for (size_t k = 3 + name; k < n; ++k) {
                interface.insert(words[i + k]);
            }
        } else if (op == spv::Op::OpDecorate && n >= 3 && interface.contains(words[i + 1])) {
            const auto kind = static_cast<spv::Decoration>(words[i + 2]);
            const auto which = kind == spv::Decoration::BuiltIn && n >= 4
                                   ? static_cast<spv::BuiltIn>(words[i + 3])
                                   : spv::BuiltIn::Max;
            if (which == spv::BuiltIn::SampleId || which == spv::BuiltIn::SamplePosition) {
                return true;
            }
        }
    }
    return false;
}

} // namespace

std::vector<uint32_t> prepare(std::span<const uint32_t> words, const Options& options,
                              bool& per_sample) {
    if (words.size() < 5 || words.size() > kMaxWords || words[0] != spv::MagicNumber) {
        corrupt("not a SPIR-V module");
    }
    const spv_target_env env = environment(options.spirv_env, words[1]);
    validate_module(words, env);
    const std::vector<uint32_t> single = keep_entry_point(words, options);
    per_sample = options.stage == hw::Stage::fragment && uses_sample_input(single);

    spvtools::Optimizer optimizer(env);
    optimizer.SetMessageConsumer([](auto&&...) {});
    if (!options.spec.empty()) {
        optimizer.RegisterPass(
            spvtools::CreateSetSpecConstantDefaultValuePass(specialization(single, options)));
    }
    optimizer.RegisterPass(spvtools::CreateStripDebugInfoPass())
        .RegisterPass(spvtools::CreateStripNonSemanticInfoPass())
        .RegisterPass(spvtools::CreateFlattenDecorationPass())
        .RegisterPass(spvtools::CreateFreezeSpecConstantValuePass())
        .RegisterPass(spvtools::CreateFoldSpecConstantOpAndCompositePass())
        .RegisterPass(spvtools::CreateWrapOpKillPass())
        .RegisterPass(spvtools::CreateDeadBranchElimPass())
        .RegisterPass(spvtools::CreateMergeReturnPass())
        .RegisterPass(spvtools::CreateInlineExhaustivePass())
        .RegisterPass(spvtools::CreateEliminateDeadFunctionsPass())
        .RegisterPass(spvtools::CreateAggressiveDCEPass())
        .RegisterPass(spvtools::CreatePrivateToLocalPass())
        .RegisterPass(spvtools::CreateLocalSingleBlockLoadStoreElimPass())
        .RegisterPass(spvtools::CreateLocalSingleStoreElimPass())
        .RegisterPass(spvtools::CreateAggressiveDCEPass())
        .RegisterPass(spvtools::CreateScalarReplacementPass(100))
        .RegisterPass(spvtools::CreateLocalAccessChainConvertPass())
        .RegisterPass(spvtools::CreateLocalSingleBlockLoadStoreElimPass())
        .RegisterPass(spvtools::CreateLocalSingleStoreElimPass())
        .RegisterPass(spvtools::CreateAggressiveDCEPass())
        .RegisterPass(spvtools::CreateSSARewritePass())
        .RegisterPass(spvtools::CreateAggressiveDCEPass())
        .RegisterPass(spvtools::CreateCCPPass())
        .RegisterPass(spvtools::CreateDeadBranchElimPass())
        .RegisterPass(spvtools::CreateBlockMergePass())
        .RegisterPass(spvtools::CreateAggressiveDCEPass());
    spvtools::OptimizerOptions run;
    run.set_run_validator(false);
    std::vector<uint32_t> out;
    if (!optimizer.Run(single.data(), single.size(), &out, run)) {
        corrupt("SPIR-V: simplification failed");
    }
    // Two rounds: unrolling an outer loop makes the trip counts of the inner ones known.
    for (int round = 0; round < 2 && choose_unrolled_loops(out); ++round) {
        spvtools::Optimizer unroller(env);
        unroller.SetMessageConsumer([](auto&&...) {});
        unroller.RegisterPass(spvtools::CreateLoopUnrollPass(true))
            .RegisterPass(spvtools::CreateDeadBranchElimPass())
            .RegisterPass(spvtools::CreateCCPPass())
            .RegisterPass(spvtools::CreateScalarReplacementPass(100))
            .RegisterPass(spvtools::CreateLocalAccessChainConvertPass())
            .RegisterPass(spvtools::CreateLocalSingleBlockLoadStoreElimPass())
            .RegisterPass(spvtools::CreateLocalSingleStoreElimPass())
            .RegisterPass(spvtools::CreateAggressiveDCEPass())
            .RegisterPass(spvtools::CreateSSARewritePass())
            .RegisterPass(spvtools::CreateCCPPass())
            .RegisterPass(spvtools::CreateDeadBranchElimPass())
            .RegisterPass(spvtools::CreateBlockMergePass())
            .RegisterPass(spvtools::CreateAggressiveDCEPass());
        std::vector<uint32_t> unrolled;
        if (!unroller.Run(out.data(), out.size(), &unrolled, run)) {
            corrupt("SPIR-V: unrolling failed");
        }
        out = std::move(unrolled);
    }
    return out;
}

} // namespace kite::cc::spirv
