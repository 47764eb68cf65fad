// SPDX-License-Identifier: MIT
#include "device/exec/jit/emitter.hpp"

#include "device/exec/cpu.hpp"
#include "device/exec/jit/compiler.hpp"
#include "device/exec/jit/guard.hpp"
#include "device/exec/jit/lane_pass.hpp"
#include "device/exec/jit/park_pass.hpp"

#include "base/log.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/Dominators.h>
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
#include <llvm/Transforms/Scalar/CorrelatedValuePropagation.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/Cloning.h>
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

struct SimplifyLanes : llvm::PassInfoMixin<SimplifyLanes> {
    static llvm::PreservedAnalyses run(llvm::Function& f, llvm::FunctionAnalysisManager&) {
        simplify_lanes(f);
        return llvm::PreservedAnalyses::none();
    }
};

struct ParkAccumulators : llvm::PassInfoMixin<ParkAccumulators> {
    static llvm::PreservedAnalyses run(llvm::Function& f, llvm::FunctionAnalysisManager& fam) {
        const unsigned parked = park_accumulators(f, fam.getResult<llvm::LoopAnalysis>(f),
                                                  fam.getResult<llvm::DominatorTreeAnalysis>(f));
        return parked == 0 ? llvm::PreservedAnalyses::all() : llvm::PreservedAnalyses::none();
    }
};

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
        passes.addPass(SimplifyLanes());
        passes.addPass(llvm::EarlyCSEPass(true));
        // Ranges of counters and indices: most bounds checks of shared memory are decided here.
        passes.addPass(llvm::CorrelatedValuePropagationPass());
        passes.addPass(llvm::SimplifyCFGPass());
        llvm::LoopPassManager loops;
        loops.addPass(llvm::LoopRotatePass());
        loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
        loops.addPass(llvm::IndVarSimplifyPass(/*WidenIndVars=*/false));
        passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops),
                                                             /*UseMemorySSA=*/true));
        passes.addPass(llvm::GVNPass());
        passes.addPass(llvm::InstCombinePass());
    }
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::ADCEPass());
    if (!big) {
        passes.addPass(ParkAccumulators());
    }
    passes.run(function, fam);
}

} // namespace

std::string generator_version() {
    return std::string("llvm ") + LLVM_VERSION_STRING;
}

base::Result<Target> host_target(unsigned width) {
    if (!cpu_has_width(width) || x86_target() == nullptr) {
        return base::unsupported("native code for waves of " + std::to_string(width) + " lanes");
    }
    Target t;
    t.width = width;
    t.cpu = width == 16 ? llvm::sys::getHostCPUName().str() : "x86-64-v3";
    // Halves are computed as floats on every host; gathers beat scalarised ones even where slow.
    t.features = width == 16 ? "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512cd,+fma,+f16c,+bmi2,"
                               "-avx512fp16,-prefer-256-bit,-prefer-no-gather,-prefer-no-scatter"
                             : "+avx2,+fma,+f16c,+bmi2,+fast-gather,-prefer-no-gather";
    return t;
}

namespace {

// Everything one compilation owns. Destroyed only after success: a fatal error leaves it in pieces.
struct Work {
    std::unique_ptr<llvm::TargetMachine> machine;
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> module;
    std::string problem;
    bool frame_too_big = false;
    llvm::SmallVector<char, 0> object;
};

// The code generator reports frames above the function's warn-stack-size here.
void on_diagnostic(const llvm::DiagnosticInfo* info, void* work) {
    if (info->getKind() == llvm::DK_StackSize) {
        static_cast<Work*>(work)->frame_too_big = true;
    }
}

void dump_assembly(Work& work, const Target& target) {
    const auto machine = machine_for(target);
    const auto copy = llvm::CloneModule(*work.module);
    llvm::SmallVector<char, 0> text;
    llvm::raw_svector_ostream stream(text);
    llvm::legacy::PassManager passes;
    if (!machine->addPassesToEmitFile(passes, stream, nullptr,
                                      llvm::CodeGenFileType::AssemblyFile)) {
        passes.run(*copy);
        llvm::errs() << stream.str();
    }
}

void generate(Work& work, const Program& program, const VertexKey& key, const Target& target) {
    work.context.setDiagnosticHandlerCallBack(on_diagnostic, &work);
    work.module = std::make_unique<llvm::Module>("kite", work.context);
    llvm::Module& module = *work.module;
    module.setTargetTriple(kTriple);
    module.setDataLayout(work.machine->createDataLayout());
    Emitter emitter(module, program, key, target.width);
    if (!emitter.run(kEntryName)) {
        work.problem = emitter.error();
        return;
    }
    llvm::Function& function = *module.getFunction(kEntryName);
    llvm::raw_string_ostream stream(work.problem);
    if (llvm::verifyFunction(function, &stream)) {
        work.problem = "generated IR is malformed: " + work.problem;
        return;
    }
    optimise(function, *work.machine, program.code.size() > kBigProgram);
    if (target.dump_ir) {
        module.print(llvm::errs(), nullptr);
    }
    if (target.dump_asm) {
        dump_assembly(work, target);
    }
    llvm::raw_svector_ostream object(work.object);
    llvm::legacy::PassManager passes;
    if (work.machine->addPassesToEmitFile(passes, object, nullptr,
                                          llvm::CodeGenFileType::ObjectFile)) {
        work.problem = "no object emission";
        return;
    }
    passes.run(module);
    if (work.frame_too_big) {
        work.problem = "it needs too large a stack frame";
    }
}

} // namespace

base::Result<std::vector<std::byte>> compile(const Program& program, const VertexKey& key,
                                             const Target& target) {
    if (program.code.size() > kMaxInstructions) {
        return base::fail(ErrorCode::unsupported, "program of {} instructions",
                          program.code.size());
    }
    auto work = std::make_unique<Work>();
    work->machine = machine_for(target);
    if (work->machine == nullptr) {
        return base::unsupported("native code generation");
    }
    std::string why;
    if (!guarded([&] { generate(*work, program, key, target); }, why)) {
        (void)work.release(); // in an unknown state: leaked on purpose
        return base::fail(ErrorCode::unsupported, "the code generator gave up: {}", why);
    }
    if (!work->problem.empty()) {
        return base::fail(ErrorCode::unsupported, "{}", work->problem);
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(work->object.data());
    return std::vector<std::byte>(bytes, bytes + work->object.size());
}

} // namespace kite::dev::exec::jit
