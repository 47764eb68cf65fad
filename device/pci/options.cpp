// SPDX-License-Identifier: MIT
#include "device/pci/options.hpp"

#include "base/env.hpp"
#include "base/log.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

namespace kite::dev::pci {

namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// Where compiled code is kept when the option is not given; root keeps none.
std::string default_cache() {
    if (base::env_flag(base::env::kNoCache)) {
        return {};
    }
    if (auto dir = base::env_string(base::env::kCacheDir)) {
        return *dir;
    }
    const char* xdg = secure_getenv("XDG_CACHE_HOME");
    const char* home = secure_getenv("HOME");
    if (geteuid() == 0) {
        return {};
    }
    if (xdg != nullptr && xdg[0] == '/') {
        return std::string(xdg) + "/kite";
    }
    return home != nullptr && home[0] == '/' ? std::string(home) + "/.cache/kite" : std::string();
}

// Checks what the parser cannot; the reason, if it is wrong.
std::string judge(Options& options, const std::vector<std::string>& faults, unsigned heads) {
    GpuOptions& gpu = options.gpu;
    if (heads != 0) {
        return "--heads: display heads are not supported";
    }
    if (gpu.vram_bytes % (2 * kMiB) != 0 || gpu.vram_bytes < 16 * kMiB ||
        gpu.vram_bytes > (uint64_t{1} << 40)) {
        return "--vram: a multiple of 2M from 16M to 1T";
    }
    if (gpu.visible_bytes == 0) {
        gpu.visible_bytes = gpu.vram_bytes;
    }
    if (gpu.visible_bytes % (2 * kMiB) != 0 || gpu.visible_bytes > gpu.vram_bytes) {
        return "--visible-vram: a multiple of 2M, at most --vram";
    }
    const auto words = base::env_list(base::env::kDevDebug);
    gpu.print_packets = std::ranges::find(words, "packets") != words.end();
    for (const std::string& fault : faults) {
        if (auto ok = options.injector.add(fault); !ok) {
            return "--inject: " + ok.error().message;
        }
    }
    return {};
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    GpuOptions& gpu = options.gpu;
    gpu.visible_bytes = 0;
    unsigned heads = 0;
    bool verbose = false;
    std::string executor;
    std::vector<std::string> faults;
    options.cache_dir = default_cache();

    CLI::App app("Kite's GPU as a PCIe device: serves one QEMU over vfio-user.", "kite-device");
    app.set_version_flag("--version", std::string("kite-device ") + KITE_VERSION);
    app.add_option("--socket", options.socket, "UNIX socket to listen on")->required();
    app.add_flag("--persist", options.persist,
                 "when the client goes, reset, scrub and wait for the next");
    app.add_option("--vram", gpu.vram_bytes, "device memory, e.g. 512M or 4G (default 1G)")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--visible-vram", gpu.visible_bytes, "how much of it BAR2 shows (default: all)")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--pcie-gen", gpu.link_generation, "PCIe generation to report (default 4)")
        ->check(CLI::Range(1, 6));
    app.add_option("--pcie-width", gpu.link_width, "PCIe lanes to report (default 4)")
        ->check(CLI::IsMember({1, 2, 4, 8, 16, 32}));
    app.add_option("--heads", heads, "display heads (0)");
    app.add_option("--inject", faults,
                   "fail on purpose: hang, page-fault, lost-irq or gone, each with :after=N (the "
                   "Nth submission or interrupt) or :at=SECONDS; may be repeated")
        ->expected(1)
        ->take_all();
    app.add_option("--trace", options.trace, "write a trace to a file, or - for standard output");
    app.add_option("--executor", executor, "how shaders run: jit or interp")
        ->check(CLI::IsMember({"jit", "interp"}));
    app.add_option("--wave-size", gpu.executor.wave_size, "lanes of a wave: 8 or 16")
        ->check(CLI::IsMember({8, 16}));
    app.add_option("--threads", gpu.threads, "threads that execute GPU work")
        ->check(CLI::Range(1, 256));
    app.add_option("--cache-dir", options.cache_dir,
                   "folder for compiled code (default: the user's cache; none as root)");
    app.add_option("--user", options.user, "who to become when started as root (nobody)");
    app.add_flag("!--no-sandbox", options.sandbox, "do not filter system calls (for debugging)");
    app.add_flag("-v,--verbose", verbose, "log what happens, not only what goes wrong");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    if (verbose) {
        base::set_log_level(base::LogLevel::info);
    }
    if (executor.empty()) {
        executor = base::env_string(base::env::kExec).value_or("");
    }
    using Mode = exec::ExecutorConfig::Mode;
    gpu.executor.mode = executor == "interp" ? Mode::interpreter
                        : executor == "jit"  ? Mode::jit
                                             : Mode::automatic;
    if (gpu.executor.wave_size == 0) {
        const auto lanes = base::env_number(base::env::kWaveSize, 8, 16).value_or(0);
        gpu.executor.wave_size = lanes == 8 || lanes == 16 ? static_cast<unsigned>(lanes) : 0;
    }
    gpu.executor.cache_dir = options.cache_dir;
    if (const std::string wrong = judge(options, faults, heads); !wrong.empty()) {
        fmt::print(stderr, "kite-device: {}\n", wrong);
        return 2;
    }
    return options;
}

} // namespace kite::dev::pci
