#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# First process of the guest: mounts the tree over 9p below a tmpfs overlay and hands over to it.
# /kite/modules, /kite/mounts and /kite/start come from initramfs.py.
B=/bin/busybox
say() { echo "kite: $*" > /dev/console; }
fail() {
    say "guest setup failed: $*"
    $B poweroff -f
}

$B mount -t devtmpfs dev /dev
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
if [ ! -s /kite/mounts ]; then # a probe: this far is far enough
    say "probe ok"
    $B poweroff -f
fi
while read -r module; do
    $B insmod "/kite/$module" || fail "module $module"
done < /kite/modules
$B mount -t tmpfs -o mode=755 tmpfs /over || fail "tmpfs"

p9=trans=virtio,version=9p2000.L,msize=512000
while read -r tag mode path; do
    [ "$path" = / ] && path=
    $B mkdir -p "/new$path"
    if [ "$mode" = rw ]; then
        $B mount -t 9p -o "$p9,cache=none" "$tag" "/new$path" || fail "mount of $path"
        continue
    fi
    $B mkdir -p "/over/$tag/u" "/over/$tag/w" "/over/$tag/l"
    $B mount -t 9p -o "$p9,ro,cache=loose" "$tag" "/over/$tag/l" || fail "mount of $path"
    $B mount -t overlay -o "lowerdir=/over/$tag/l,upperdir=/over/$tag/u,workdir=/over/$tag/w" \
        "$tag" "/new$path" || fail "overlay of $path"
done < /kite/mounts

for at in dev proc sys; do
    $B mkdir -p "/new/$at"
    $B mount --move "/$at" "/new/$at"
done
for at in tmp run var/tmp dev/shm dev/pts; do
    $B mkdir -p "/new/$at"
done
$B mount -t tmpfs -o mode=1777 tmpfs /new/tmp
$B mount -t tmpfs -o mode=1777 tmpfs /new/var/tmp
$B mount -t tmpfs -o mode=755 tmpfs /new/run
$B mount -t tmpfs -o mode=1777 tmpfs /new/dev/shm
$B mount -t devpts devpts /new/dev/pts
$B mount -t debugfs debugfs /new/sys/kernel/debug 2> /dev/null
$B cp /kite/start /new/run/kite-start
exec $B switch_root -c /dev/console /new /bin/sh /run/kite-start
