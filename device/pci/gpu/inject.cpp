// SPDX-License-Identifier: MIT
#include "device/pci/gpu/inject.hpp"

#include "device/front/processor.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace kite::dev::pci {

using base::ErrorCode;
using base::fail;

namespace {

constexpr std::array<std::pair<std::string_view, Fault>, 4> kNames = {{
    {"hang", Fault::hang},
    {"page-fault", Fault::page_fault},
    {"lost-irq", Fault::lost_irq},
    {"gone", Fault::gone},
}};

} // namespace

base::Result<void> Injector::add(std::string_view specification) {
    const size_t colon = specification.find(':');
    const std::string_view name = specification.substr(0, colon);
    const auto known = std::ranges::find(kNames, name, &decltype(kNames)::value_type::first);
    if (known == kNames.end()) {
        return fail(ErrorCode::invalid_argument,
                    "fault '{}' is none of hang, page-fault, lost-irq, gone", name);
    }
    auto plan = std::make_unique<Plan>(known->second);
    plan->after = 1;
    if (colon != std::string_view::npos) {
        const std::string_view when = specification.substr(colon + 1);
        const size_t equals = when.find('=');
        const std::string_view key = when.substr(0, equals);
        const std::string_view text =
            equals == std::string_view::npos ? std::string_view() : when.substr(equals + 1);
        double number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool parsed = error == std::errc() && end == text.data() + text.size();
        if (key == "after" && parsed && number >= 1 && number <= 1e12) {
            plan->after = static_cast<uint64_t>(number);
        } else if (key == "at" && parsed && number >= 0 && number <= 1e6) {
            plan->after = 0;
            plan->at_ns = static_cast<uint64_t>(number * 1e9);
        } else {
            return fail(ErrorCode::invalid_argument, "'{}' is not after=N (from 1) or at=SECONDS",
                        when);
        }
    }
    plans_.push_back(std::move(plan));
    return {};
}

void Injector::start() {
    start_ns_ = front::now_ns();
}

bool Injector::due(const Plan& plan) const {
    return front::now_ns() - start_ns_ >= plan.at_ns;
}

bool Injector::strikes(Fault kind) {
    for (const auto& plan : plans_) {
        if (plan->kind != kind || plan->done.load(std::memory_order_relaxed)) {
            continue;
        }
        const uint64_t seen = plan->seen.fetch_add(1) + 1;
        if ((plan->after == 0 ? due(*plan) : seen >= plan->after) && !plan->done.exchange(true)) {
            return true;
        }
    }
    return false;
}

bool Injector::time_to_go() {
    for (const auto& plan : plans_) {
        if (plan->kind == Fault::gone && plan->after == 0 && due(*plan) &&
            !plan->done.exchange(true)) {
            return true;
        }
    }
    return false;
}

int Injector::next_ms() const {
    int next = -1;
    for (const auto& plan : plans_) {
        if (plan->kind == Fault::gone && plan->after == 0 && !plan->done.load()) {
            const uint64_t passed = front::now_ns() - start_ns_;
            const uint64_t left = passed >= plan->at_ns ? 0 : (plan->at_ns - passed) / 1000000 + 1;
            const int ms = static_cast<int>(std::min<uint64_t>(left, 60000));
            next = next < 0 ? ms : std::min(next, ms);
        }
    }
    return next;
}

} // namespace kite::dev::pci
