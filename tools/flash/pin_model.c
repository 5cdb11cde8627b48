// SPDX-License-Identifier: GPL-3.0-or-later
// Preloaded into avrdude: GPIO of sysfs, wired through the board's level shifter to a chip model behind a Unix socket.
//
// FLUKSO_PIN_MODEL names the socket, FLUKSO_PIN_NUMBERS the GPIO of RESET, MOSI, MISO and SCK. Messages are four bytes; all but 'D' are answered by one:
//   'X' pin        export; answer 0, or an errno
//   'U' pin        unexport
//   'R' level      the chip's RESET pin; answer 1 when it is held and the chip has its supply
//   'I' b b b      the first three bytes of an instruction; answer: the byte that stands on MISO with the fourth
//   'D' b          the fourth byte
//   'W' b          the fourth byte of a write, whose time begins before the answer
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define GPIO "/sys/class/gpio/"
#define FDS_MAX 1024
enum { RESET, MOSI, MISO, SCK, PINS };

// The level shifter of hardware 2.0 and 2.1.
static const unsigned char inverted[PINS] = { [RESET] = 1, [SCK] = 1 };

enum kind { NONE, EXPORT, UNEXPORT, DIRECTION, VALUE };
static struct {
	enum kind kind;
	int pin;
} fds[FDS_MAX];

static struct {
	unsigned char raw[PINS]; // what the router drives
	unsigned char is_output[PINS];
	unsigned char is_exported[PINS];
	unsigned char in, out; // the bytes on MOSI and MISO
	unsigned char instruction[4], alive;
	int bits, bytes;
} wires;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_read)(int, void *, size_t);
static int (*real_close)(int);
static int (*real_stat)(const char *, struct stat *);

__attribute__((constructor)) static void find_libc(void)
{
	real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	real_read = (ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	real_close = (int (*)(int))dlsym(RTLD_NEXT, "close");
	real_stat = (int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "stat");
}

// Which of the chip's pins a GPIO is; -1 for one that leads elsewhere.
static int wire(int gpio)
{
	int numbers[PINS];
	const char *text = getenv("FLUKSO_PIN_NUMBERS");
	if (text == NULL || sscanf(text, "%d,%d,%d,%d", &numbers[RESET], &numbers[MOSI],
				   &numbers[MISO], &numbers[SCK]) != PINS)
		abort();
	for (int pin = 0; pin < PINS; pin++)
		if (numbers[pin] == gpio)
			return pin;
	return -1;
}

static int connect_model(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("FLUKSO_PIN_MODEL");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (path == NULL || fd < 0)
		abort();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	return fd;
}

static unsigned char tell(char what, const unsigned char *value, size_t len)
{
	static int model = -1;
	unsigned char message[4] = { (unsigned char)what };
	unsigned char answer = 0;
	memcpy(message + 1, value, len);
	if (model < 0)
		model = connect_model();
	if (real_write(model, message, sizeof(message)) != (ssize_t)sizeof(message) ||
	    (what != 'D' && real_read(model, &answer, 1) != 1))
		abort();
	return answer;
}

static unsigned char ask(char what, unsigned char value)
{
	return tell(what, &value, 1);
}

// What the chip sees. RESET is pulled up on the board when nobody drives it, the others down.
static unsigned char level(int pin)
{
	if (!wires.is_output[pin])
		return pin == RESET;
	return wires.raw[pin] ^ inverted[pin];
}

static int writes(unsigned char first)
{
	return first == 0xac || first == 0x4c || first == 0xc0 || first == 0xc2;
}

// A byte came in: what stands on MISO with the next one is its echo, or what the instruction reads.
static unsigned char taken(unsigned char byte)
{
	wires.instruction[wires.bytes++] = byte;
	switch (wires.bytes) {
	case 3:
		return tell('I', wires.instruction, 3);
	case 4:
		wires.bytes = 0;
		return ask(writes(wires.instruction[0]) ? 'W' : 'D', byte);
	default:
		return wires.alive ? byte : 0xff;
	}
}

// SPI mode 0 on the chip's side: MOSI is taken with the rising edge, MISO moves with the falling one.
static void clocked(unsigned char before)
{
	if (!before && level(SCK)) {
		wires.in = (unsigned char)(wires.in << 1 | level(MOSI));
		wires.bits++;
	} else if (before && !level(SCK) && wires.bits == 8) {
		wires.out = taken(wires.in);
		wires.bits = 0;
	}
}

static void moved(int pin, unsigned char before)
{
	if (before == level(pin))
		return;
	if (pin == SCK) {
		clocked(before);
	} else if (pin == RESET) {
		wires.bits = wires.bytes = 0;
		wires.alive = ask('R', level(RESET));
		wires.out = wires.alive ? 0 : 0xff;
	}
}

static int opened(enum kind kind, int pin)
{
	int fd = real_open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0 && fd < FDS_MAX) {
		fds[fd].kind = kind;
		fds[fd].pin = pin;
	}
	return fd;
}

