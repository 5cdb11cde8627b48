/* SPDX-License-Identifier: GPL-3.0-or-later */
/* It has its own 128 kHz and takes timed changes. With WDIE set it interrupts before it resets. */
#include "watchdog_model.h"

#include "board.h"

enum {
	REG_WDTCSR = 0x60,
	REG_MCUSR = 0x54,
	WDIF = 0x80,
	WDIE = 0x40,
	WDCE = 0x10,
	WDE = 0x08,
	WDP = 0x27,
	CHANGE_CYCLES = 4
};

static const uint64_t SHORTEST_NS = 16000000; /* 2048 cycles of 128 kHz */

static uint8_t *control(struct board *b)
{
	return &b->avr->data[REG_WDTCSR];
}

static void restart(struct board *b)
{
	uint8_t v = *control(b);
	int wdp = (v & 7) | (v & 0x20 ? 8 : 0);

	if (!(v & (WDE | WDIE))) {
		board_event(b, EVENT_WATCHDOG, EVENT_NEVER);
		return;
	}
	board_event(b, EVENT_WATCHDOG, board_now_ns(b) + (SHORTEST_NS << (wdp > 9 ? 9 : wdp)));
}

static void control_write(struct avr_t *avr, avr_io_addr_t addr, uint8_t v, void *param)
{
	struct board *b = param;
	uint8_t old = avr->data[addr];
	bool open = avr->cycle <= b->watchdog.change_until;
	uint8_t next = (uint8_t)((v & WDIE) | (old & WDIF & ~(v & WDIF)));

	if ((v & (WDCE | WDE)) == (WDCE | WDE)) {
		b->watchdog.change_until = avr->cycle + CHANGE_CYCLES;
		next |= (uint8_t)(WDE | (old & WDP));
	} else if (open) {
		next |= v & (WDE | WDP);
		b->watchdog.change_until = 0;
	} else {
		next |= (uint8_t)((old & (WDE | WDP)) | (v & WDE));
	}
	if (avr->data[REG_MCUSR] & MCUSR_WDRF)
		next |= WDE;
	avr->data[addr] = next;
	if (!(next & WDIF))
		board_line(b, &b->watchdog.io->watchdog, false);
	if ((next ^ old) & (WDE | WDIE | WDP))
		restart(b);
}

/* Handles the wdr instruction. */
static int hook_ioctl(struct avr_io_t *io, uint32_t ctl, void *io_param)
{
	struct board *b = (struct board *)((char *)io - offsetof(struct board, watchdog.hook));

	(void)io_param;
	if (ctl != AVR_IOCTL_WATCHDOG_RESET)
		return -1;
	restart(b);
	return 0;
}

void watchdog_attach(struct board *b)
{
	b->watchdog.io = (avr_watchdog_t *)board_module(b, "watchdog");
	b->watchdog.hook.kind = "fluksosim watchdog";
	b->watchdog.hook.ioctl = hook_ioctl;
	avr_register_io(b->avr, &b->watchdog.hook);
	board_on_write(b, REG_WDTCSR, control_write);
}

void watchdog_reset(struct board *b)
{
	b->watchdog.change_until = 0;
	*control(b) = b->avr->data[REG_MCUSR] & MCUSR_WDRF ? WDE : 0;
	restart(b);
}

void watchdog_event(struct board *b)
{
	uint8_t v = *control(b);

	if (!b->powered || !(v & (WDE | WDIE)))
		return;
	b->watchdog.fired++;
	if ((v & WDE) && (!(v & WDIE) || (v & WDIF))) {
		board_reset_later(b, MCUSR_WDRF);
		return;
	}
	board_line(b, &b->watchdog.io->watchdog, true);
	*control(b) |= WDIF;
	restart(b);
}

void watchdog_entered(struct board *b)
{
	if (*control(b) & WDE)
		*control(b) &= (uint8_t)~WDIE; /* next time it resets the board */
}
