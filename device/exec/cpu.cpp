// SPDX-License-Identifier: MIT
#include "device/exec/cpu.hpp"

namespace kite::dev::exec {

bool cpu_has_width(unsigned width) {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                      __builtin_cpu_supports("f16c") != 0 && __builtin_cpu_supports("bmi2") != 0;
    if (width == 8) {
        return avx2;
    }
    return avx2 && __builtin_cpu_supports("avx512f") != 0 &&
           __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0;
}

unsigned native_wave_size() {
    return cpu_has_width(16) ? 16 : 8;
}

} // namespace kite::dev::exec
