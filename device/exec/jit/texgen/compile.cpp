// SPDX-License-Identifier: MIT
// A texture routine's IR to an object file.
#include "device/exec/jit/texgen/builder.hpp"
#include "device/exec/jit/texgen/library.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#pragma GCC diagnostic pop

namespace kite::dev::exec::jit::texgen {

namespace {

constexpr const char* kTriple = "x86_64-unknown-linux-gnu";

// host_target(), which made the Target, has initialised LLVM's x86 back end.
std::unique_ptr<llvm::TargetMachine> machine_for(const Target& target) {
    std::string error;
    const llvm::Target* t = llvm::TargetRegistry::lookupTarget(kTriple, error);
    llvm::TargetOptions options;
    options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
    options.TrapUnreachable = true;
    return std::unique_ptr<llvm::TargetMachine>(
        t == nullptr ? nullptr
                     : t->createTargetMachine(kTriple, target.cpu, target.features, options,
                                              llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                              llvm::CodeGenOptLevel::Default, true));
}

void optimise(llvm::Function& function, llvm::TargetMachine& machine) {
    llvm::LoopAnalysisManager lam;
    llvm::FunctionAnalysisManager fam;
    llvm::CGSCCAnalysisManager cgam;
    llvm::ModuleAnalysisManager mam;
    llvm::PassBuilder builder(&machine);
    builder.registerModuleAnalyses(mam);
    builder.registerCGSCCAnalyses(cgam);
    builder.registerFunctionAnalyses(fam);
    builder.registerLoopAnalyses(lam);
    builder.crossRegisterProxies(lam, fam, cgam, mam);
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::EarlyCSEPass(true));
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()),
                                                         /*UseMemorySSA=*/true));
    passes.addPass(llvm::EarlyCSEPass(true));
    passes.addPass(llvm::ADCEPass());
    passes.run(function, fam);
}

} // namespace

base::Result<std::vector<std::byte>> compile(const TexKey& key, const Target& target) {
    const auto machine = machine_for(target);
    if (machine == nullptr) {
        return base::unsupported("native code generation");
    }
    llvm::LLVMContext context;
    llvm::Module module("kite-tex", context);
    module.setTargetTriple(kTriple);
    module.setDataLayout(machine->createDataLayout());
    Builder builder(module, key);
    builder.run(kEntryName);
    llvm::Function& function = *module.getFunction(kEntryName);
    std::string problem;
    llvm::raw_string_ostream problem_stream(problem);
    if (llvm::verifyFunction(function, &problem_stream)) {
        return base::fail(base::ErrorCode::unsupported, "generated IR is malformed: {}", problem);
    }
    optimise(function, *machine);
    if (target.dump_ir) {
        module.print(llvm::errs(), nullptr);
    }
    const auto emit = [&](llvm::TargetMachine& to, llvm::CodeGenFileType type,
                          llvm::SmallVectorImpl<char>& out) {
        llvm::raw_svector_ostream stream(out);
        llvm::legacy::PassManager passes;
        if (to.addPassesToEmitFile(passes, stream, nullptr, type)) {
            return false;
        }
        passes.run(module);
        return true;
    };
    if (target.dump_asm) {
        llvm::SmallVector<char, 0> text;
        const auto other = machine_for(target);
        if (emit(*other, llvm::CodeGenFileType::AssemblyFile, text)) {
            llvm::errs() << llvm::StringRef(text.data(), text.size());
        }
    }
    llvm::SmallVector<char, 0> object;
    if (!emit(*machine, llvm::CodeGenFileType::ObjectFile, object)) {
        return base::unsupported("object emission");
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(object.data());
    return std::vector<std::byte>(bytes, bytes + object.size());
}

} // namespace kite::dev::exec::jit::texgen
