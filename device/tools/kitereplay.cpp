// SPDX-License-Identifier: MIT
// kitereplay: executes what KITE_CAPTURE recorded, without application, driver or kernel.
#include "base/env.hpp"
#include "base/log.hpp"
#include "device/trace/picture.hpp"
#include "device/trace/player.hpp"
#include "kite_hw/packet_dump.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace kite;
using namespace kite::dev::trace;

constexpr uint32_t kHangMs = 600000; // the interpreter may take its time

struct Arguments {
    std::string path, png, executor = "jit", show = "color";
    uint32_t draw = 0, stop_after = 0, attachment = 0, threads = 0;
    bool list = false, check = false;
};

int complain(const std::string& text) {
    fmt::print(stderr, "kitereplay: {}\n", text);
    return 1;
}

// The capture files a path names, in order of their names.
base::Result<std::vector<std::string>> files_of(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        return std::vector<std::string>{path};
    }
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
        if (entry.path().extension() == ".kitecap") {
            files.push_back(entry.path().string());
        }
    }
    if (files.empty()) {
        return base::fail(base::ErrorCode::not_found, "no *.kitecap in {}", path);
    }
    std::ranges::sort(files);
    return files;
}

// A packet on one line: small ones with all fields, the others by name.
std::string one_line(std::span<const uint32_t> words) {
    constexpr size_t kSmall = 16;
    std::string text = hw::dump_packet(words);
    if (words.size() > kSmall) {
        text = text.substr(0, text.find('\n'));
    }
    std::string line;
    bool space = false;
    for (const char c : text) {
        if (c == ' ' || c == '\n') {
            space = !line.empty();
            continue;
        }
        if (space) {
            line += ' ';
        }
        space = false;
        line += c;
    }
    return line;
}

void print_actions(const FlatStream& stream, uint32_t draws_before) {
    for (const Action& a : stream.actions) {
        const auto words = std::span<const uint32_t>(stream.words).subspan(a.word);
        const auto packet = words.first(hw::packet_dwords(words[0]));
        const std::string number =
            a.draw != 0 ? fmt::format("draw {:>5}", draws_before + a.draw) : std::string(10, ' ');
        fmt::print("  {} {}{}\n", number, a.in_scope ? "  " : "", one_line(packet));
    }
}

base::Result<> write_png(const Player& player, const Targets& targets, const Arguments& args) {
    const Show show = args.show == "depth"     ? Show::depth
                      : args.show == "stencil" ? Show::stencil
                                               : Show::color;
    auto picture = picture_of(player.memory(), targets, show, args.attachment);
    if (!picture) {
        return std::unexpected(std::move(picture.error()));
    }
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = picture->width;
    image.height = picture->height;
    image.format = PNG_FORMAT_RGBA;
    if (png_image_write_to_file(&image, args.png.c_str(), 0, picture->rgba.data(), 0, nullptr) ==
        0) {
        return base::fail(base::ErrorCode::io, "cannot write {}: {}", args.png,
                          static_cast<const char*>(image.message));
    }
    fmt::print("{}: {} x {}\n", args.png, picture->width, picture->height);
    return {};
}

std::string describe(const Outcome& o) {
    std::string text = o.status == dev::Status::ok ? "ok" : "ended with a fault: " + o.fault;
    if (!o.compared) {
        return text;
    }
    if (o.untouched != 0) {
        text += fmt::format(", the application changed {} pages meanwhile", o.untouched);
    }
    if (o.different == 0) {
        return text + fmt::format(", {} changed pages as recorded", o.changed - o.untouched);
    }
    return text + fmt::format(", {} of {} changed pages differ from the recording, the first at "
                              "{:#x}",
                              o.different, o.changed, o.first_different);
}

struct Verdict {
    bool same = true; // as recorded
    Targets targets;  // written last by any submission
};

// Executes one submission, whole or up to a draw, and says how it went.
base::Result<> execute(Player& player, const Submission& recorded, size_t index, uint32_t draws,
                       Verdict& verdict) {
    auto outcome = player.execute(draws);
    if (!outcome) {
        return std::unexpected(std::move(outcome.error()));
    }
    fmt::print("submission {}: {} draws, {}\n", index + 1, outcome->stream.draws,
               describe(*outcome));
    const bool ended_alike =
        !outcome->compared || recorded.result->status == static_cast<uint32_t>(outcome->status);
    verdict.same = verdict.same && outcome->different == 0 && ended_alike;
    Targets& t = outcome->stream.targets;
    if (!t.colors.empty() || t.depth || t.stencil) {
        verdict.targets = std::move(t);
    }
    return {};
}

