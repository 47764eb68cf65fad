// SPDX-License-Identifier: MIT
// Fault injection: makes the device fail on purpose, by count or by time.
//
// A specification is `hang`, `page-fault`, `lost-irq` or `gone`, followed by `:after=N` (the Nth
// submission, for lost-irq the Nth interrupt; the first by default) or `:at=SECONDS` (the first one
// after that time; `gone` needs none). Each strikes once. Parsed at start, then asked by any
// thread; nothing fails after parsing.
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace kite::dev::pci {

/// What goes wrong.
enum class Fault : uint8_t { hang, page_fault, lost_irq, gone };

/// The faults to come.
class Injector {
public:
    /// Adds one; invalid_argument with the reason.
    [[nodiscard]] base::Result<void> add(std::string_view specification);
    /// Time counts from here.
    void start();
    /// Counts an event of the kind (a submission, an interrupt) and says whether it fails.
    [[nodiscard]] bool strikes(Fault kind);
    /// `gone` by time: true once when its time has come.
    [[nodiscard]] bool time_to_go();
    /// Milliseconds until time_to_go() may become true, -1 if never.
    [[nodiscard]] int next_ms() const;

private:
    struct Plan {
        Fault kind;
        uint64_t after = 0; // 0: by time
        uint64_t at_ns = 0;
        std::atomic<uint64_t> seen{0};
        std::atomic<bool> done{false};
    };
    [[nodiscard]] bool due(const Plan& plan) const;

    std::vector<std::unique_ptr<Plan>> plans_;
    uint64_t start_ns_ = 0;
};

} // namespace kite::dev::pci
