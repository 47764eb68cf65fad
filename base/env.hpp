// SPDX-License-Identifier: MIT
// Every environment variable Kite reads, in one table, with typed access.
//
// A new variable is one line in namespace env below plus its entry in all_env_vars() (env.cpp);
// the documentation and `help` outputs list the table, so nothing is readable but undocumented.
// Values are read from the process environment at each call, never in a program running with raised
// privileges. A value that does not parse is reported once per call at level warn and then treated
// as absent. Thread-safe as long as nobody calls setenv concurrently.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kite::base {

/// How a variable's value is written.
enum class EnvType : uint8_t { text, number, flag, list };

/// One variable.
struct EnvVar {
    const char* name;
    EnvType type;
    /// What happens when it is unset, in words or as a value.
    const char* default_text;
    /// One sentence for users.
    const char* doc;
};

/// The variables.
namespace env {
/// Log level.
inline constexpr EnvVar kLog{"KITE_LOG", EnvType::text, "warn",
                             "log level: none, error, warn, info or debug"};
/// Log file.
inline constexpr EnvVar kLogFile{"KITE_LOG_FILE", EnvType::text, "standard error",
                                 "file the log is appended to"};
/// Worker threads.
inline constexpr EnvVar kNumThreads{"KITE_NUM_THREADS", EnvType::number,
                                    "CPUs this process may use",
                                    "threads that execute GPU work, 1 to 256"};
/// Embedded device: memory size.
inline constexpr EnvVar kVramMb{"KITE_VRAM_MB", EnvType::number,
                                "three quarters of the machine's memory",
                                "device memory offered, in MiB"};
/// Executor choice.
inline constexpr EnvVar kExec{"KITE_EXECUTOR", EnvType::text, "jit",
                              "shader executor: jit (with interpreter fallback) or interp"};
/// Compiler debugging.
inline constexpr EnvVar kCcDebug{"KITE_CC_DEBUG", EnvType::list, "nothing",
                                 "shader compiler debugging: dump-spirv-ir, dump-ir, dump-tree, "
                                 "dump-mir, dump-asm, validate, no-opt, stats"};
/// Runtime debugging.
inline constexpr EnvVar kRtDebug{"KITE_RT_DEBUG", EnvType::list, "nothing",
                                 "runtime debugging: linear-modifiers (no tiled modifier)"};
/// Device debugging.
inline constexpr EnvVar kDevDebug{"KITE_DEV_DEBUG", EnvType::list, "nothing",
                                  "device debugging: packets (print every packet)"};
/// Kernel back end.
inline constexpr EnvVar kKmd{"KITE_KMD", EnvType::text, "auto",
                             "kernel back end: drm (kite render nodes), embedded (the device in "
                             "this process) or auto (drm where there is a node)"};
/// Device library.
inline constexpr EnvVar kDeviceLibrary{"KITE_DEVICE_LIBRARY", EnvType::text, "beside the driver",
                                       "path of the device library the embedded back end loads"};
/// Lanes of a wave.
inline constexpr EnvVar kWaveSize{"KITE_WAVE_SIZE", EnvType::number, "the widest the CPU has",
                                  "lanes of a wave: 8 or 16"};
/// Hang detection.
inline constexpr EnvVar kHangTimeoutMs{"KITE_HANG_TIMEOUT_MS", EnvType::number, "10000",
                                       "a submission that runs longer is killed, in milliseconds"};
/// JIT debugging.
inline constexpr EnvVar kJitDebug{"KITE_JIT_DEBUG", EnvType::list, "nothing",
                                  "shader JIT debugging: ir, asm (dump to standard error), perf "
                                  "(write a map for the perf profiler)"};
/// Capture directory.
inline constexpr EnvVar kCapture{"KITE_CAPTURE", EnvType::text, "no capture",
                                 "directory that receives a recording of every submission"};
/// Capture size.
inline constexpr EnvVar kCaptureMb{"KITE_CAPTURE_MB", EnvType::number, "4096",
                                   "a recording ends when its file has this size, in MiB"};
/// Shader cache directory.
inline constexpr EnvVar kCacheDir{"KITE_CACHE_DIR", EnvType::text, "the user's cache directory",
                                  "directory of the on-disk cache of compiled shaders"};
/// Turn the shader cache off.
inline constexpr EnvVar kNoCache{"KITE_NO_CACHE", EnvType::flag, "0",
                                 "1: do not read or write the on-disk cache"};
} // namespace env

/// The whole table, sorted by name.
std::span<const EnvVar* const> all_env_vars();

/// The value, if set and not empty.
std::optional<std::string> env_string(const EnvVar& var);
/// The value as a decimal number in [lo, hi].
std::optional<int64_t> env_number(const EnvVar& var, int64_t lo, int64_t hi);
/// True for 1, true, yes, on; false for 0, false, no, off and when unset.
bool env_flag(const EnvVar& var);
/// The comma-separated words of the value, empty ones left out.
std::vector<std::string> env_list(const EnvVar& var);
/// Help text: one paragraph per variable.
std::string env_help();

} // namespace kite::base
