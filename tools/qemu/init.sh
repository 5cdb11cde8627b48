#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# First process of the emulated router: mounts, network, then a shell that does what the console
# says, line by line.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin PROCD_EXEC=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o size=4m tmpfs /tmp
mkdir -p /tmp/run /tmp/log
for module in mii pcnet32; do
	[ ! -e "/lib/modules/$module.ko" ] || insmod "/lib/modules/$module.ko"
done
ifconfig lo 127.0.0.1
ifconfig eth0 10.0.2.15 netmask 255.255.255.0
route add default gw 10.0.2.2
head -c 1 /dev/random >/dev/null # as OpenWrt's urngd does: whoever comes later need not wait for randomness
stty -echo </dev/console
echo "router: ready $(cut -d' ' -f1 /proc/uptime)"
while read -r line; do
	sh -c "$line" </dev/null
done </dev/console
