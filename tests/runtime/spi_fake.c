// SPDX-License-Identifier: GPL-3.0-or-later
// A fake /dev/spidev* whose wires end in fluksosim: linked in by -Wl,--wrap, or preloaded as a shared object (-DPRELOAD).
//
// FLUKSO_SPI_BUS   fluksosim's bus, unix:PATH or tcp:ADDRESS:PORT; without it every call goes to the system
// FLUKSO_SPI_NODE  a file that stands for the device: locks on it are real (default /dev/null)
// FLUKSO_SPI_LOG   a file to which each call adds a line: what a test asserts
//
// System calls are made directly: the C libraries hide open and ioctl behind other names.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/spi/spidev.h>

#ifdef PRELOAD
#define NAME(function) function
#else
#define NAME(function) __wrap_##function
#endif

#define DEVICE_PREFIX "/dev/spidev"
#define FRAME_MAX 1024 // docs/contributing/simulator.md
#define HEADER_LEN 7

static int device_fd = -1;
static int bus_fd = -1;
static uint8_t mode = 3; // as another user of the bus may have left it: the daemon must set its own
static uint8_t bits = 8;
static uint32_t speed_hz = 12000000;

static void note(const char *format, ...)
{
	const char *path = getenv("FLUKSO_SPI_LOG");
	char line[160];
	va_list arguments;
	if (path == NULL)
		return;
	va_start(arguments, format);
	int len = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd >= 0 && syscall(SYS_write, fd, line, (size_t)len) < 0)
		abort();
	syscall(SYS_close, fd);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static int connect_tcp(const char *place)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char host[32] = "";
	const char *colon = strrchr(place, ':');
	if (colon == NULL || colon - place >= (int)sizeof(host))
		return -1;
	memcpy(host, place, (size_t)(colon - place));
	address.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return -1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static int connect_bus(void)
{
	const char *url = getenv("FLUKSO_SPI_BUS");
	if (strncmp(url, "unix:", 5) == 0)
		return connect_unix(url + 5);
	return strncmp(url, "tcp:", 4) == 0 ? connect_tcp(url + 4) : -1;
}

static int open_fake(void)
{
	const char *node = getenv("FLUKSO_SPI_NODE");
	bus_fd = connect_bus();
	if (bus_fd < 0) {
		errno = ENXIO;
		return -1;
	}
	device_fd = (int)syscall(SYS_openat, AT_FDCWD, node ? node : "/dev/null",
				 O_RDWR | O_CLOEXEC, 0);
	note("open\n");
	return device_fd;
}

static uint8_t crc8(const uint8_t *data, size_t len)
{
	uint8_t crc = 0;
	while (len-- > 0) {
		crc ^= *data++;
		for (int i = 0; i < 8; i++)
			crc = (uint8_t)(crc & 1 ? (crc >> 1) ^ 0x8c : crc >> 1);
	}
	return crc;
}

static int read_all(uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t got = recv(bus_fd, data, len, 0);
		if (got <= 0)
			return -1;
		data += got;
		len -= (size_t)got;
	}
	return 0;
}

// One frame of docs/contributing/simulator.md there and back.
static int clock_bytes(uint8_t *data, size_t len, unsigned gap_us)
{
	uint8_t frame[HEADER_LEN + FRAME_MAX + 1] = {
		0xf5,           'X', (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)(gap_us >> 8),
		(uint8_t)gap_us
	};
	uint8_t answer[HEADER_LEN - 1];
	frame[6] = crc8(frame, 6);
	memcpy(frame + HEADER_LEN, data, len);
	frame[HEADER_LEN + len] = crc8(data, len);
	if (send(bus_fd, frame, HEADER_LEN + len + 1, MSG_NOSIGNAL) < 0 ||
	    read_all(answer, sizeof(answer)) < 0)
		return -1;
	if (answer[0] != 0xf5 || answer[1] != 'x' || answer[5] != crc8(answer, 5) ||
	    (size_t)(answer[2] << 8 | answer[3]) != len)
		return -1;
	uint8_t check;
	return read_all(data, len) < 0 || read_all(&check, 1) < 0 || check != crc8(data, len) ? -1
											      : 0;
}

static int same_gaps(const struct spi_ioc_transfer *parts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (parts[i].len != 1 || parts[i].delay_usecs != parts[0].delay_usecs)
			return 0;
	return count <= FRAME_MAX;
}

