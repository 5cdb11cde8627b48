/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SPI slave: hands bytes to core/link.c. */
#ifndef HW_SPI_H
#define HW_SPI_H

void spi_init(void);

/* Call when a reply has become ready: loads its first byte if the master is waiting already. */
void spi_prime(void);

#endif
