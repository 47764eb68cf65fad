// SPDX-License-Identifier: MIT
#include "runtime/wsi/swapchain.hpp"

#include "base/log.hpp"
#include "base/worker_signals.hpp"
#include "runtime/wsi/swapchain_images.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <pthread.h>
#include <unistd.h>

namespace kite::rt {
namespace {

constexpr std::chrono::nanoseconds kFrame{16666667};
constexpr std::chrono::milliseconds kPoll{1}; ///< between looks for news of the window system

uint64_t ns(std::chrono::steady_clock::time_point t) {
    return static_cast<uint64_t>(std::chrono::nanoseconds(t.time_since_epoch()).count());
}

std::chrono::steady_clock::time_point next_tick(std::chrono::steady_clock::time_point last) {
    auto now = std::chrono::steady_clock::now();
    return last + kFrame < now ? now : last + kFrame;
}

} // namespace

VkResult Swapchain::make_image(const VkSwapchainCreateInfoKHR& ci) {
    auto si = std::make_unique<SwapImage>();
    Image& im = si->image;
    im.type = VK_IMAGE_TYPE_2D;
    im.vk_format = ci.imageFormat;
    im.format = format_of(ci.imageFormat);
    im.extent = {ci.imageExtent.width, ci.imageExtent.height, 1};
    im.layers = std::max(1u, ci.imageArrayLayers);
    im.usage = ci.imageUsage;
    im.linear = true;
    im.compute_layout();
    const bool direct = target_->wants_dma_buf();
    auto b =
        GpuHeap::make_bound(*device->kmd, *device->va,
                            {.size_bytes = im.size_bytes,
                             .exportable = true,
                             .placement = direct ? kmd::Placement::vram : kmd::Placement::system});
    if (!b)
        return device->report(b.error());
    si->bound = std::move(*b);
    im.address = si->bound.address;
    // Window systems take memfds; dma-bufs can't stand in for them, the target copies instead. Our
    // own display takes dma-bufs only.
    kmd::Result<int> fd = -1;
    if (direct == device->kmd->facts().dma_buf)
        fd = si->bound.bo->export_fd();
    TargetImage t;
    t.fd = fd ? *fd : -1;
    t.host = si->bound.host;
    t.size_bytes = si->bound.size_bytes;
    t.pitch = im.planes[0].pitch[0];
    t.extent = ci.imageExtent;
    t.alpha = ci.compositeAlpha == VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR;
    VkResult r = target_->attach(t);
    if (fd && *fd >= 0)
        close(*fd);
    images.push_back(std::move(si));
    return r;
}

VkResult Swapchain::init(const VkSwapchainCreateInfoKHR& ci) {
    info = ci;
    info.pNext = nullptr;
    info.pQueueFamilyIndices = nullptr;
    mode = ci.presentMode;
    if (auto* old = from(ci.oldSwapchain))
        old->retired = true;
    if (!format_of(ci.imageFormat))
        return VK_ERROR_INITIALIZATION_FAILED;
    VkResult r = VK_SUCCESS;
    target_ = make_target(ci.surface, mode, &r);
    if (!target_)
        return r;
    uint32_t count = std::max(ci.minImageCount, mode == VK_PRESENT_MODE_MAILBOX_KHR ? 3u : 2u);
    for (uint32_t i = 0; i < count; ++i)
        if (r = make_image(ci); r != VK_SUCCESS)
            return r;
    thread_ = std::thread([this] { run(); });
    return VK_SUCCESS;
}

Swapchain::~Swapchain() {
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable())
        thread_.join();
    for (const Presentation& q : queue_)
        done(q);
    ids.close();
    target_.reset();
    for (auto& i : images)
        GpuHeap::drop_bound(*device->kmd, *device->va, i->bound);
}

