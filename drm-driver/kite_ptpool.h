/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VRAM for page tables: 4 KiB pages out of 64 KiB pinned buffers, shared by all VMs of a device.
 *
 * The owner that a page is charged to is the one it must be given back for. Functions may sleep, allocate and evict; none is called in the fence-signalling path.
 */
#ifndef _KITE_PTPOOL_H_
#define _KITE_PTPOOL_H_

#include "kite_pt.h"

struct kite_device;
struct kite_owner;

int kite_ptpool_init(struct kite_device *kdev);
int kite_ptpool_get_root(struct kite_device *kdev, struct kite_owner *owner,
			 struct kite_pt_page *page);
void kite_ptpool_put_root(struct kite_device *kdev, struct kite_owner *owner,
			  struct kite_pt_page *page);
int kite_ptpool_fill(struct kite_device *kdev, struct kite_owner *owner,
		     struct kite_pt_spare *spare, u32 dirs, u32 tables);
void kite_ptpool_drain(struct kite_device *kdev, struct kite_owner *owner,
		       struct kite_pt_spare *spare);

#endif /* _KITE_PTPOOL_H_ */