// One file. With --draw only the submission that holds the draw is executed.
base::Result<bool> replay(const std::string& file, const Arguments& args) {
    auto capture = Capture::load(file);
    if (!capture) {
        return std::unexpected(std::move(capture.error()));
    }
    const size_t count = capture->submissions().size();
    fmt::print("{}: {} submissions, {} lanes{}\n", file, count, capture->wave_size(),
               capture->truncated() ? "; the file ends early, its last record is left out" : "");
    if (args.stop_after > count) {
        return base::fail(base::ErrorCode::invalid_argument, "--stop-after {}: there are {}",
                          args.stop_after, count);
    }
    PlayerConfig config;
    config.executor = args.executor == "interp" ? 1 : 2;
    config.threads = args.threads;
    config.hang_timeout_ms = kHangMs;
    auto made = Player::create(*capture, config);
    if (!made) {
        return std::unexpected(std::move(made.error()));
    }
    Player& player = **made;
    if (!args.list) {
        fmt::print("{}\n", player.description());
    }
    Verdict verdict;
    uint32_t draws = 0;
    const size_t end = args.stop_after != 0 ? args.stop_after : count;
    bool found = args.draw == 0;
    for (size_t i = 0; i < end; ++i) {
        if (auto ok = player.seek(i); !ok) {
            return std::unexpected(std::move(ok.error()));
        }
        auto stream = player.stream();
        if (!stream) {
            return std::unexpected(std::move(stream.error()));
        }
        const bool here = args.draw > draws && args.draw - draws <= stream->draws;
        if (args.list) {
            fmt::print("submission {}\n", i + 1);
            print_actions(*stream, draws);
        } else if (args.draw == 0 || here) {
            const uint32_t wanted = here ? args.draw - draws : 0;
            if (auto ok = execute(player, capture->submissions()[i], i, wanted, verdict); !ok) {
                return std::unexpected(std::move(ok.error()));
            }
        }
        draws += stream->draws;
        if (here) {
            found = true;
            break;
        }
    }
    if (!found) {
        return base::fail(base::ErrorCode::invalid_argument, "--draw {}: there are {} draws",
                          args.draw, draws);
    }
    if (!args.png.empty()) {
        if (auto ok = write_png(player, verdict.targets, args); !ok) {
            return std::unexpected(std::move(ok.error()));
        }
    }
    return verdict.same;
}

int run(const Arguments& args) {
    // The replaying device must not record itself.
    unsetenv(base::env::kCapture.name);
    auto files = files_of(args.path);
    if (!files) {
        return complain(files.error().message);
    }
    if (files->size() > 1 && (args.draw != 0 || args.stop_after != 0 || !args.png.empty())) {
        std::string names;
        for (const std::string& f : *files) {
            names += "\n  " + f;
        }
        return complain("--draw, --stop-after and --png want one file; here are" + names);
    }
    bool same = true;
    for (const std::string& file : *files) {
        auto one = replay(file, args);
        if (!one) {
            return complain(one.error().message);
        }
        same = same && *one;
    }
    return args.check && !same ? complain("the replay differs from the recording") : 0;
}

} // namespace

int main(int argc, char** argv) {
    Arguments args;
    CLI::App app{"Replays what KITE_CAPTURE=DIR recorded: without application, driver or kernel, "
                 "submission by submission, draw by draw, to the same bits."};
    app.add_option("path", args.path, "capture file, or folder of them")->required();
    auto* list = app.add_flag("--list", args.list, "print what it holds; execute nothing");
    auto* draw = app.add_option("--draw", args.draw,
                                "stop after draw N (from 1, through the whole file; --list numbers "
                                "them)")
                     ->check(CLI::Range(1u, std::numeric_limits<uint32_t>::max()));
    app.add_option("--stop-after", args.stop_after, "stop after submission N (from 1)")
        ->check(CLI::Range(1u, std::numeric_limits<uint32_t>::max()))
        ->excludes(draw);
    app.add_option("--png", args.png, "write the image that was rendered or copied to last")
        ->excludes(list);
    app.add_option("--show", args.show, "what of it --png writes: color, depth, stencil")
        ->check(CLI::IsMember({"color", "depth", "stencil"}));
    app.add_option("--attachment", args.attachment, "which colour attachment --png writes");
    app.add_option("--executor", args.executor, "jit or interp")
        ->check(CLI::IsMember({"jit", "interp"}));
    app.add_option("--threads", args.threads, "workers; 0: one per CPU");
    app.add_flag("--check", args.check,
                 "exit with 1 if memory or outcome differ from the recording");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    base::set_log_level(base::LogLevel::warn);
    return run(args);
}