VkResult Swapchain::acquire(uint64_t timeout, uint32_t* index) {
    uint64_t deadline = deadline_after(timeout);
    std::unique_lock lock(mutex_);
    auto ready = [&] {
        if (status_ < 0)
            return true;
        for (uint32_t i = 0; i < images.size(); ++i) {
            if (images[i]->state == SwapImage::State::free) {
                *index = i;
                return true;
            }
        }
        return false;
    };
    if (retired)
        return VK_ERROR_OUT_OF_DATE_KHR;
    bool ok = ready();
    if (!ok && deadline != 0) {
        if (deadline > uint64_t{1} << 62) {
            changed_.wait(lock, ready);
            ok = true;
        } else {
            ok = changed_.wait_until(lock, Clock::time_point(std::chrono::nanoseconds(deadline)),
                                     ready);
        }
    }
    if (status_ < 0)
        return status_;
    if (!ok)
        return timeout == 0 ? VK_NOT_READY : VK_TIMEOUT;
    images[*index]->state = SwapImage::State::acquired;
    return status_;
}

VkResult Swapchain::present(Presentation p) {
    std::lock_guard lock(mutex_);
    if (p.index >= images.size()) {
        done(p);
        return VK_ERROR_UNKNOWN;
    }
    SwapImage& im = *images[p.index];
    if (status_ < 0) {
        im.state = SwapImage::State::free;
        done(p);
        return status_;
    }
    im.state = SwapImage::State::queued;
    queue_.push_back(std::move(p));
    changed_.notify_all();
    return retired ? VK_ERROR_OUT_OF_DATE_KHR : status_;
}

void Swapchain::fail(VkResult error) {
    {
        std::lock_guard lock(mutex_);
        if (status_ >= 0)
            status_ = error;
    }
    changed_.notify_all();
    ids.fail(error);
}

void Swapchain::done(const Presentation& q) {
    if (q.fence)
        q.fence->signal(*device);
}

void Swapchain::release(uint32_t count, const uint32_t* indices) {
    {
        std::lock_guard lock(mutex_);
        for (uint32_t i = 0; i < count; ++i)
            if (indices[i] < images.size())
                images[indices[i]]->state = SwapImage::State::free;
    }
    changed_.notify_all();
}

void Swapchain::free_released() {
    std::vector<uint32_t> back;
    target_->collect(back);
    if (back.empty())
        return;
    release(static_cast<uint32_t>(back.size()), back.data());
}

bool Swapchain::expects_news() const {
    return target_->holds() != 0 || !unconfirmed_.empty();
}

void Swapchain::take_news() {
    free_released();
    for (size_t left = target_->unconfirmed(); unconfirmed_.size() > left;) {
        ids.shown(unconfirmed_.front());
        unconfirmed_.pop_front();
    }
}

bool Swapchain::rendered(const Presentation& q, uint64_t deadline_ns) {
    for (const Point& p : q.points) {
        if (!p.timeline)
            continue;
        auto r = p.timeline->wait(p.value, deadline_ns);
        if (r)
            continue;
        if (r.error().code == base::ErrorCode::timeout)
            return false;
        fail(VK_ERROR_DEVICE_LOST);
        break;
    }
    return true;
}

void Swapchain::drop(const Presentation& q) {
    release(1, &q.index);
    done(q);
}

void Swapchain::show(const Presentation& q) {
    bool hopeless = false;
    {
        std::lock_guard lock(mutex_);
        hopeless = status_ < 0;
        if (!hopeless)
            images[q.index]->state = SwapImage::State::shown;
    }
    if (hopeless) {
        drop(q);
        return;
    }
    VkResult r = target_->show(q.index, q.id != 0);
    bool held = target_->holds() != 0;
    {
        std::lock_guard lock(mutex_);
        if (!held || r < 0)
            images[q.index]->state = SwapImage::State::free;
        if (r != VK_SUCCESS && status_ >= 0)
            status_ = r;
    }
    changed_.notify_all();
    if (r < 0)
        ids.fail(r);
    else if (q.id != 0)
        unconfirmed_.push_back(q.id);
    take_news();
    done(q);
}

bool Swapchain::next(Presentation& out, Clock::time_point until) {
    std::unique_lock lock(mutex_);
    while (!stop_ && queue_.empty() && Clock::now() < until) {
        bool news = expects_news();
        auto nap = news ? Clock::now() + kPoll : until;
        if (nap == Clock::time_point::max())
            changed_.wait(lock);
        else
            changed_.wait_until(lock, std::min(nap, until));
        if (news) {
            lock.unlock();
            take_news();
            lock.lock();
        }
    }
    if (stop_ || queue_.empty())
        return false;
    out = std::move(queue_.front());
    queue_.pop_front();
    return true;
}

