/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board's time, power and CPU loop. */
#include "board.h"

#include <avr_ioport.h>
#include <sim_core.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shared/random.h"

enum {
	REG_MCUSR = 0x54,
	QUIET_INSTRUCTIONS = 32, /* longer than any store of a 32-bit value */
	HANG_INSTRUCTIONS = 100000,
	READ_AHEAD_NS = 2000000, /* longer than any interrupt; a hung CPU is read as it is */
};

static const uint32_t CRYSTAL_HZ[] = { [BOARD_SPI] = 3686400, [BOARD_UART] = 8000000 };
static const uint16_t LOOP_FOR_EVER = 0xCFFF; /* rjmp to itself, as at the C library's end */
static const uint64_t NS_PER_S = 1000000000;

/* Passes on only simavr's errors. */
static void quiet_logger(struct avr_t *avr, const int level, const char *format, va_list ap)
{
	(void)avr;
	if (level <= LOG_ERROR)
		vfprintf(stderr, format, ap);
}

uint64_t board_ns_of_cycle(const struct board *b, uint64_t cycle)
{
	return b->base_ns +
	       (uint64_t)((unsigned __int128)(cycle - b->base_cycle) * NS_PER_S / b->freq_hz);
}

/* Returns the first cycle that is not before ns. */
static uint64_t cycle_of_ns(const struct board *b, uint64_t ns)
{
	unsigned __int128 d = ns > b->base_ns ? ns - b->base_ns : 0;

	return b->base_cycle + (uint64_t)((d * b->freq_hz + NS_PER_S - 1) / NS_PER_S);
}

uint64_t board_now_ns(const struct board *b)
{
	return b->powered ? board_ns_of_cycle(b, b->avr->cycle) : b->now_ns;
}

void board_event(struct board *b, enum event_id id, uint64_t due_ns)
{
	b->events.due_ns[id] = due_ns;
	if (!b->powered || due_ns == EVENT_NEVER)
		return;
	uint64_t cycle = cycle_of_ns(b, due_ns);

	if (cycle < b->stop_cycle)
		b->stop_cycle = cycle;
}

uint8_t board_random_byte(struct board *b)
{
	return (uint8_t)(xorshift32(&b->random) >> 24);
}

void board_line(struct board *b, avr_int_vector_t *vector, bool active)
{
	if (active && !vector->pending)
		avr_raise_interrupt(b->avr, vector);
	else if (!active && vector->pending)
		avr_clear_interrupt(b->avr, vector);
}

avr_io_t *board_module(const struct board *b, const char *kind)
{
	for (avr_io_t *io = b->avr->io_port; io; io = io->next) {
		if (strcmp(io->kind, kind) == 0)
			return io;
	}
	fprintf(stderr, "fluksosim: simavr has no module %s\n", kind);
	exit(2);
}

void board_on_write(struct board *b, uint16_t addr, avr_io_write_t fn)
{
	b->avr->io[AVR_DATA_TO_IO(addr)].w.c = fn;
	b->avr->io[AVR_DATA_TO_IO(addr)].w.param = b;
}

void board_on_read(struct board *b, uint16_t addr, avr_io_read_t fn)
{
	b->avr->io[AVR_DATA_TO_IO(addr)].r.c = fn;
	b->avr->io[AVR_DATA_TO_IO(addr)].r.param = b;
}

void board_set_clock(struct board *b, uint32_t freq_hz)
{
	uint64_t now = board_ns_of_cycle(b, b->avr->cycle);

	b->base_ns = now;
	b->base_cycle = b->avr->cycle;
	b->freq_hz = freq_hz;
	b->avr->frequency = freq_hz;
	b->stop_cycle = b->avr->cycle; /* the loop compares all times again */
}

