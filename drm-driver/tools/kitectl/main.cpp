// SPDX-License-Identifier: MIT
// kitectl: what the eGPU is doing for whom, and who may have it do how much.
#include "clients.hpp"
#include "device.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <pwd.h>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace kitectl {
namespace {

struct Options {
    std::string device;
    std::string uid, cgroup;
    uint64_t client = 0;
    int pid = 0;
};

uint64_t user_id(const std::string& text) {
    if (auto number = parse_amount(text); number && *number <= UINT32_MAX)
        return *number;
    const passwd* user = getpwnam(text.c_str());
    if (user == nullptr)
        throw std::invalid_argument(fmt::format("no user {}", text));
    return user->pw_uid;
}

/// Everybody whom the options mean: of a process, all of its clients.
std::vector<Who> chosen(const Options& options) {
    if (!options.uid.empty())
        return {{DRM_KITE_ACCOUNT_UID, user_id(options.uid)}};
    if (!options.cgroup.empty())
        return {{DRM_KITE_ACCOUNT_CGROUP, cgroup_id(options.cgroup)}};
    if (options.client != 0)
        return {{DRM_KITE_ACCOUNT_CLIENT, options.client}};
    if (options.pid == 0)
        return {{DRM_KITE_ACCOUNT_UID, geteuid()}};
    std::vector<Who> all;
    for (const Client& client : find_clients(options.pid))
        all.push_back({DRM_KITE_ACCOUNT_CLIENT, client.id});
    if (all.empty())
        throw std::invalid_argument(fmt::format(
            "process {} has no kite device open, or may not be looked at", options.pid));
    return all;
}

std::string name_of(Who who) {
    constexpr const char* kKinds[] = {"client", "uid", "cgroup"};
    return fmt::format("{} {}", kKinds[who.kind], who.id);
}

std::string amount(uint32_t resource, uint64_t value) {
    if (resource <= DRM_KITE_RESOURCE_SYSTEM || value == kNoLimit)
        return format_bytes(value);
    return fmt::format("{}", value);
}

void show_info(const Device& device) {
    const auto gpu = device.gpu();
    const auto memory = device.memory();
    const auto link = device.link();
    fmt::print("{}: {}\n", device.path(), gpu.description);
    fmt::print("  pci      {:04x}:{:02x}:{:02x}.{:x} [{:04x}:{:04x}]{}\n", link.pci_domain,
               link.pci_bus, link.pci_device, link.pci_function, gpu.vendor_id, gpu.device_id,
               link.removable != 0 ? ", can be unplugged" : "");
    fmt::print("  link     {}\n", format_link(link));
    fmt::print("  vram     {} of {} used, {} visible to the CPU\n", format_bytes(memory.vram_used),
               format_bytes(memory.vram_size), format_bytes(memory.vram_visible_size));
    fmt::print("  system   up to {}\n", format_bytes(memory.system_size));
    fmt::print("  dma      {}\n", format_dma(link));
    fmt::print("  sensors  {}\n", format_sensors(device.telemetry()));
}

void show_accounts(const Device& device, const Options& options) {
    for (Who who : chosen(options)) {
        fmt::print("{}\n  {:<8} {:>10} {:>10} {:>10} {:>8}\n", name_of(who), "resource", "used",
                   "limit", "peak", "refused");
        for (uint32_t i = 0; i < kResources.size(); ++i) {
            const auto a = device.account(who, i);
            fmt::print("  {:<8} {:>10} {:>10} {:>10} {:>8}\n", kResources[i], amount(i, a.used),
                       amount(i, a.limit), amount(i, a.peak), a.refused);
        }
    }
}

void set_limits(const Device& device, const Options& options, const std::string& resource,
                const std::string& value) {
    const auto limit = parse_amount(value);
    if (!limit)
        throw std::invalid_argument(
            fmt::format("{} is no amount: a number with K, M, G or T, or max", value));
    for (Who who : chosen(options))
        device.set_limit(who, parse_resource(resource), *limit);
}

void change_rights(const Device& device, const Options& options, uint32_t op,
                   const std::vector<std::string>& names) {
    const uint32_t wanted = parse_rights(names);
    for (Who who : chosen(options)) {
        const auto r = device.rights(who, op, wanted);
        fmt::print("{}\n  has      {}\n  granted  {}\n  denied   {}\n", name_of(who),
                   format_rights(r.effective), format_rights(r.granted), format_rights(r.denied));
    }
}

/// One picture of who does what; `before` is the one `seconds` earlier.
void show_top(const std::vector<Client>& before, const std::vector<Client>& now, double seconds) {
    fmt::print("{:>8} {:>8} {:<13} {:>10} {:>10}  {:<16} {}\n", "CLIENT", "PID", "DEVICE", "VRAM",
               "SYSTEM", "PROCESS", "BUSY");
    for (const Client& client : now) {
        std::string busy;
        for (const auto& [engine, ns] : client.engine_ns) {
            uint64_t earlier = ns;
            for (const Client& old : before)
                if (old.id == client.id && old.engine_ns.contains(engine))
                    earlier = old.engine_ns.at(engine);
            if (ns != 0)
                busy += fmt::format("{} {:.0f}%  ", engine,
                                    static_cast<double>(ns - earlier) / seconds / 1e7);
        }
        auto bytes = [&](const char* region) {
            const auto it = client.resident.find(region);
            return it == client.resident.end() ? std::string("-") : format_bytes(it->second);
        };
        fmt::print("{:>8} {:>8} {:<13} {:>10} {:>10}  {:<16} {}\n", client.id, client.pid,
                   client.device, bytes("vram"), bytes("memory"), client.process, busy);
    }
    if (now.empty())
        fmt::print("nobody has a kite device open\n");
}

/// What the device itself does; `before` is `seconds` earlier.
void show_device(const Device& device, const drm_kite_telemetry& before,
                 const drm_kite_telemetry& now, double seconds) {
    fmt::print("{}  {}", device.path(), format_sensors(now));
    constexpr std::array<const char*, 4> kEngines = {"graphics", "compute", "copy", "tables"};
    for (size_t i = 0; i < kEngines.size(); ++i) {
        const uint64_t ns = now.engine_busy_ns[i] - before.engine_busy_ns[i];
        if (now.engine_busy_ns[i] > before.engine_busy_ns[i])
            fmt::print("  {} {:.0f}%", kEngines[i], static_cast<double>(ns) / seconds / 1e7);
    }
    fmt::print("\n");
    if ((now.flags & before.flags & DRM_KITE_TELEMETRY_LINK) != 0) {
        auto rate = [&](uint64_t from, uint64_t to) {
            return format_bytes(static_cast<uint64_t>(static_cast<double>(to - from) / seconds));
        };
        fmt::print("link {}  in {}/s  out {}/s\n", format_link(device.link()),
                   rate(before.link_in, now.link_in), rate(before.link_out, now.link_out));
    }
}

void top(const Device& device, double interval, int count) {
    const bool screen = isatty(STDOUT_FILENO) != 0 && count != 1;
    std::vector<Client> before = find_clients();
    drm_kite_telemetry earlier = device.telemetry();
    for (int i = 0; count == 0 || i < count; ++i) {
        const auto start = std::chrono::steady_clock::now();
        std::this_thread::sleep_for(std::chrono::duration<double>(interval));
        std::vector<Client> now = find_clients();
        const drm_kite_telemetry telemetry = device.telemetry();
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
        if (screen)
            fmt::print("\033[H\033[2J");
        show_device(device, earlier, telemetry, passed.count());
        show_top(before, now, passed.count());
        std::fflush(stdout);
        earlier = telemetry;
        before = std::move(now);
    }
}

int run(int argc, char** argv) {
    CLI::App app{"Who uses the Kite eGPU, how much of it, and who may.\n"
                 "Changing anything, and looking at others' accounts, takes CAP_SYS_ADMIN.",
                 "kitectl"};
    app.require_subcommand(1);
    Options options;
    app.add_option("-d,--device", options.device, "render node (default: the first of kite.ko)");
    auto with_who = [&](CLI::App* sub) {
        auto* who = sub->add_option_group("who", "whose account (default: your user's)");
        who->add_option("-u,--uid", options.uid, "user, by name or number");
        who->add_option("-g,--cgroup", options.cgroup, "cgroup, a path below /sys/fs/cgroup");
        who->add_option("-c,--client", options.client, "open file: drm-client-id of its fdinfo");
        who->add_option("-p,--pid", options.pid, "all files that a process has open");
        who->require_option(0, 1);
        return sub;
    };
    auto* info = app.add_subcommand("info", "the device, its link and its memory");
    auto* accounts = with_who(
        app.add_subcommand("accounts", "what is used, what may be used, what was refused"));
    auto* limit = with_who(app.add_subcommand("limit", "set a quota"));
    std::string resource, value;
    limit->add_option("resource", resource, "vram, system, vms or queues")->required();
    limit->add_option("amount", value, "a number with K, M, G or T, or max")->required();
    std::vector<std::string> names;
    const char* rights_text = "system, export, import-read, import-write or all";
    auto* rights = with_who(app.add_subcommand("rights", "DMA rights as they are"));
    auto* grant = with_who(app.add_subcommand("grant", "grant DMA rights"));
    auto* revoke = with_who(
        app.add_subcommand("revoke", "deny DMA rights; running work loses what it mapped by them"));
    auto* reset = with_who(app.add_subcommand("reset", "neither grant nor deny DMA rights"));
    for (auto* sub : {grant, revoke, reset})
        sub->add_option("rights", names, rights_text)->required();
    auto* top_command = app.add_subcommand("top", "who keeps the device busy, again and again");
    double interval = 1;
    int count = 0;
    top_command->add_option("-i,--interval", interval, "seconds between pictures (1)")
        ->check(CLI::Range(0.05, 3600.0));
    top_command->add_option("-n,--count", count, "pictures, 0 for no end (0)")
        ->check(CLI::NonNegativeNumber);
    CLI11_PARSE(app, argc, argv);

    const Device device(options.device);
    if (*top_command)
        top(device, interval, count);
    else if (*info)
        show_info(device);
    else if (*accounts)
        show_accounts(device, options);
    else if (*limit)
        set_limits(device, options, resource, value);
    else if (*rights)
        change_rights(device, options, DRM_KITE_RIGHTS_CHECK, {});
    else if (*grant)
        change_rights(device, options, DRM_KITE_RIGHTS_GRANT, names);
    else if (*revoke)
        change_rights(device, options, DRM_KITE_RIGHTS_REVOKE, names);
    else if (*reset)
        change_rights(device, options, DRM_KITE_RIGHTS_RESET, names);
    return 0;
}

} // namespace
} // namespace kitectl

int main(int argc, char** argv) {
    try {
        return kitectl::run(argc, argv);
    } catch (const std::system_error& error) {
        const bool denied = error.code() == std::errc::permission_denied;
        fmt::print(stderr, "kitectl: {}{}\n", error.what(), denied ? " (needs CAP_SYS_ADMIN)" : "");
    } catch (const std::exception& error) {
        fmt::print(stderr, "kitectl: {}\n", error.what());
    }
    return 1;
}
