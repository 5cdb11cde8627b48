/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small programs for the simulated chip, one for each PROGRAM_…: they look at the peripherals from inside. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/wdt.h>
#include <stdint.h>
#include <string.h>

volatile uint16_t result[16];
volatile uint32_t sum[3], samples[3];
volatile uint32_t sensor_counter[6];

#if defined(PROGRAM_SPI_NOT)
/* SPDR = ~SPDR in 17 cycles with reti, which no compiler makes longer or shorter: a test counts them. */
ISR(SPI_STC_vect, ISR_NAKED)
{
	__asm__ volatile("push r24\n"
			 "in r24, __SREG__\n"
			 "push r24\n"
			 "in r24, %0\n"
			 "com r24\n"
			 "out %0, r24\n"
			 "pop r24\n"
			 "out __SREG__, r24\n"
			 "pop r24\n"
			 "reti" ::"I"(_SFR_IO_ADDR(SPDR)));
}
#elif defined(PROGRAM_SPI_ECHO)
ISR(SPI_STC_vect)
{
	result[0] += SPDR;
}
#endif

#if defined(PROGRAM_SPI_NOT) || defined(PROGRAM_SPI_ECHO)
static void run(void)
{
	DDRB = _BV(4);
	SPCR = _BV(SPIE) | _BV(SPE) | _BV(CPOL);
	sei();
	for (;;)
		;
}
#endif

#ifdef PROGRAM_EEPROM
ISR(EE_READY_vect)
{
	if (++result[5] == 3)
		EECR &= (uint8_t)~_BV(EERIE);
}

/* Ticks of 8 cycles that an operation takes. */
static uint16_t operate(uint16_t addr, uint8_t value, uint8_t mode)
{
	EEAR = addr;
	EEDR = value;
	EECR = (uint8_t)(mode << 4);
	uint16_t start = TCNT1;

	EECR |= _BV(EEMPE);
	EECR |= _BV(EEPE);
	while (EECR & _BV(EEPE))
		;
	return TCNT1 - start;
}

static uint8_t look(uint16_t addr)
{
	EEAR = addr;
	EECR |= _BV(EERE);
	return EEDR;
}

static void run(void)
{
	TCCR1B = _BV(CS11);
	result[0] = operate(16, 0xF0, 0);
	result[1] = operate(16, 0x3C, 2); /* a write alone only clears bits */
	result[2] = look(16);
	result[3] = operate(16, 0, 1);
	result[4] = look(16);
	EEAR = 17;
	EEDR = 0x55;
	EECR = _BV(EEPE); /* not armed: nothing happens */
	result[6] = look(17);
	EECR = _BV(EEMPE);
	for (volatile uint8_t i = 0; i < 5; i++)
		;
	EECR |= _BV(EEPE); /* armed too long ago */
	result[7] = look(17);
	EEAR = 18;
	EEDR = 0x12;
	EECR = _BV(EEMPE);
	EECR |= _BV(EEPE);
	EEAR = 19; /* cannot be changed now */
	result[8] = EEAR;
	sei();
	EECR |= _BV(EERIE);
	result[9] = result[5]; /* busy: not yet */
	result[15] = 1;
	for (;;)
		;
}
#endif

#ifdef PROGRAM_ADC
/* Timer 0 triggers; its flag must be cleared for the next trigger. */
ISR(ADC_vect)
{
	static uint8_t channel;
	uint16_t code = ADC;

	TIFR0 = _BV(OCF0A);
	sum[channel] += code;
	samples[channel]++;
	channel = (uint8_t)((channel + 1) % 3);
	ADMUX = (uint8_t)(_BV(REFS1) | _BV(REFS0) | channel);
}

