// SPDX-License-Identifier: MIT
#include "device/exec/jit/emitter.hpp"

#include "device/exec/cpu.hpp"
#include "device/exec/jit/compiler.hpp"

#include "base/log.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#pragma GCC diagnostic pop

#include <mutex>

namespace kite::dev::exec::jit {

namespace {

using base::ErrorCode;

constexpr const char* kTriple = "x86_64-unknown-linux-gnu";
// Code generation time grows faster than the program; beyond this it is interpreted.
constexpr size_t kMaxInstructions = 50000;
// Past this, only the cheap passes run.
constexpr size_t kBigProgram = 8000;

const llvm::Target* x86_target() {
    static std::once_flag once;
    static const llvm::Target* target = nullptr;
    std::call_once(once, [] {
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
        LLVMInitializeX86AsmPrinter();
        std::string error;
        target = llvm::TargetRegistry::lookupTarget(kTriple, error);
    });
    return target;
}

std::unique_ptr<llvm::TargetMachine> machine_for(const Target& target) {
    llvm::TargetOptions options;
    options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
    options.TrapUnreachable = true;
    const llvm::Target* t = x86_target();
    return std::unique_ptr<llvm::TargetMachine>(
        t == nullptr ? nullptr
                     : t->createTargetMachine(kTriple, target.cpu, target.features, options,
                                              llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                              llvm::CodeGenOptLevel::Default, true));
}

void optimise(llvm::Function& function, llvm::TargetMachine& machine, bool big) {
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
    passes.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
    passes.addPass(llvm::EarlyCSEPass(true));
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::InstCombinePass());
    if (!big) {
        passes.addPass(llvm::createFunctionToLoopPassAdaptor(
            llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
        passes.addPass(llvm::GVNPass());
        passes.addPass(llvm::InstCombinePass());
    }
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::ADCEPass());
    passes.run(function, fam);
}

} // namespace

std::string generator_version() { return std::string("llvm ") + LLVM_VERSION_STRING; }

base::Result<Target> host_target(unsigned width) {
    if (!cpu_has_width(width) || x86_target() == nullptr) {
        return base::unsupported("native code for waves of " + std::to_string(width) + " lanes");
    }
    Target t;
    t.width = width;
    t.cpu = width == 16 ? llvm::sys::getHostCPUName().str() : "x86-64-v3";
    // Halves are computed as floats on every host; gathers beat scalarised ones even where slow.
    t.features = width == 16
                     ? "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512cd,+fma,+f16c,+bmi2,"
                       "-avx512fp16,-prefer-256-bit,-prefer-no-gather,-prefer-no-scatter"
                     : "+avx2,+fma,+f16c,+bmi2,+fast-gather,-prefer-no-gather";
    return t;
}

base::Result<std::vector<std::byte>> compile(const Program& program, const VertexKey& key,
                                             const Target& target) {
    if (program.code.size() > kMaxInstructions) {
        return base::fail(ErrorCode::unsupported, "program of {} instructions", program.code.size());
    }
    const auto machine = machine_for(target);
    if (machine == nullptr) {
        return base::unsupported("native code generation");
    }
    llvm::LLVMContext context;
    llvm::Module module("kite", context);
    module.setTargetTriple(kTriple);
    module.setDataLayout(machine->createDataLayout());
    Emitter emitter(module, program, key, target.width);
    if (!emitter.run(kEntryName)) {
        return base::fail(ErrorCode::unsupported, "{}", emitter.error());
    }
    llvm::Function& function = *module.getFunction(kEntryName);
    std::string problem;
    llvm::raw_string_ostream problem_stream(problem);
    if (llvm::verifyFunction(function, &problem_stream)) {
        return base::fail(ErrorCode::unsupported, "generated IR is malformed: {}", problem);
    }
    optimise(function, *machine, program.code.size() > kBigProgram);
    if (target.dump_ir) {
        module.print(llvm::errs(), nullptr);
    }
    if (target.dump_asm) {
        llvm::SmallVector<char, 0> text;
        llvm::raw_svector_ostream stream(text);
        llvm::legacy::PassManager passes;
        const auto clone_machine = machine_for(target);
        if (!clone_machine->addPassesToEmitFile(passes, stream, nullptr,
                                                llvm::CodeGenFileType::AssemblyFile)) {
            passes.run(module);
            llvm::errs() << stream.str();
        }
    }
    llvm::SmallVector<char, 0> object;
    llvm::raw_svector_ostream stream(object);
    llvm::legacy::PassManager passes;
    if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile)) {
        return base::unsupported("object emission");
    }
    passes.run(module);
    const auto* bytes = reinterpret_cast<const std::byte*>(object.data());
    return std::vector<std::byte>(bytes, bytes + object.size());
}

} // namespace kite::dev::exec::jit
