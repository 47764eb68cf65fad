// SPDX-License-Identifier: MIT
// The extensions the runtime implements, as one table; enumeration, enabling and get-proc all read
// it.
//
// A row is added only when everything the extension requires works. Ownership: static. Threading:
// immutable. Failure: none.
#pragma once

#include "runtime/kmd/kmd.hpp"

#include <vulkan/vulkan_core.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kite::rt {

/// What an extension needs of the kernel back end.
enum class Needs : uint8_t { nothing, drm_node, pci, dma_buf, sync_fds };

/// One implemented extension.
struct ExtensionRow {
    const char* name;             ///< e.g. "VK_KHR_swapchain"
    uint32_t spec_version;        ///< revision implemented
    Needs needs = Needs::nothing; ///< offered where the back end has it
};

/// Instance extensions.
[[nodiscard]] std::span<const ExtensionRow> instance_extensions();
/// Device extensions, of any back end.
[[nodiscard]] std::span<const ExtensionRow> device_extensions();
/// True when the table holds the name.
[[nodiscard]] bool has_extension(std::span<const ExtensionRow> table, std::string_view name);

/// Device extensions that this device offers.
[[nodiscard]] std::vector<ExtensionRow> device_extensions(const kmd::DeviceFacts& facts);

/// A set of enabled names.
class ExtensionSet {
public:
    /// Adds one name.
    void add(std::string name) { names_.push_back(std::move(name)); }
    /// True when enabled.
    [[nodiscard]] bool has(std::string_view name) const;
    /// True when every name of a list joined by "+" is enabled.
    [[nodiscard]] bool has_all(std::string_view names) const;
    /// True when any entry (see has_all) of a comma-separated list is enabled.
    [[nodiscard]] bool has_any(std::string_view list) const;

private:
    std::vector<std::string> names_;
};

/// Fills the two-call enumeration.
VkResult enumerate_extensions(std::span<const ExtensionRow> table, uint32_t* count,
                              VkExtensionProperties* out);

} // namespace kite::rt
