// SPDX-License-Identifier: MIT
// A texture routine's IR to an object file.
#include "device/exec/jit/texgen/builder.hpp"

#include "device/exec/jit/guard.hpp"
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
#include <llvm/Transforms/Utils/Cloning.h>
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

namespace {

// Everything one compilation owns. Destroyed only after success: a fatal error leaves it in pieces.
struct Work {
    std::unique_ptr<llvm::TargetMachine> machine;
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> module;
    std::string problem;
    llvm::SmallVector<char, 0> object;
};

bool emit(llvm::TargetMachine& machine, llvm::Module& module, llvm::CodeGenFileType type,
          llvm::SmallVectorImpl<char>& out) {
    llvm::raw_svector_ostream stream(out);
    llvm::legacy::PassManager passes;
    if (machine.addPassesToEmitFile(passes, stream, nullptr, type)) {
        return false;
    }
    passes.run(module);
    return true;
}

void generate(Work& work, const TexKey& key, const Target& target) {
    work.module = std::make_unique<llvm::Module>("kite-tex", work.context);
    llvm::Module& module = *work.module;
    module.setTargetTriple(kTriple);
    module.setDataLayout(work.machine->createDataLayout());
    Builder builder(module, key);
    builder.run(kEntryName);
    llvm::Function& function = *module.getFunction(kEntryName);
    llvm::raw_string_ostream stream(work.problem);
    if (llvm::verifyFunction(function, &stream)) {
        work.problem = "generated IR is malformed: " + work.problem;
        return;
    }
    optimise(function, *work.machine);
    if (target.dump_ir) {
        module.print(llvm::errs(), nullptr);
    }
    if (target.dump_asm) {
        const auto machine = machine_for(target);
        const auto copy = llvm::CloneModule(module);
        llvm::SmallVector<char, 0> text;
        if (emit(*machine, *copy, llvm::CodeGenFileType::AssemblyFile, text)) {
            llvm::errs() << llvm::StringRef(text.data(), text.size());
        }
    }
    if (!emit(*work.machine, module, llvm::CodeGenFileType::ObjectFile, work.object)) {
        work.problem = "no object emission";
    }
}

} // namespace

base::Result<std::vector<std::byte>> compile(const TexKey& key, const Target& target) {
    auto work = std::make_unique<Work>();
    work->machine = machine_for(target);
    if (work->machine == nullptr) {
        return base::unsupported("native code generation");
    }
    std::string why;
    if (!guarded([&] { generate(*work, key, target); }, why)) {
        (void)work.release(); // in an unknown state: leaked on purpose
        return base::fail(base::ErrorCode::unsupported, "the code generator gave up: {}", why);
    }
    if (!work->problem.empty()) {
        return base::fail(base::ErrorCode::unsupported, "{}", work->problem);
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(work->object.data());
    return std::vector<std::byte>(bytes, bytes + work->object.size());
}

} // namespace kite::dev::exec::jit::texgen