bool Swapchain::stopped() {
    std::lock_guard lock(mutex_);
    return stop_;
}

void Swapchain::sleep_until(Clock::time_point t) {
    bool over = false;
    while (!over) {
        const bool news = !unconfirmed_.empty();
        {
            std::unique_lock lock(mutex_);
            changed_.wait_until(lock, news ? std::min(t, Clock::now() + kPoll) : t,
                                [&] { return stop_; });
            over = stop_ || Clock::now() >= t;
        }
        if (news)
            take_news();
    }
}

void Swapchain::run_in_order() {
    auto last = Clock::now() - kFrame;
    Presentation q;
    while (next(q, Clock::time_point::max())) {
        while (!rendered(q, unconfirmed_.empty() ? UINT64_MAX : ns(Clock::now() + kPoll)))
            take_news();
        if (mode != VK_PRESENT_MODE_IMMEDIATE_KHR && !target_->keeps_time()) {
            auto tick = next_tick(last);
            sleep_until(tick);
            last = tick;
        }
        show(q);
    }
}

void Swapchain::run_mailbox() {
    // An image enters the mailbox when it is rendered; it leaves for the screen at a tick, or is
    // freed when the next one enters.
    auto tick = Clock::now();
    std::optional<Presentation> box, rendering;
    while (!stopped()) {
        if (box && Clock::now() >= tick) {
            tick = Clock::now() + kFrame;
            show(*box);
            box.reset();
        }
        if (!rendering) {
            Presentation q;
            if (next(q, box ? tick : Clock::time_point::max()))
                rendering = std::move(q);
            continue;
        }
        const auto poll = unconfirmed_.empty() ? Clock::time_point::max() : Clock::now() + kPoll;
        const auto until = box ? std::min(tick, poll) : poll;
        if (!rendered(*rendering, until == Clock::time_point::max() ? UINT64_MAX : ns(until))) {
            take_news();
            continue;
        }
        if (box)
            drop(*box);
        box = std::move(rendering);
        rendering.reset();
    }
    for (auto& left : {&box, &rendering})
        if (*left)
            done(**left);
}

void Swapchain::run() {
    base::block_worker_signals();
    pthread_setname_np(pthread_self(), "kite-present");
    if (mode == VK_PRESENT_MODE_MAILBOX_KHR)
        run_mailbox();
    else
        run_in_order();
}

VkResult create_swapchain_alias(Device& d, const VkImageCreateInfo& info,
                                const VkImageSwapchainCreateInfoKHR& s,
                                const VkAllocationCallbacks* callbacks, VkImage* out) {
    auto* im = d.make<Image>(callbacks);
    if (!im)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    *im = Swapchain::from(s.swapchain)->images.front()->image;
    im->usage = info.usage;
    im->address = 0;
    *out = im->handle();
    return VK_SUCCESS;
}

void bind_swapchain_alias(Image& image, VkSwapchainKHR swapchain, uint32_t index) {
    auto* sc = Swapchain::from(swapchain);
    if (index < sc->images.size())
        image.address = sc->images[index]->image.address;
}

namespace vk {

VkResult CreateSwapchainKHR(VkDevice device, const VkSwapchainCreateInfoKHR* info,
                            const VkAllocationCallbacks* callbacks, VkSwapchainKHR* out) {
    auto* d = Device::from(device);
    auto* s = d->make<Swapchain>(callbacks, *d);
    if (!s)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkResult r = s->init(*info);
    if (r != VK_SUCCESS) {
        d->drop(callbacks, s);
        return r;
    }
    *out = s->handle();
    return VK_SUCCESS;
}

void DestroySwapchainKHR(VkDevice device, VkSwapchainKHR swapchain,
                         const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, Swapchain::from(swapchain));
}

VkResult GetSwapchainImagesKHR(VkDevice, VkSwapchainKHR swapchain, uint32_t* count, VkImage* out) {
    OutArray<VkImage> a(count, out);
    for (auto& i : Swapchain::from(swapchain)->images)
        a.push(i->image.handle());
    return a.result();
}

