// SPDX-License-Identifier: MIT
// VK_EXT_headless_surface: pictures go nowhere, at once. See window.hpp.
#pragma once

#include "runtime/wsi/window.hpp"

namespace kite::rt::wsi {

/// A window without a screen.
class HeadlessWindow final : public Window {
public:
    [[nodiscard]] base::Result<WindowExtent> extent() override { return WindowExtent{}; }
    [[nodiscard]] base::Result<void> add_buffer(uint32_t, const WindowBuffer&) override {
        return {};
    }
    [[nodiscard]] base::Result<ShowResult> show(uint32_t, bool) override { return ShowResult::ok; }
    [[nodiscard]] bool released(uint32_t) override { return true; }
    void wait_release(uint32_t) override {}
    [[nodiscard]] bool paces_itself() const override { return false; }
};

} // namespace kite::rt::wsi