static int clock_parts(const struct spi_ioc_transfer *parts, unsigned count)
{
	uint8_t data[FRAME_MAX];
	for (unsigned i = 0; i < count; i++) {
		if (parts[i].len > FRAME_MAX) {
			errno = EMSGSIZE;
			return -1;
		}
		memcpy(data, (const void *)(uintptr_t)parts[i].tx_buf, parts[i].len);
		if (clock_bytes(data, parts[i].len, parts[i].len == 1 ? parts[i].delay_usecs : 0) <
		    0)
			return -1;
		memcpy((void *)(uintptr_t)parts[i].rx_buf, data, parts[i].len);
	}
	return 0;
}

static int message(const struct spi_ioc_transfer *parts, unsigned count)
{
	uint8_t data[FRAME_MAX];
	size_t total = 0;
	for (unsigned i = 0; i < count; i++)
		total += parts[i].len;
	note("message mode=%u parts=%u bytes=%zu speed=%u bits=%u gap=%u\n", mode, count, total,
	     parts[0].speed_hz ? parts[0].speed_hz : speed_hz,
	     parts[0].bits_per_word ? parts[0].bits_per_word : bits, parts[0].delay_usecs);
	if (!same_gaps(parts, count))
		return clock_parts(parts, count) < 0 ? -1 : (int)total;
	for (unsigned i = 0; i < count; i++)
		data[i] = *(const uint8_t *)(uintptr_t)parts[i].tx_buf;
	if (clock_bytes(data, count, parts[0].delay_usecs) < 0) {
		errno = EIO;
		return -1;
	}
	for (unsigned i = 0; i < count; i++)
		*(uint8_t *)(uintptr_t)parts[i].rx_buf = data[i];
	return (int)total;
}

static int device_ioctl(unsigned request, void *argument)
{
	unsigned size = _IOC_SIZE(request);
	if (_IOC_TYPE(request) == SPI_IOC_MAGIC && _IOC_NR(request) == 0 && size > 0 &&
	    size % sizeof(struct spi_ioc_transfer) == 0)
		return message(argument, size / (unsigned)sizeof(struct spi_ioc_transfer));
	switch (request) {
	case SPI_IOC_RD_MODE:
		*(uint8_t *)argument = mode;
		return 0;
	case SPI_IOC_WR_MODE:
		mode = *(const uint8_t *)argument;
		return 0;
	case SPI_IOC_RD_MODE32:
		*(uint32_t *)argument = mode;
		return 0;
	case SPI_IOC_WR_MODE32:
		mode = (uint8_t)*(const uint32_t *)argument;
		return 0;
	case SPI_IOC_RD_BITS_PER_WORD:
		*(uint8_t *)argument = bits;
		return 0;
	case SPI_IOC_WR_BITS_PER_WORD:
		bits = *(const uint8_t *)argument;
		return 0;
	case SPI_IOC_RD_MAX_SPEED_HZ:
		*(uint32_t *)argument = speed_hz;
		return 0;
	case SPI_IOC_WR_MAX_SPEED_HZ:
		speed_hz = *(const uint32_t *)argument;
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

static int fake_open(const char *path, int flags, int permissions)
{
	if (getenv("FLUKSO_SPI_BUS") != NULL &&
	    strncmp(path, DEVICE_PREFIX, strlen(DEVICE_PREFIX)) == 0)
		return open_fake();
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, permissions);
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	if (fd >= 0 && fd == device_fd)
		return device_ioctl((unsigned)request, argument);
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

int NAME(open)(const char *path, int flags, ...);
int NAME(open)(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	int permissions = flags & O_CREAT ? va_arg(arguments, int) : 0;
	va_end(arguments);
	return fake_open(path, flags, permissions);
}

int NAME(open64)(const char *path, int flags, ...);
int NAME(open64)(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	int permissions = flags & O_CREAT ? va_arg(arguments, int) : 0;
	va_end(arguments);
	return fake_open(path, flags, permissions);
}

int NAME(ioctl)(int fd, unsigned long request, ...);
int NAME(ioctl)(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	return fake_ioctl(fd, request, argument);
}

int NAME(__ioctl_time64)(int fd, unsigned long request, ...);
int NAME(__ioctl_time64)(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	return fake_ioctl(fd, request, argument);
}

int NAME(close)(int fd);
int NAME(close)(int fd)
{
	if (fd >= 0 && fd == device_fd) {
		note("close\n");
		syscall(SYS_close, bus_fd);
		device_fd = -1;
	}
	return (int)syscall(SYS_close, fd);
}