static int open_gpio(const char *name)
{
	int pin;
	char what[16] = "";
	if (strcmp(name, "export") == 0)
		return opened(EXPORT, 0);
	if (strcmp(name, "unexport") == 0)
		return opened(UNEXPORT, 0);
	if (sscanf(name, "gpio%d/%15s", &pin, what) == 2 && wire(pin) >= 0)
		return opened(strcmp(what, "value") == 0 ? VALUE : DIRECTION, wire(pin));
	errno = ENOENT;
	return -1;
}

int open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;
	va_start(more, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
	va_end(more);
	if (strncmp(path, GPIO, strlen(GPIO)) == 0)
		return open_gpio(path + strlen(GPIO));
	return real_open(path, flags, mode);
}

// A pin's folder is there as soon as the pin is exported, as the kernel has it; avrdude waits for it.
int stat(const char *path, struct stat *found)
{
	int pin;

	if (sscanf(path, GPIO "gpio%d", &pin) != 1)
		return real_stat(path, found);
	if (wire(pin) >= 0 && wires.is_exported[wire(pin)])
		return real_stat("/", found);
	errno = ENOENT;
	return -1;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd].kind = NONE;
	return real_close(fd);
}

static int exported(int gpio)
{
	errno = ask('X', (unsigned char)gpio);
	if (errno == 0 && wire(gpio) < 0)
		errno = EINVAL;
	if (errno)
		return -1;
	wires.is_exported[wire(gpio)] = 1;
	return 0;
}

ssize_t write(int fd, const void *data, size_t len)
{
	const char *text = data;
	int pin = fd >= 0 && fd < FDS_MAX ? fds[fd].pin : 0;
	unsigned char before = level(pin);
	switch (fd >= 0 && fd < FDS_MAX ? fds[fd].kind : NONE) {
	case NONE:
		return real_write(fd, data, len);
	case EXPORT:
		return exported(atoi(text)) < 0 ? -1 : (ssize_t)len;
	case UNEXPORT:
		ask('U', (unsigned char)atoi(text));
		if (wire(atoi(text)) >= 0)
			wires.is_exported[wire(atoi(text))] = 0;
		return (ssize_t)len;
	case DIRECTION:
		wires.is_output[pin] = text[0] != 'i';
		wires.raw[pin] = text[0] == 'h';
		break;
	case VALUE:
		wires.raw[pin] = text[0] == '1';
		break;
	}
	moved(pin, before);
	return (ssize_t)len;
}

ssize_t read(int fd, void *data, size_t len)
{
	if (fd < 0 || fd >= FDS_MAX || fds[fd].kind != VALUE)
		return real_read(fd, data, len);
	// With the rising edge of bit n the n-th bit of the byte is still there: it moves with the falling one.
	unsigned char shift = (unsigned char)(wires.bits > 0 ? 8 - wires.bits : 7);
	unsigned char bit = fds[fd].pin == MISO ? (wires.out >> shift) & 1 : wires.raw[fds[fd].pin];
	((char *)data)[0] = (char)('0' + bit);
	return 1;
}
