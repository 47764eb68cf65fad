// SPDX-License-Identifier: MIT
#include "base/env.hpp"

#include <charconv>
#include <cstdlib>

#include "base/log.hpp"

namespace kite::base {

namespace {

constexpr const EnvVar* kTable[] = {
    &env::kCacheDir, &env::kCapture,  &env::kCaptureMb,     &env::kCcDebug,    &env::kDeviceLibrary,
    &env::kDevDebug, &env::kExec,     &env::kHangTimeoutMs, &env::kJitDebug,   &env::kKmd,
    &env::kLog,      &env::kLogFile,  &env::kNoCache,       &env::kNumThreads, &env::kRtDebug,
    &env::kVramMb,   &env::kWaveSize,
};

} // namespace

std::span<const EnvVar* const> all_env_vars() {
    return kTable;
}

std::optional<std::string> env_string(const EnvVar& var) {
    const char* value = ::secure_getenv(var.name);
    if (value == nullptr || *value == '\0') {
        return std::nullopt;
    }
    return value;
}

std::optional<int64_t> env_number(const EnvVar& var, int64_t lo, int64_t hi) {
    const auto text = env_string(var);
    if (!text) {
        return std::nullopt;
    }
    int64_t value = 0;
    const char* end = text->data() + text->size();
    const auto [stop, code] = std::from_chars(text->data(), end, value);
    if (code != std::errc{} || stop != end || value < lo || value > hi) {
        KITE_LOG(warn, "{}={} ignored: a number from {} to {} is expected", var.name, *text, lo,
                 hi);
        return std::nullopt;
    }
    return value;
}

bool env_flag(const EnvVar& var) {
    const auto text = env_string(var);
    if (!text || *text == "0" || *text == "false" || *text == "no" || *text == "off") {
        return false;
    }
    if (*text != "1" && *text != "true" && *text != "yes" && *text != "on") {
        KITE_LOG(warn, "{}={} ignored: 0 or 1 is expected", var.name, *text);
        return false;
    }
    return true;
}

std::vector<std::string> env_list(const EnvVar& var) {
    std::vector<std::string> words;
    std::string_view rest;
    const auto text = env_string(var);
    rest = text ? std::string_view(*text) : std::string_view();
    while (!rest.empty()) {
        const size_t comma = rest.find(',');
        if (const auto word = rest.substr(0, comma); !word.empty()) {
            words.emplace_back(word);
        }
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return words;
}

std::string env_help() {
    std::string out;
    for (const EnvVar* var : kTable) {
        out += std::string(var->name) + "\n    " + var->doc + " (default: " + var->default_text +
               ")\n";
    }
    return out;
}

} // namespace kite::base
