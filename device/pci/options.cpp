// SPDX-License-Identifier: MIT
#include "device/pci/options.hpp"

#include "base/env.hpp"
#include "base/log.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <optional>

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

// What hangs on the connectors.
struct MonitorOptions {
    unsigned heads = 0;
    std::optional<display::WantedMode> mode = display::WantedMode{};
    std::vector<std::string> edids; // files, for the first heads
};

// The cable as asked for.
struct CableOptions {
    std::string kind = "direct";
    std::optional<unsigned> generation, width;
    std::optional<uint32_t> megabits, latency_ns;
};

void apply_cable(const CableOptions& cable, GpuOptions& gpu) {
    constexpr uint32_t kTunnelMegabits = 32000, kTunnelLatencyNs = 1500;
    const bool tunnel = cable.kind == "thunderbolt";
    gpu.link_generation = cable.generation.value_or(tunnel ? 3 : 4);
    gpu.link_width = cable.width.value_or(4);
    const uint32_t carries = link_megabits(gpu.link_generation, gpu.link_width);
    gpu.link = {.megabits =
                    cable.megabits.value_or(tunnel ? std::min(carries, kTunnelMegabits) : carries),
                .latency_ns = cable.latency_ns.value_or(tunnel ? kTunnelLatencyNs : 0),
                .tunnel = tunnel};
}

display::Edid read_edid(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    display::Edid edid(display::kEdidBlock * display::kEdidBlocks + 1);
    file.read(reinterpret_cast<char*>(edid.data()), static_cast<std::streamsize>(edid.size()));
    edid.resize(static_cast<std::size_t>(file.gcount()));
    return edid;
}

// Checks what the parser cannot; the reason, if it is wrong.
std::string judge(Options& options, const std::vector<std::string>& faults,
                  const MonitorOptions& monitor) {
    GpuOptions& gpu = options.gpu;
    const bool asks = !options.screenshot.empty() || !options.request.empty();
    if (asks == !options.socket.empty() || (asks && options.control.empty())) {
        return "--socket to serve a client, or --control with --screenshot or --send to ask";
    }
    if (!monitor.mode) {
        return fmt::format("--mode: {}", display::kModeSyntax);
    }
    gpu.monitors.clear();
    for (unsigned head = 0; head < monitor.heads; ++head) {
        gpu.monitors.push_back(display::edid_for(*monitor.mode, head));
    }
    for (std::size_t head = 0; head < monitor.edids.size(); ++head) {
        const display::Edid edid = read_edid(monitor.edids[head]);
        if (const std::string wrong = display::edid_problem(edid); !wrong.empty()) {
            return "--edid: " + monitor.edids[head] + ": " + wrong;
        }
        if (head >= gpu.monitors.size()) {
            return "--edid: more of them than --heads";
        }
        gpu.monitors[head] = edid;
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
    MonitorOptions monitor;
    CableOptions cable;
    unsigned heat_watts = 0;
    bool verbose = false;
    std::string executor;
    std::string mode;
    std::string vnc_password;
    std::vector<std::string> faults;
    options.cache_dir = default_cache();

    CLI::App app("Kite's GPU as a PCIe device: serves one QEMU over vfio-user.", "kite-device");
    app.set_version_flag("--version", std::string("kite-device ") + KITE_VERSION);
    app.add_option("--socket", options.socket, "UNIX socket to listen on");
    app.add_flag("--persist", options.persist,
                 "when the client goes, reset, scrub and wait for the next");
    app.add_option("--vram", gpu.vram_bytes, "device memory, e.g. 512M or 4G (default 1G)")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--visible-vram", gpu.visible_bytes, "how much of it BAR2 shows (default: all)")
        ->transform(CLI::AsSizeValue(false));
    app.add_option("--pcie-gen", cable.generation, "PCIe generation (4; thunderbolt: 3)")
        ->check(CLI::Range(1, 6));
    app.add_option("--pcie-width", cable.width, "PCIe lanes (4)")
        ->check(CLI::IsMember({1, 2, 4, 8, 16, 32}));
    app.add_option("--cable", cable.kind,
                   "direct, or thunderbolt: a tunnel of 32 Gb/s that adds 1500 ns (direct)")
        ->check(CLI::IsMember({"direct", "thunderbolt"}));
    app.add_option("--link-bandwidth", cable.megabits,
                   "cap on copies, each way, megabits per second; 0: none (what the link carries)");
    app.add_option("--link-latency", cable.latency_ns,
                   "nanoseconds that the cable adds to reads and to the start of copies")
        ->check(CLI::Range(0, 100000000));
    app.add_option("--heat", heat_watts, "heat from outside in watts, for tests of throttling (0)")
        ->check(CLI::Range(0, 100000));
    app.add_option("--heads", monitor.heads, "display heads, 0 to 4 (0)")->check(CLI::Range(0, 4));
    app.add_option("--mode", mode, "preferred mode of the monitors (1280x800)");
    app.add_option("--edid", monitor.edids, "EDID of a monitor, a file; once a head, in order")
        ->expected(1)
        ->take_all();
    app.add_option("--control", options.control, "UNIX socket for screenshots and hot-plug");
    app.add_option("--vnc", options.vnc.port, "TCP port of a VNC server that shows --head")
        ->check(CLI::Range(1, 65535));
    app.add_option("--vnc-address", options.vnc.address, "IPv4 address it listens on (127.0.0.1)");
    app.add_option("--vnc-password", vnc_password, "file with its password in the first line")
        ->check(CLI::ExistingFile);
    app.add_option("--screenshot", options.screenshot,
                   "ask the device behind --control for a picture: file, or -");
    app.add_option("--head", options.head, "whose picture (0)");
    app.add_option("--send", options.request,
                   "ask the device behind --control: status, telemetry, heat MILLIWATTS, crc HEAD, "
                   "plug HEAD [WxH[@HZ]], unplug HEAD");
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
    if (!mode.empty()) {
        monitor.mode = display::parse_mode(mode);
    }
    options.vnc.head = options.head;
    gpu.heat_mw = heat_watts * 1000;
    apply_cable(cable, gpu);
    if (!vnc_password.empty()) {
        std::ifstream file(vnc_password);
        if (!std::getline(file, options.vnc.password) || options.vnc.password.empty()) {
            fmt::print(stderr, "kite-device: --vnc-password: {} has no password\n", vnc_password);
            return 2;
        }
    }
    if (const std::string wrong = judge(options, faults, monitor); !wrong.empty()) {
        fmt::print(stderr, "kite-device: {}\n", wrong);
        return 2;
    }
    return options;
}

} // namespace kite::dev::pci
