// SPDX-License-Identifier: MIT
//
// A kite.ko in this process: the ioctls of drm-driver/uapi/kite_drm.h and the core DRM ioctls that
// go with them, over the embedded device.
//
// Arguments are judged as the header says: flags, padding, alignment, handles, pointers (read with
// process_vm_readv, so that bad ones give EFAULT). Work really runs on libkite-device.so. Two
// users: unit tests of runtime/kmd/drm through FakeKernel, and every other program through the
// preloaded library kite-drm-mock.so (preload.cpp). Differences from a real kernel: no memory
// pressure, no scheduling priorities, one page table walker that reads holes as zero, buffers of
// closed files live until the process ends with their mappings. Ownership: one Fake per process.
// Threading: one lock. Failure: negative errno.
#pragma once

#include "drm-driver/uapi/kite_drm.h"
#include "kite_device/device.hpp"
#include "runtime/memory/va_allocator.hpp"
#include "tests/drm_mock/fences.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

namespace kite::drm_mock {

/// Memory of a buffer object.
struct Bo {
    uint64_t size = 0;
    uint32_t flags = 0;
    uint32_t exclusive_vm = 0;
    int fd = -1;         ///< memfd that holds it
    uint64_t offset = 0; ///< in fd
    bool own_fd = false; ///< fd is its own
    uint64_t map_at = 0; ///< fake mmap offset
    std::string label;
    std::function<void()> on_free;
    std::shared_ptr<void> counted; ///< its part of the device's memory
    ~Bo();
};
using BoPtr = std::shared_ptr<Bo>;

/// A checked VM_BIND operation.
struct BindOp {
    uint32_t op = 0;
    bool readonly = false;
    BoPtr bo;
    uint64_t offset = 0, va = 0, range = 0;
};

/// Something that runs after its waits.
struct Job {
    std::vector<FencePtr> waits;
    std::vector<dev::IndirectBuffer> ibs;
    std::vector<BindOp> binds;
    FencePtr done;
};

/// An address space.
struct Vm {
    uint32_t id = 0;
    dev::AddressSpace* space = nullptr;
    std::map<uint64_t, BindOp> mapped; ///< by va, never overlapping
    std::deque<Job> jobs;              ///< asynchronous binds
    bool banned = false;
    std::string why;
    uint32_t cause = 0, guilty_queue = 0;
    uint64_t address = 0;
    ~Vm();
};
using VmPtr = std::shared_ptr<Vm>;

class Fake;

/// A queue.
struct Queue {
    Fake* fake = nullptr;
    uint32_t id = 0;
    VmPtr vm;
    dev::Queue* queue = nullptr;
    std::deque<Job> jobs;         ///< waiting
    std::deque<FencePtr> running; ///< on the device, oldest first
    bool destroyed = false;
};
using QueuePtr = std::shared_ptr<Queue>;

/// An open file.
struct File {
    std::unordered_map<uint32_t, BoPtr> bos;
    std::unordered_map<uint32_t, VmPtr> vms;
    std::unordered_map<uint32_t, QueuePtr> queues;
    std::unordered_map<uint32_t, SyncobjPtr> syncobjs;
    uint32_t next = 1; ///< handles of all kinds
};

/// See the head of this file.
class Fake {
public:
    /// The process's fake; loads the device library on first use.
    static Fake& get();

    /// Opens the render node. @return an fd, really a memfd's
    int open();
    /// True for an fd of open().
    bool owns(int fd);
    /// Closes an fd of open().
    void close(int fd);
    /// An ioctl on an fd of open(). @return >= 0 or -errno
    int ioctl(int fd, unsigned long request, void* argument);
    /// Where mmap() of a fake offset really is; false for a bad offset.
    bool translate(int fd, uint64_t offset, uint64_t size, int* real_fd, uint64_t* real_offset);
    /// Pulls the cable: fences end with ENODEV, every ioctl gives ENODEV.
    void unplug();
    /// Undoes unplug() for files opened from now on.
    void replug();
    /// ioctls so far.
    uint64_t ioctls() const { return ioctls_; }
    /// Objects alive in open files, to find leaks.
    size_t objects();
    /// Called before each ioctl; a result other than 0 is returned instead of doing it.
    std::function<int(unsigned long)> intercept;

private:
    friend struct Queue;
    using Handler = int (Fake::*)(File&, void*);
    struct Row {
        uint32_t nr;
        size_t size;
        Handler handler;
    };
    static const std::vector<Row>& rows();
    Fake();

