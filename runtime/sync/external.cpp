// SPDX-License-Identifier: MIT
// Semaphores and fences as file descriptors: opaque (the object itself) and sync files (one signal
// operation).
//
// Exportable binary semaphores and fences have a payload of their own (Semaphore::own, Fence::own),
// a binary object that other processes see; the others stay notes of timeline points, which turn
// into sync files when asked.
#include "runtime/sync/sync.hpp"

#include <unistd.h>

namespace kite::rt {
namespace {

constexpr VkExternalSemaphoreFeatureFlags kSemaphoreBoth =
    VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT;
constexpr VkExternalFenceFeatureFlags kFenceBoth =
    VK_EXTERNAL_FENCE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_FENCE_FEATURE_IMPORTABLE_BIT;

/// A sync file as a binary object; -1 stands for one that is signalled.
kmd::Result<std::shared_ptr<kmd::Timeline>> from_sync_file(Device& d, int fd) {
    auto b = d.kmd->create_binary(fd < 0);
    if (!b)
        return std::unexpected(b.error());
    if (fd >= 0)
        if (auto r = (*b)->import_sync_file(fd); !r)
            return std::unexpected(r.error());
    return std::shared_ptr<kmd::Timeline>(std::move(*b));
}

/// What an import that failed tells the application.
VkResult import_failed(Device& d, const base::Error& e) {
    VkResult r = d.report(e);
    return r == VK_ERROR_DEVICE_LOST || r == VK_ERROR_OUT_OF_HOST_MEMORY
               ? r
               : VK_ERROR_INVALID_EXTERNAL_HANDLE;
}

} // namespace

namespace vk {

void GetPhysicalDeviceExternalSemaphoreProperties(VkPhysicalDevice physical,
                                                  const VkPhysicalDeviceExternalSemaphoreInfo* info,
                                                  VkExternalSemaphoreProperties* out) {
    out->exportFromImportedHandleTypes = out->compatibleHandleTypes = 0;
    out->externalSemaphoreFeatures = 0;
    auto* t =
        find<VkSemaphoreTypeCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
    bool timeline = t && t->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE;
    bool opaque = info->handleType == VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    bool file = info->handleType == VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT && !timeline;
    const kmd::DeviceFacts& facts = PhysicalDevice::from(physical)->facts;
    if (!(opaque && facts.sync_fds) && !(file && facts.sync_files))
        return;
    // A binary payload of its own can be handed out either way.
    out->compatibleHandleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    if (!timeline && facts.sync_files)
        out->compatibleHandleTypes |= VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT;
    out->exportFromImportedHandleTypes = out->compatibleHandleTypes;
    out->externalSemaphoreFeatures = kSemaphoreBoth;
}

void GetPhysicalDeviceExternalFenceProperties(VkPhysicalDevice physical,
                                              const VkPhysicalDeviceExternalFenceInfo* info,
                                              VkExternalFenceProperties* out) {
    const kmd::DeviceFacts& facts = PhysicalDevice::from(physical)->facts;
    VkExternalFenceHandleTypeFlags offered = 0;
    if (facts.sync_fds)
        offered |= VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT;
    if (facts.sync_files)
        offered |= VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT;
    bool ok = (info->handleType & offered) != 0;
    out->compatibleHandleTypes = out->exportFromImportedHandleTypes = ok ? offered : 0;
    out->externalFenceFeatures = ok ? kFenceBoth : 0;
}

VkResult GetSemaphoreFdKHR(VkDevice device, const VkSemaphoreGetFdInfoKHR* info, int* fd) {
    auto* d = Device::from(device);
    auto* s = Semaphore::from(info->semaphore);
    kmd::Result<int> r = -1;
    if (info->handleType == VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT) {
        kmd::Timeline* t = s->is_timeline ? s->timeline.get() : s->own.get();
        r = t ? t->export_fd() : base::unsupported("opaque fds of a semaphore made without");
    } else if (s->pending()) {
        // The file carries the signal away, as a wait would.
        Point p = s->take();
        if (p.timeline)
            r = p.timeline->export_sync_file(p.value);
        if (r && p.timeline && p.timeline == s->own.get())
            (void)s->own->reset();
    }
    if (r)
        *fd = *r;
    return d->check(r);
}

VkResult ImportSemaphoreFdKHR(VkDevice device, const VkImportSemaphoreFdInfoKHR* info) {
    auto* d = Device::from(device);
    auto* s = Semaphore::from(info->semaphore);
    if (info->handleType == VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT) {
        auto t = d->kmd->import_sync(info->fd, !s->is_timeline);
        if (!t)
            return import_failed(*d, t.error());
        if (s->is_timeline) {
            s->timeline = std::move(*t);
        } else {
            std::shared_ptr<kmd::Timeline> own(std::move(*t));
            if (info->flags & VK_SEMAPHORE_IMPORT_TEMPORARY_BIT)
                s->set({own.get(), 0, own});
            else
                s->own = std::move(own);
        }
        close(info->fd);
        return VK_SUCCESS;
    }
    auto t = from_sync_file(*d, info->fd);
    if (!t)
        return import_failed(*d, t.error());
    s->set({t->get(), 0, *t});
    if (info->fd >= 0)
        close(info->fd);
    return VK_SUCCESS;
}

VkResult GetFenceFdKHR(VkDevice device, const VkFenceGetFdInfoKHR* info, int* fd) {
    auto* d = Device::from(device);
    auto* f = Fence::from(info->fence);
    std::unique_lock lock(f->mutex);
    kmd::Result<int> r = -1;
    if (info->handleType == VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT) {
        r = f->own ? f->own->export_fd() : base::unsupported("opaque fds of a fence made without");
    } else {
        Point p = f->point;
        if (!p.timeline && f->own)
            p = {f->own.get(), 0, f->own};
        if (!f->signalled && p.timeline)
            r = p.timeline->export_sync_file(p.value);
        if (r) {
            // Exporting a sync file resets the fence.
            if (f->own && p.timeline == f->own.get())
                (void)f->own->reset();
            f->signalled = false;
            f->point = {};
        }
    }
    if (r)
        *fd = *r;
    return d->check(r);
}

VkResult ImportFenceFdKHR(VkDevice device, const VkImportFenceFdInfoKHR* info) {
    auto* d = Device::from(device);
    auto* f = Fence::from(info->fence);
    bool opaque = info->handleType == VK_EXTERNAL_FENCE_HANDLE_TYPE_OPAQUE_FD_BIT;
    kmd::Result<std::shared_ptr<kmd::Timeline>> t;
    if (opaque) {
        auto made = d->kmd->import_sync(info->fd, true);
        if (made)
            t = std::shared_ptr<kmd::Timeline>(std::move(*made));
        else
            t = std::unexpected(made.error());
    } else {
        t = from_sync_file(*d, info->fd);
    }
    if (!t)
        return import_failed(*d, t.error());
    if (opaque && !(info->flags & VK_FENCE_IMPORT_TEMPORARY_BIT)) {
        std::lock_guard lock(f->mutex);
        f->own = std::move(*t);
        f->point = {};
        f->signalled = false;
    } else {
        f->attach(*d, {t->get(), 0, *t});
    }
    if (info->fd >= 0)
        close(info->fd);
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
