/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulse inputs PD2 and PD3, with pull-ups. */
#include "inputs.h"

#include <avr_extint.h>
#include <avr_ioport.h>

#include "board.h"

enum { FIRST_PIN = 2, BOTH_PINS = 0x0C };

static enum event_id event_of(int k)
{
	return (enum event_id)(EVENT_INPUT0 + k);
}

/* Also sets the levels that simavr takes for the pull-ups at each write to the port. */
static void drive(struct board *b)
{
	avr_ioport_external_t ext = { .name = 'D', .mask = BOTH_PINS, .value = 0 };

	for (int k = 0; k < INPUTS; k++)
		ext.value |= (unsigned long)(b->inputs.input[k].level << (FIRST_PIN + k)) & 0xFF;
	avr_ioctl(b->avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('D'), &ext);
	for (int k = 0; k < INPUTS; k++)
		avr_raise_irq(avr_io_getirq(b->avr, AVR_IOCTL_IOPORT_GETIRQ('D'), FIRST_PIN + k),
			      b->inputs.input[k].level);
}

static void set_level(struct board *b, int k, bool level)
{
	struct input *in = &b->inputs.input[k];

	if (in->level && !level && b->powered)
		in->falls++;
	in->level = level;
	if (b->powered)
		drive(b);
}

void inputs_init(struct board *b)
{
	for (int k = 0; k < INPUTS; k++)
		b->inputs.input[k].level = true;
}

void inputs_reset(struct board *b)
{
	/*
	 * Without this simavr keeps interrupting for a low level from before the firmware chose
	 * edges.
	 */
	for (int k = 0; k < INPUTS; k++) {
		avr_extint_set_strict_lvl_trig(b->avr, (uint8_t)k, 0);
		avr_io_getirq(b->avr, AVR_IOCTL_IOPORT_GETIRQ('D'), FIRST_PIN + k)->value =
			!b->inputs.input[k].level;
	}
	drive(b);
}

static void drop_first(struct input *in)
{
	in->first = (in->first + 1) % INPUT_QUEUE;
	in->count--;
}

/* Begins the first step, if there is one that has not begun. */
static void begin(struct board *b, int k)
{
	struct input *in = &b->inputs.input[k];

	if (in->running || !in->count)
		return;
	const struct input_step *s = &in->queue[in->first];

	in->running = true;
	if (s->n) {
		in->low = true;
		set_level(b, k, false);
	}
	board_event(b, event_of(k), b->now_ns + s->low_ns);
}

void inputs_event(struct board *b, int k)
{
	struct input *in = &b->inputs.input[k];
	struct input_step *s = &in->queue[in->first];

	if (!in->running)
		return;
	if (s->n && in->low) {
		in->low = false;
		set_level(b, k, true);
		board_event(b, event_of(k), b->now_ns + s->high_ns);
		return;
	}
	if (s->n == 0)
		set_level(b, k, !in->level);
	in->running = false;
	if (s->n <= 1)
		drop_first(in);
	else
		s->n--;
	begin(b, k);
}

size_t input_room(const struct board *b, int k)
{
	return INPUT_QUEUE - b->inputs.input[k].count;
}

static void push(struct board *b, int k, struct input_step step)
{
	struct input *in = &b->inputs.input[k];

	in->queue[(in->first + in->count++) % INPUT_QUEUE] = step;
	begin(b, k);
}

void input_pulses(struct board *b, int k, uint64_t n, uint64_t period_ns, uint64_t width_ns)
{
	push(b, k,
	     (struct input_step){ .n = n, .low_ns = width_ns, .high_ns = period_ns - width_ns });
}

void input_edge(struct board *b, int k, uint64_t after_ns)
{
	push(b, k, (struct input_step){ .low_ns = after_ns });
}

void input_level(struct board *b, int k, bool level)
{
	struct input *in = &b->inputs.input[k];

	in->count = 0;
	in->running = false;
	board_event(b, event_of(k), EVENT_NEVER);
	set_level(b, k, level);
}