static void run(void)
{
	ADMUX = _BV(REFS1) | _BV(REFS0);
	ADCSRA = _BV(ADEN) | _BV(ADSC) | 5;
	while (!(ADCSRA & _BV(ADIF)))
		;
	result[0] = (ADCSRA & _BV(ADIF)) != 0;
	ADCSRA |= _BV(ADIF);
	result[1] = (ADCSRA & _BV(ADIF)) != 0;
	TCCR0A = _BV(WGM01);
	TCCR0B = _BV(CS01);
	OCR0A = 229; /* 3.6864 MHz / 8 / 230 */
	ADCSRB = _BV(ADTS1) | _BV(ADTS0);
	ADCSRA = _BV(ADEN) | _BV(ADATE) | _BV(ADIE) | 5;
	sei();
	for (;;)
		;
}
#endif

#ifdef PROGRAM_WATCHDOG
static volatile uint16_t kept[5]
	__attribute__((section(".noinit"))); /* magic, interrupts, resets, MCUSR, running */

ISR(WDT_vect)
{
	kept[1]++;
}

static void run(void)
{
	if (MCUSR & _BV(PORF))
		memset((void *)kept, 0, sizeof(kept));
	kept[2] += (MCUSR & _BV(WDRF)) != 0;
	kept[3] = MCUSR;
	MCUSR = 0;
	wdt_disable();
	if (kept[2] == 0) {
		WDTCSR = _BV(WDCE) | _BV(WDE);
		WDTCSR = _BV(WDIE) | _BV(WDE) | _BV(WDP2); /* 0.25 s: interrupt, then reset */
	}
	sei();
	for (uint16_t i = 0; i < 50000; i++) {
		wdt_reset();
		result[0] = i;
	}
	for (;;) {
		for (uint8_t i = 0; i < 5; i++)
			result[1 + i] = kept[i];
	}
}
#endif

#ifdef PROGRAM_UART
ISR(USART_RX_vect)
{
	result[1] += (UCSR0A & _BV(DOR0)) != 0;
	result[0] += UDR0;
	result[2]++;
}

static void run(void)
{
	UBRR0 = 3; /* 57600, or with U2X 115200 */
	UCSR0A = _BV(U2X0);
	UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
	for (uint8_t i = 0; i < 4; i++) {
		while (!(UCSR0A & _BV(UDRE0)))
			;
		UDR0 = (uint8_t)('a' + i);
	}
	for (volatile uint32_t i = 0; i < 20000; i++)
		; /* deaf: bytes pile up */
	sei();
	for (;;)
		;
}
#endif

#ifdef PROGRAM_COMPARATOR
ISR(TIMER1_CAPT_vect)
{
	result[0]++;
	result[1] = ICR1;
}

static void run(void)
{
	DDRB = 1;
	ACSR = _BV(ACBG) | _BV(ACIC);
	TCCR1B = _BV(ICES1) | _BV(CS11);
	TIFR1 = _BV(ICF1);
	TIMSK1 = _BV(ICIE1);
	sei();
	for (;;) {
		ADMUX = 0; /* is no input of the comparator while ACME is off */
		PINB = 1;  /* the LED is not the capture pin while the comparator is */
		result[2]++;
	}
}
#endif

#ifdef PROGRAM_CLOCK
static void run(void)
{
	CLKPR = 3; /* not armed */
	result[0] = CLKPR;
	CLKPR = _BV(CLKPCE);
	CLKPR = 3; /* eighth */
	result[1] = CLKPR;
	for (;;)
		;
}
#endif

#ifdef PROGRAM_EDGES
ISR(INT0_vect)
{
	sensor_counter[3]++;
}

ISR(INT1_vect)
{
	sensor_counter[4]++;
}

static void run(void)
{
	PORTD = _BV(2) | _BV(3);
	EICRA = _BV(ISC01) | _BV(ISC11);
	while (!(EIFR & _BV(INTF0)))
		;
	result[0] = EIFR;
	EIFR = _BV(INTF0); /* the first edge is thrown away */
	result[1] = EIFR;
	EIMSK = _BV(INT0) | _BV(INT1);
	sei();
	for (;;)
		result[2]++;
}
#endif

int main(void)
{
	run();
	return 0;
}
