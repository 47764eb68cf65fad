// SPDX-License-Identifier: MIT
#include "runtime/wsi/presenter.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>

namespace kite::rt::wsi {

namespace {

using Clock = std::chrono::steady_clock;

/// Library threads leave the application's signals alone, except the two that tools rely on.
void block_signals() {
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

/// Waits on a condition with a Vulkan timeout; false if it ran out.
template <class Pred>
bool wait_ns(std::condition_variable& cv, std::unique_lock<std::mutex>& lock, uint64_t timeout_ns,
             Pred pred) {
    constexpr uint64_t kForever = 1'000'000'000ull * 86400 * 365;
    if (timeout_ns >= kForever) {
        cv.wait(lock, pred);
        return true;
    }
    return cv.wait_for(lock, std::chrono::nanoseconds(timeout_ns), pred);
}

} // namespace

Presenter::Presenter(std::unique_ptr<Window> window, uint32_t images, PresentMode mode,
                     double refresh_hz)
    : window_(std::move(window)), mode_(mode), period_ns_(1e9 / refresh_hz),
      state_(images, State::free) {
    for (uint32_t i = 0; i < images; ++i)
        free_order_.push_back(i);
    thread_ = std::thread([this] { run(); });
}

Presenter::~Presenter() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

Acquired Presenter::acquire(uint64_t timeout_ns) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return !free_order_.empty() || status_ == PresentStatus::lost; };
    if (!ready()) {
        if (timeout_ns == 0)
            return {PresentStatus::not_ready, 0};
        if (!wait_ns(changed_, lock, timeout_ns, ready))
            return {PresentStatus::timeout, 0};
    }
    if (status_ == PresentStatus::lost)
        return {PresentStatus::lost, 0};
    const uint32_t index = free_order_.front();
    free_order_.pop_front();
    state_[index] = State::acquired;
    return {status_, index};
}

PresentStatus Presenter::present(uint32_t index, std::function<bool()> finished) {
    PresentStatus status;
    {
        const std::lock_guard lock(mutex_);
        if (mode_ == PresentMode::mailbox) {
            while (!queue_.empty()) {
                // A waiting image that nobody will see is free again, once its rendering is done:
                // the GPU may still write to it, but whoever acquires it renders on the same queue,
                // after that.
                state_[queue_.front().index] = State::free;
                free_order_.push_back(queue_.front().index);
                queue_.pop_front();
                ++shown_;
            }
        }
        state_[index] = State::queued;
        queue_.push_back({index, std::move(finished)});
        ++presented_;
        status = status_;
    }
    changed_.notify_all();
    return status;
}

void Presenter::release(uint32_t index) {
    {
        const std::lock_guard lock(mutex_);
        state_[index] = State::free;
        free_order_.push_back(index);
    }
    changed_.notify_all();
}

void Presenter::drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [&] { return (queue_.empty() && !showing_now_) || status_ == PresentStatus::lost; });
}

PresentStatus Presenter::wait_present(uint64_t id, uint64_t timeout_ns) {
    std::unique_lock lock(mutex_);
    if (!wait_ns(changed_, lock, timeout_ns,
                 [&] { return shown_ >= id || status_ == PresentStatus::lost; }))
        return PresentStatus::timeout;
    return status_ == PresentStatus::lost ? status_ : PresentStatus::ok;
}

void Presenter::reclaim_locked() {
    for (uint32_t i = 0; i < state_.size(); ++i) {
        if (state_[i] == State::showing && window_->released(i)) {
            state_[i] = State::free;
            free_order_.push_back(i);
        }
    }
}

void Presenter::run() {
    block_signals();
    const bool fifo = mode_ == PresentMode::fifo || mode_ == PresentMode::fifo_relaxed;
    auto next = Clock::now();
    std::unique_lock lock(mutex_);
    while (true) {
        const bool held = std::ranges::any_of(state_, [](State s) { return s == State::showing; });
        const auto wake = [&] { return stop_ || !queue_.empty(); };
        if (held && !wake()) {
            // The server still reads an image: ask it now and then, because somebody may be waiting
            // in acquire().
            lock.unlock();
            window_->wait_release(4);
            lock.lock();
            reclaim_locked();
            changed_.notify_all();
            if (!wake())
                changed_.wait_for(lock, std::chrono::milliseconds(1), wake);
        } else {
            changed_.wait(lock, wake);
        }
        if (stop_)
            return;
        if (queue_.empty())
            continue;
        if (fifo && !window_->paces_itself()) {
            lock.unlock();
            std::this_thread::sleep_until(next);
            lock.lock();
            const auto now = Clock::now();
            const auto period = std::chrono::duration_cast<Clock::duration>(
                std::chrono::duration<double, std::nano>(period_ns_));
            next = std::max(next + period, now);
            if (stop_)
                return;
        }
        Item item = std::move(queue_.front());
        queue_.pop_front();
        showing_now_ = true;
        lock.unlock();
        const bool good = !item.finished || item.finished();
        base::Result<ShowResult> shown =
            good ? window_->show(item.index, fifo) : base::Result<ShowResult>(ShowResult::ok);
        lock.lock();
        showing_now_ = false;
        ++shown_;
        state_[item.index] = State::showing;
        if (!good) {
            state_[item.index] = State::free;
            free_order_.push_back(item.index);
        } else if (!shown) {
            KITE_LOG(warn, "presentation stopped: {}", shown.error().message);
            status_ = PresentStatus::lost;
        } else {
            status_ =
                *shown == ShowResult::suboptimal ? PresentStatus::suboptimal : PresentStatus::ok;
        }
        reclaim_locked();
        changed_.notify_all();
    }
}

} // namespace kite::rt::wsi
