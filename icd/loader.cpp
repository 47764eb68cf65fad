// SPDX-License-Identifier: MIT
// The three symbols the Vulkan loader calls, and the rule which commands an application may see.
//
// A command is visible when the runtime implements it and it is core in the application's API
// version or belongs to an enabled extension. vkGetInstanceProcAddr also shows device commands of
// any extension the driver has (the device decides later).
#include "icd/entry_table.hpp"

#include "runtime/device/device.hpp"
#include "runtime/device/instance.hpp"

#include <algorithm>
#include <cstring>

#define KITE_EXPORT extern "C" __attribute__((visibility("default")))

namespace kite::icd {
namespace {

constexpr uint32_t kLoaderInterface = 7;

const Entry* lookup(const char* name) {
    auto rows = entries();
    auto it = std::lower_bound(rows.begin(), rows.end(), name, [](const Entry& e, const char* n) {
        return std::strcmp(e.name, n) < 0;
    });
    return it != rows.end() && std::strcmp(it->name, name) == 0 && it->function ? &*it : nullptr;
}

bool core_visible(const Entry& e, uint32_t api) {
    uint32_t minor =
        VK_MAKE_API_VERSION(0, VK_API_VERSION_MAJOR(api), VK_API_VERSION_MINOR(api), 0);
    uint32_t ours = VK_MAKE_API_VERSION(0, VK_API_VERSION_MAJOR(rt::kApiVersion),
                                        VK_API_VERSION_MINOR(rt::kApiVersion), 0);
    return e.core_version != 0 && e.core_version <= minor && e.core_version <= ours;
}

bool driver_has_any(std::string_view list) {
    static const rt::ExtensionSet all = [] {
        rt::ExtensionSet set;
        for (const auto& row : rt::device_extensions())
            set.add(row.name);
        return set;
    }();
    return all.has_any(list);
}

bool visible(const Entry& e, rt::Instance* instance) {
    if (e.level == Level::global)
        return true;
    if (!instance)
        return false;
    if (core_visible(e, instance->api_version) || instance->extensions.has_any(e.extensions))
        return true;
    // Physical-device commands may belong to device extensions.
    return (e.level == Level::device || e.level == Level::physical_device) &&
           driver_has_any(e.extensions);
}

} // namespace
} // namespace kite::icd

namespace kite::rt::vk {

PFN_vkVoidFunction GetDeviceProcAddr(VkDevice device, const char* name) {
    const icd::Entry* e = icd::lookup(name);
    auto* d = Device::from(device);
    if (!e || e->level != icd::Level::device || !d)
        return nullptr;
    bool ok = icd::core_visible(*e, d->physical->instance->api_version) ||
              d->extensions.has_any(e->extensions) ||
              d->physical->instance->extensions.has_any(e->extensions);
    return ok ? e->function : nullptr;
}

PFN_vkVoidFunction GetInstanceProcAddr(VkInstance instance, const char* name) {
    const icd::Entry* e = icd::lookup(name);
    return e && icd::visible(*e, Instance::from(instance)) ? e->function : nullptr;
}

} // namespace kite::rt::vk

KITE_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t* version) {
    if (*version < 5)
        return VK_ERROR_INCOMPATIBLE_DRIVER;
    *version = std::min(*version, kite::icd::kLoaderInterface);
    return VK_SUCCESS;
}

KITE_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char* name) {
    const kite::icd::Entry* e = kite::icd::lookup(name);
    if (!e || e->level != kite::icd::Level::physical_device)
        return nullptr;
    return kite::icd::visible(*e, kite::rt::Instance::from(instance)) ? e->function : nullptr;
}

KITE_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance instance,
                                                                               const char* name) {
    if (std::strcmp(name, "vk_icdNegotiateLoaderICDInterfaceVersion") == 0)
        return reinterpret_cast<PFN_vkVoidFunction>(vk_icdNegotiateLoaderICDInterfaceVersion);
    if (std::strcmp(name, "vk_icdGetPhysicalDeviceProcAddr") == 0)
        return reinterpret_cast<PFN_vkVoidFunction>(vk_icdGetPhysicalDeviceProcAddr);
    return kite::rt::vk::GetInstanceProcAddr(instance, name);
}
