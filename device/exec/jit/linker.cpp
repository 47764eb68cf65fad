// SPDX-License-Identifier: MIT
#include "device/exec/jit/compiler.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/TargetSelect.h>
#pragma GCC diagnostic pop

#include <atomic>
#include <cstring>
#include <mutex>

namespace kite::dev::exec::jit {

namespace {

using base::ErrorCode;
namespace orc = llvm::orc;

std::string text_of(llvm::Error error) {
    return llvm::toString(std::move(error));
}

class LinkedCode final : public Code {
public:
    LinkedCode(std::shared_ptr<orc::LLJIT> jit, orc::JITDylib& dylib, Entry function)
        : jit_(std::move(jit)), dylib_(dylib) {
        entry_ = function;
    }
    ~LinkedCode() override {
        // Failure to unload leaks the code, nothing else.
        llvm::consumeError(jit_->getExecutionSession().removeJITDylib(dylib_));
    }

private:
    std::shared_ptr<orc::LLJIT> jit_; // code outlives the linker
    orc::JITDylib& dylib_;
};

class OrcLinker final : public Linker {
public:
    explicit OrcLinker(std::unique_ptr<orc::LLJIT> jit) : jit_(std::move(jit)) {}

    base::Result<std::unique_ptr<Code>> link(std::span<const std::byte> object) override {
        const std::string name = "program" + std::to_string(next_++);
        auto dylib = jit_->createJITDylib(name);
        if (!dylib) {
            return base::fail(ErrorCode::out_of_host_memory, "{}", text_of(dylib.takeError()));
        }
        // The only functions the code generator may call on its own.
        orc::SymbolMap symbols;
        const auto add = [&](const char* symbol, void* address) {
            symbols[jit_->mangleAndIntern(symbol)] = {orc::ExecutorAddr::fromPtr(address),
                                                      llvm::JITSymbolFlags::Exported};
        };
        add("memcpy", reinterpret_cast<void*>(&std::memcpy));
        add("memset", reinterpret_cast<void*>(&std::memset));
        add("memmove", reinterpret_cast<void*>(&std::memmove));
        llvm::cantFail(dylib->define(orc::absoluteSymbols(std::move(symbols))));
        auto buffer = llvm::MemoryBuffer::getMemBufferCopy(
            llvm::StringRef(reinterpret_cast<const char*>(object.data()), object.size()), name);
        if (auto error = jit_->addObjectFile(*dylib, std::move(buffer))) {
            return discard(*dylib, text_of(std::move(error)));
        }
        auto entry = jit_->lookup(*dylib, kEntryName);
        if (!entry) {
            return discard(*dylib, text_of(entry.takeError()));
        }
        return std::make_unique<LinkedCode>(jit_, *dylib, entry->toPtr<Entry>());
    }

private:
    base::Result<std::unique_ptr<Code>> discard(orc::JITDylib& dylib, std::string why) {
        llvm::consumeError(jit_->getExecutionSession().removeJITDylib(dylib));
        return base::fail(ErrorCode::corrupt, "object does not link: {}", why);
    }

    std::shared_ptr<orc::LLJIT> jit_;
    std::atomic<uint64_t> next_{0};
};

} // namespace

base::Result<std::unique_ptr<Linker>> create_linker() {
    static std::once_flag once;
    std::call_once(once, [] {
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
    });
    auto jit = orc::LLJITBuilder()
                   .setJITTargetMachineBuilder(
                       orc::JITTargetMachineBuilder(llvm::Triple("x86_64-unknown-linux-gnu")))
                   .setLinkProcessSymbolsByDefault(false)
                   .setPlatformSetUp(orc::setUpInactivePlatform)
                   .create();
    if (!jit) {
        return base::fail(ErrorCode::initialization_failed, "no code linker: {}",
                          text_of(jit.takeError()));
    }
    return std::make_unique<OrcLinker>(std::move(*jit));
}

} // namespace kite::dev::exec::jit
