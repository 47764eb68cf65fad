// SPDX-License-Identifier: MIT
#include "runtime/object/result.hpp"

namespace kite::rt {

VkResult to_vk(const base::Error& error) {
    using base::ErrorCode;
    VkResult r = VK_ERROR_UNKNOWN;
    switch (error.code) {
    case ErrorCode::out_of_host_memory:
        r = VK_ERROR_OUT_OF_HOST_MEMORY;
        break;
    case ErrorCode::out_of_device_memory:
        r = VK_ERROR_OUT_OF_DEVICE_MEMORY;
        break;
    case ErrorCode::device_lost:
        r = VK_ERROR_DEVICE_LOST;
        break;
    case ErrorCode::initialization_failed:
        r = VK_ERROR_INITIALIZATION_FAILED;
        break;
    case ErrorCode::unsupported:
        r = VK_ERROR_FEATURE_NOT_PRESENT;
        break;
    case ErrorCode::timeout:
        r = VK_TIMEOUT;
        break;
    default:
        break;
    }
    return r;
}

} // namespace kite::rt