VkResult AcquireNextImage2KHR(VkDevice device, const VkAcquireNextImageInfoKHR* info,
                              uint32_t* index) {
    auto* d = Device::from(device);
    VkResult r = Swapchain::from(info->swapchain)->acquire(info->timeout, index);
    if (r < 0 || r == VK_TIMEOUT || r == VK_NOT_READY)
        return r;
    // The image is free already: the semaphore has nothing to wait for.
    if (auto* s = Semaphore::from(info->semaphore)) {
        s->point = {};
        if (s->own)
            (void)s->own->signal(0);
    }
    if (auto* f = Fence::from(info->fence))
        f->signal(*d);
    return r;
}

VkResult AcquireNextImageKHR(VkDevice device, VkSwapchainKHR swapchain, uint64_t timeout,
                             VkSemaphore semaphore, VkFence fence, uint32_t* index) {
    VkAcquireNextImageInfoKHR info{VK_STRUCTURE_TYPE_ACQUIRE_NEXT_IMAGE_INFO_KHR,
                                   nullptr,
                                   swapchain,
                                   timeout,
                                   semaphore,
                                   fence,
                                   1};
    return AcquireNextImage2KHR(device, &info, index);
}

VkResult QueuePresentKHR(VkQueue queue, const VkPresentInfoKHR* info) {
    auto* q = Queue::from(queue);
    std::vector<Point> points;
    for (uint32_t i = 0; i < info->waitSemaphoreCount; ++i) {
        auto* s = Semaphore::from(info->pWaitSemaphores[i]);
        // A payload that others see is used up on the queue; notes of points are just read.
        Point p;
        if (!s->own)
            p = s->take();
        else if (VkResult r = consume(*q, {&info->pWaitSemaphores[i], 1}, &p); r != VK_SUCCESS)
            return r;
        if (p.timeline)
            points.push_back(p);
    }
    auto* ids = find<VkPresentIdKHR>(info->pNext, VK_STRUCTURE_TYPE_PRESENT_ID_KHR);
    auto* fences = find<VkSwapchainPresentFenceInfoEXT>(
        info->pNext, VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_FENCE_INFO_EXT);
    VkResult worst = VK_SUCCESS;
    for (uint32_t i = 0; i < info->swapchainCount; ++i) {
        auto* swapchain = Swapchain::from(info->pSwapchains[i]);
        if (q->device->lost)
            swapchain->fail(VK_ERROR_DEVICE_LOST);
        const VkResult r =
            swapchain->present({.index = info->pImageIndices[i],
                                .points = points,
                                .id = ids && ids->pPresentIds ? ids->pPresentIds[i] : 0,
                                .fence = fences ? Fence::from(fences->pFences[i]) : nullptr});
        if (info->pResults)
            info->pResults[i] = r;
        if (r < 0 ? (worst >= 0 || r < worst) : (worst >= 0 && r > worst))
            worst = r;
    }
    return worst;
}

VkResult WaitForPresentKHR(VkDevice device, VkSwapchainKHR swapchain, uint64_t id,
                           uint64_t timeout) {
    const bool lost = Device::from(device)->lost;
    const uint64_t deadline = lost || timeout == 0 ? 0 : deadline_after(timeout);
    const VkResult r = Swapchain::from(swapchain)->ids.wait(id, deadline);
    return lost && r == VK_TIMEOUT ? VK_ERROR_DEVICE_LOST : r;
}

VkResult ReleaseSwapchainImagesEXT(VkDevice, const VkReleaseSwapchainImagesInfoEXT* info) {
    Swapchain::from(info->swapchain)->release(info->imageIndexCount, info->pImageIndices);
    return VK_SUCCESS;
}

VkResult GetDeviceGroupPresentCapabilitiesKHR(VkDevice, VkDeviceGroupPresentCapabilitiesKHR* out) {
    std::fill(std::begin(out->presentMask), std::end(out->presentMask), 0u);
    out->presentMask[0] = 1;
    out->modes = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
    return VK_SUCCESS;
}

VkResult GetDeviceGroupSurfacePresentModesKHR(VkDevice, VkSurfaceKHR,
                                              VkDeviceGroupPresentModeFlagsKHR* out) {
    *out = VK_DEVICE_GROUP_PRESENT_MODE_LOCAL_BIT_KHR;
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