    // fake_core.cpp: the core's ioctls
    int version(File&, void*);
    int get_cap(File&, void*);
    int gem_close(File&, void*);
    int prime_to_fd(File&, void*);
    int prime_to_handle(File&, void*);
    int syncobj_create(File&, void*);
    int syncobj_destroy(File&, void*);
    int syncobj_to_fd(File&, void*);
    int syncobj_to_handle(File&, void*);
    int syncobj_reset(File&, void*);
    int syncobj_signal(File&, void*);
    int syncobj_wait(File&, void*);
    int syncobj_timeline_wait(File&, void*);
    int syncobj_query(File&, void*);
    int syncobj_transfer(File&, void*);
    int syncobj_timeline_signal(File&, void*);
    int wait_syncobjs(File&, uint64_t handles, uint64_t points, uint32_t count, uint32_t flags,
                      int64_t timeout, uint32_t* first);
    int handles_of(File&, uint64_t pointer, uint32_t count, std::vector<SyncobjPtr>& out);

    // fake_kite.cpp: the driver's ioctls
    int dev_query(File&, void*);
    int get_time(File&, void*);
    int vm_create(File&, void*);
    int vm_destroy(File&, void*);
    int vm_bind(File&, void*);
    int vm_get_state(File&, void*);
    int bo_create(File&, void*);
    int bo_mmap_offset(File&, void*);
    int bo_info(File&, void*);
    int bo_madvise(File&, void*);
    int queue_create(File&, void*);
    int queue_destroy(File&, void*);
    int queue_submit(File&, void*);
    int queue_get_state(File&, void*);
    int check_bind(File&, Vm&, const drm_kite_vm_bind_op& op, BindOp& out);
    void apply(Vm& vm, const BindOp& op);
    void carve(Vm& vm, uint64_t va, uint64_t range);
    struct Syncs {
        std::vector<FencePtr> waits;
        std::vector<std::pair<SyncobjPtr, uint64_t>> signals;
    };
    int read_syncs(File&, const drm_kite_obj_array& a, Syncs& out);
    void attach(const Syncs& syncs, const FencePtr& done);
    void end_queue(std::unique_lock<std::mutex>& lock, const QueuePtr& q, int error);
    void end_file(std::unique_lock<std::mutex>& lock, File& f, int error);

    // scheduler.cpp
    void run();
    bool step();
    static void complete(void* user, uint64_t cookie, dev::Status status);
    void ban(Queue& q, dev::Status status);

    std::mutex mutex_;
    std::condition_variable changed_;
    static thread_local std::unique_lock<std::mutex>* held_; ///< of the ioctl being handled
    std::unordered_map<int, std::shared_ptr<File>> files_;
    std::vector<QueuePtr> queues_;
    std::vector<VmPtr> vms_;
    std::map<uint64_t, std::weak_ptr<Bo>> shared_bos_;          ///< by inode of their memfd
    std::map<uint64_t, std::weak_ptr<Syncobj>> shared_objs_;    ///< by inode of their memfd
    std::map<uint64_t, std::weak_ptr<Fence>> sync_files_;       ///< by inode of their pipe
    std::unordered_map<uint64_t, std::weak_ptr<Bo>> by_offset_; ///< fake mmap offset / 4 GiB
    uint64_t next_offset_ = 1;
    uint64_t vram_used_ = 0;
    uint64_t bo_bytes_ = 0; ///< of all buffers
    dev::Device* device_ = nullptr;
    std::shared_ptr<rt::VaAllocator> vram_;
    bool gone_ = false;
    std::atomic<uint64_t> ioctls_{0};
    std::thread worker_;
};

/// Reads from memory that may not exist. @return 0 or -EFAULT
int copy_in(void* to, uint64_t from, size_t size);
/// Writes to memory that may not exist. @return 0 or -EFAULT
int copy_out(uint64_t to, const void* from, size_t size);
/// Inode of an fd, 0 if it is none.
uint64_t inode_of(int fd);

} // namespace kite::drm_mock