/* Resets everything. MCUSR collects the reasons until the power fails. */
static void reset_cpu(struct board *b, int mcusr_flags)
{
	avr_t *avr = b->avr;
	uint8_t mcusr = (uint8_t)(mcusr_flags & MCUSR_PORF ? MCUSR_PORF
							   : avr->data[REG_MCUSR] | mcusr_flags);

	if (b->freq_hz != b->crystal_hz)
		board_set_clock(b, b->crystal_hz);
	b->resets++;
	avr_reset(avr);
	avr->interrupt_state = 0;
	avr->data[REG_MCUSR] = mcusr;
	avr_irq_t *pb0 = avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 0);

	avr_unconnect_irq(pb0, b->comparator.capture);
	probe_restart(b);
	spi_reset(b);
	eeprom_reset(b);
	adc_reset(b);
	comparator_reset(b);
	watchdog_reset(b);
	uart_reset(b);
	inputs_reset(b);
}

static void power_on(struct board *b)
{
	avr_t *avr = b->avr;

	b->base_ns = b->now_ns;
	b->base_cycle = avr->cycle;
	b->freq_hz = b->crystal_hz;
	avr->frequency = b->crystal_hz;
	b->powered = true;
	b->started = false;
	b->power_ons++;
	for (int i = 0; i < 32; i++)
		avr->data[i] = board_random_byte(b);
	for (int i = avr->ioend + 1; i <= avr->ramend; i++)
		avr->data[i] = board_random_byte(b);
	reset_cpu(b, MCUSR_PORF);
}

void board_power(struct board *b)
{
	if (b->powered)
		return;
	clamps_settle(b);
	power_on(b);
}

void board_cut(struct board *b)
{
	if (!b->powered)
		return;
	uint64_t now = board_now_ns(b);

	clamps_settle(b);
	eeprom_cut(b);
	if (now > b->now_ns)
		b->now_ns = now;
	b->powered = false;
	b->cut_due = false;
	b->reset_flags = 0;
	board_event(b, EVENT_ADC, EVENT_NEVER);
	board_event(b, EVENT_WATCHDOG, EVENT_NEVER);
	board_event(b, EVENT_UART_TX, EVENT_NEVER);
}

void board_reset(struct board *b)
{
	if (b->powered)
		reset_cpu(b, MCUSR_EXTRF);
}

void board_reset_later(struct board *b, int mcusr_flags)
{
	b->reset_flags |= mcusr_flags;
	b->stop_cycle = b->avr->cycle;
}

void board_cut_later(struct board *b)
{
	b->cut_due = true;
	b->stop_cycle = b->avr->cycle;
}

/* Lets the models whose interrupts are levels raise them again after an interrupt was entered. */
static void refresh_levels(struct board *b)
{
	eeprom_refresh(b);
	uart_refresh(b);
}

static void enter_interrupt(struct board *b, bool slept)
{
	avr_t *avr = b->avr;
	int vector = avr->interrupts.running[avr->interrupts.running_ptr - 1]->vector;

	avr->cycle += slept ? 2u * ENTRY_CYCLES : ENTRY_CYCLES; /* waking up takes as long again */
	probe_entered(b, vector);
	if (vector == b->watchdog.io->watchdog.vector)
		watchdog_entered(b);
	refresh_levels(b);
}

/* Runs one instruction or one stretch of sleep. */
static inline void step(struct board *b)
{
	avr_t *avr = b->avr;
	avr_flashaddr_t pc = avr->pc;
	uint8_t nesting = avr->interrupts.running_ptr;
	bool slept = avr->state == cpu_Sleeping;

	if (avr->state == cpu_Running) {
		avr->run_cycle_count = 1; /* or simavr runs on */
		pc = avr_run_one(avr);
	}
	avr_cycle_timer_slot_p timer = avr->cycle_timers.timer;

	if (slept && avr->state == cpu_Sleeping) {
		uint64_t to = b->stop_cycle;

		if (timer && timer->when < to)
			to = timer->when;
		if (to <= avr->cycle)
			to = avr->cycle + 1;
		b->probe.slept_cycles += to - avr->cycle;
		avr->cycle = to;
	} else if (avr->state != cpu_Running && avr->state != cpu_Sleeping) {
		if (avr->cycle < b->stop_cycle)
			avr->cycle = b->stop_cycle; /* crashed; only a reset helps */
	}
	if (timer && timer->when <= avr->cycle)
		avr_cycle_timer_process(avr);
	avr->pc = pc;
	probe_step(b, nesting);
	if (avr->interrupt_state) {
		nesting = avr->interrupts.running_ptr;
		avr_service_interrupts(avr);
		if (avr->interrupts.running_ptr > nesting)
			enter_interrupt(b, slept);
	}
}

