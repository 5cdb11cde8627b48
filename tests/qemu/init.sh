#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# First process of the emulated router: mounts, network, syslog; then its shell does what the console says.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o size=4m tmpfs /tmp
mkdir -p /tmp/run /tmp/log
for module in /lib/modules/*.ko; do
	[ ! -e "$module" ] || insmod "$module"
done
ifconfig lo 127.0.0.1
ifconfig eth0 10.0.2.15 netmask 255.255.255.0
route add default gw 10.0.2.2
syslogd -O /tmp/log/messages
stty -echo </dev/console
echo "router: ready $(cat /proc/uptime)"
while :; do
	sh </dev/console
done
