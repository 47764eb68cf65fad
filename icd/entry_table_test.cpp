// SPDX-License-Identifier: MIT
// Every command that the advertised versions and extensions promise must exist.
#include "icd/entry_table.hpp"

#include "runtime/device/extensions.hpp"
#include "runtime/device/instance.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace kite::icd {
namespace {

TEST(EntryTable, SortedByName) {
    auto rows = entries();
    for (size_t i = 1; i < rows.size(); ++i)
        EXPECT_LT(std::strcmp(rows[i - 1].name, rows[i].name), 0);
}

TEST(EntryTable, CoreIsComplete) {
    uint32_t core = VK_MAKE_API_VERSION(0, VK_API_VERSION_MAJOR(rt::kApiVersion),
                                        VK_API_VERSION_MINOR(rt::kApiVersion), 0);
    size_t n = 0;
    for (const Entry& e : entries()) {
        if (e.core_version == 0 || e.core_version > core || std::strstr(e.name, "ProcAddr"))
            continue;
        ++n;
        EXPECT_NE(e.function, nullptr) << e.name;
    }
    EXPECT_GE(n, 160u);
}

TEST(EntryTable, AdvertisedExtensionsAreComplete) {
    rt::ExtensionSet offered;
    for (const auto& r : rt::instance_extensions())
        offered.add(r.name);
    for (const auto& r : rt::device_extensions())
        offered.add(r.name);
    // The loader makes and destroys surfaces itself.
    auto surface = [](const char* name) {
        return std::strncmp(name, "vkCreate", 8) == 0 && std::strstr(name, "Surface");
    };
    // Of maintenance6, these belong to VK_EXT_descriptor_buffer.
    auto other = [](const char* name) { return std::strstr(name, "DescriptorBuffer") != nullptr; };
    for (const Entry& e : entries()) {
        if (offered.has_any(e.extensions) && !surface(e.name) && !other(e.name) &&
            std::strcmp(e.name, "vkDestroySurfaceKHR") != 0) {
            EXPECT_NE(e.function, nullptr) << e.name << " of " << e.extensions;
        }
    }
}

} // namespace
} // namespace kite::icd