static void run_cpu(struct board *b)
{
	while (b->avr->cycle < b->stop_cycle)
		step(b);
	if (b->avr->state == cpu_Crashed || b->avr->state == cpu_Stopped)
		b->crashes++;
	b->started = true;
}

static void take_resets(struct board *b)
{
	if (b->cut_due)
		board_cut(b);
	if (b->reset_flags && b->powered) {
		int flags = b->reset_flags;

		b->reset_flags = 0;
		reset_cpu(b, flags);
	}
}

void board_run_to(struct board *b, uint64_t ns)
{
	while (b->now_ns < ns) {
		uint64_t next = events_next_ns(b), stop = next < ns ? next : ns;

		if (b->powered) {
			b->stop_cycle = cycle_of_ns(b, stop);
			run_cpu(b);
			/* It stopped early if an instruction set an event, a reset or a cut. */
			uint64_t reached = board_ns_of_cycle(b, b->avr->cycle);

			if (reached < stop)
				stop = reached;
		}
		if (stop > b->now_ns)
			b->now_ns = stop;
		events_fire_due(b);
		take_resets(b);
	}
}

bool board_read_ram(struct board *b, uint16_t addr, uint8_t *out, size_t len)
{
	avr_t *avr = b->avr;
	uint64_t limit = avr->cycle + b->freq_hz / (NS_PER_S / READ_AHEAD_NS);
	int quiet = 0;

	if (!b->powered || addr + len > (size_t)avr->ramend + 1)
		return false;
	memcpy(out, avr->data + addr, len);
	while (quiet < QUIET_INSTRUCTIONS && avr->cycle < limit) {
		if (avr->state == cpu_Sleeping || !b->started)
			return true;
		b->stop_cycle = avr->cycle + 1;
		step(b);
		bool outside = avr->interrupts.running_ptr == 0;

		quiet = outside && memcmp(out, avr->data + addr, len) == 0 ? quiet + 1 : 0;
		memcpy(out, avr->data + addr, len);
	}
	return true;
}

static bool find_endless_loop(const avr_t *avr, avr_flashaddr_t *at)
{
	for (*at = 0; *at < avr->flashend; *at += 2) {
		if ((avr->flash[*at] | avr->flash[*at + 1] << 8) == LOOP_FOR_EVER)
			return true;
	}
	return false;
}

bool board_hang(struct board *b)
{
	avr_t *avr = b->avr;
	avr_flashaddr_t loop;

	if (!b->powered || !find_endless_loop(avr, &loop))
		return false;
	for (uint32_t i = 0;
	     avr->interrupts.running_ptr || !avr->sreg[S_I] || avr->state != cpu_Running; i++) {
		if (i == HANG_INSTRUCTIONS)
			return false;
		b->stop_cycle = avr->cycle + 1;
		step(b);
	}
	avr->pc = loop;
	return true;
}

struct board *board_new(const struct board_config *config)
{
	struct board *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	avr_global_logger_set(quiet_logger);
	b->avr = avr_make_mcu_by_name("atmega168");
	if (!b->avr) {
		free(b);
		return NULL;
	}
	avr_init(b->avr);
	memcpy(b->avr->flash, config->flash, config->flash_len);
	b->kind = config->kind;
	b->crystal_hz = CRYSTAL_HZ[config->kind];
	b->freq_hz = b->crystal_hz;
	b->random = config->seed ? config->seed : 1;
	for (int i = 0; i < EVENT_COUNT; i++)
		b->events.due_ns[i] = EVENT_NEVER;
	registers_attach(b);
	probe_attach(b);
	spi_attach(b);
	eeprom_attach(b, config->eeprom);
	adc_attach(b);
	comparator_attach(b);
	watchdog_attach(b);
	uart_attach(b);
	inputs_init(b);
	clamps_init(b, config->trace);
	power_on(b);
	return b;
}
