/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte queue between two contexts: one only puts, the other only gets, so it needs no lock. */
#ifndef CORE_RING_H
#define CORE_RING_H

#include <stdbool.h>
#include <stdint.h>

/* A power of two. 31 bytes are 2.7 ms of the UART at 115200 baud. */
#define RING_SIZE 32

struct ring {
	volatile uint8_t head; /* written by the putting side only */
	volatile uint8_t tail; /* written by the getting side only */
	uint8_t data[RING_SIZE];
};

static inline uint8_t ring_count(const struct ring *ring)
{
	return (uint8_t)(ring->head - ring->tail) & (RING_SIZE - 1);
}

/* Returns false when the queue is full; the byte is dropped then. */
static inline bool ring_put(struct ring *ring, uint8_t byte)
{
	uint8_t head = ring->head;
	uint8_t next = (uint8_t)(head + 1) & (RING_SIZE - 1);

	if (next == ring->tail)
		return false;
	ring->data[head] = byte;
	ring->head = next;
	return true;
}

/* Takes out the oldest byte. The queue must not be empty. */
static inline uint8_t ring_get(struct ring *ring)
{
	uint8_t tail = ring->tail;
	uint8_t byte = ring->data[tail];

	ring->tail = (uint8_t)(tail + 1) & (RING_SIZE - 1);
	return byte;
}

#endif
