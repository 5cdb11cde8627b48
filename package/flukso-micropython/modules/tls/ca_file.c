// SPDX-License-Identifier: GPL-3.0-or-later
// The reader of CA files. flukso/ports/cpython_ca.py is its twin; tests/runtime/test_ca_files.py
// holds both to the same results.

#include "ca_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mbedtls/asn1.h"
#include "mbedtls/pk.h"

#define CA_FILE_MAX 1048576 // bytes; a distribution's whole list has a fifth of that
#define CA_DER_MAX 8192     // bytes of a certificate; a root has one or two thousand
#define ISSUERS_MAX 16      // certificates of one name: an authority's recent keys
#define CA_CHUNK 512        // bytes read at once
#define CA_LINE_MAX 256     // bytes of a line in a block; PEM's have 64

struct source {
	int fd;
	int error; // errno
	int at, len;
	int total;
	bool after_cr;
	int line_number;
	int line_len; // CA_LINE_MAX if the line was longer
	char line[CA_LINE_MAX];
	unsigned char chunk[CA_CHUNK];
};

struct block {
	unsigned char der[CA_DER_MAX];
	size_t len;
	unsigned long bits;
	int count;   // base64 characters in the present group of four
	int padding; // '=' so far
	bool bad;
};

typedef enum ca_fault (*take_t)(void *context, const unsigned char *der, size_t len);

// Returns the next byte, with LF for every end of a line (LF, CR LF, CR); -1 at the end.
static int next_byte(struct source *source)
{
	for (;;) {
		if (source->at == source->len) {
			ssize_t count;
			do {
				count = read(source->fd, source->chunk, CA_CHUNK);
			} while (count < 0 && errno == EINTR);
			source->error = count < 0 ? errno : 0;
			if (count <= 0) {
				return -1;
			}
			source->total += (int)count;
			source->at = 0;
			source->len = (int)count;
		}
		int byte = source->chunk[source->at++];
		bool second = byte == '\n' && source->after_cr;
		source->after_cr = byte == '\r';
		if (!second) {
			return byte == '\r' ? '\n' : byte;
		}
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f' || c == '\v';
}

// Reads the next line, without a byte order mark and the blanks around it. Returns false at the end
// of the file.
static bool next_line(struct source *source)
{
	int byte = next_byte(source);
	if (byte < 0 || source->total > CA_FILE_MAX) {
		return false;
	}
	source->line_number++;
	int len = 0;
	for (; byte >= 0 && byte != '\n'; byte = next_byte(source)) {
		if (len < CA_LINE_MAX) {
			source->line[len++] = (char)byte;
		}
	}
	int skip = source->line_number == 1 && len >= 3 && !memcmp(source->line, "\xef\xbb\xbf", 3)
			   ? 3
			   : 0;
	while (skip < len && is_blank(source->line[skip])) {
		skip++;
	}
	while (len > skip && len < CA_LINE_MAX && is_blank(source->line[len - 1])) {
		len--;
	}
	memmove(source->line, source->line + skip, (size_t)(len - skip));
	source->line_len = len == CA_LINE_MAX ? CA_LINE_MAX : len - skip;
	return true;
}

static bool line_is(const struct source *source, const char *text)
{
	return source->line_len == (int)strlen(text) &&
	       !memcmp(source->line, text, (size_t)source->line_len);
}

static bool line_begins_with(const struct source *source, const char *text)
{
	return source->line_len >= (int)strlen(text) && !memcmp(source->line, text, strlen(text));
}

static int base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(alphabet, c) : NULL;
	return found ? (int)(found - alphabet) : -1;
}

static void take_character(struct block *block, char c)
{
	int value = base64_value(c);
	if (c == '=') {
		value = 0;
		block->padding++;
	} else if (block->padding) {
		value = -1;
	}
	if (value < 0 || block->len + 3 > CA_DER_MAX) {
		block->bad = true;
		return;
	}
	block->bits = block->bits << 6 | (unsigned long)value;
	if (++block->count < 4) {
		return;
	}
	block->count = 0;
	block->bad = block->bad || block->padding > 2;
	for (int n = 0; n < 3 - block->padding; n++) {
		block->der[block->len++] = (unsigned char)(block->bits >> (16 - 8 * n));
	}
}

static void take_line(struct block *block, const struct source *source)
{
	if (source->line_len == CA_LINE_MAX) {
		block->bad = true;
	}
	for (int n = 0; n < source->line_len && !block->bad; n++) {
		take_character(block, source->line[n]);
	}
}

// Returns true if the block holds one DER sequence and nothing else.
static bool is_whole(struct block *block)
{
	unsigned char *p = block->der, *end = block->der + block->len;
	size_t len = 0;
	if (block->bad || block->count) {
		return false;
	}
	return mbedtls_asn1_get_tag(&p, end, &len,
				    MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) == 0 &&
	       p + len == end;
}

static void note(struct ca_report *report, enum ca_fault fault, int line)
{
	if (fault == CA_FAULT_NONE) {
		report->good++;
	} else if (fault < CA_FAULT_OTHER_KIND ? report->bad++ == 0 : !report->fault) {
		report->fault = fault;
		report->line = line;
	}
}

static bool begins_block(const struct source *source, bool trusted)
{
	return trusted ? line_is(source, "-----BEGIN TRUSTED CERTIFICATE-----")
		       : line_is(source, "-----BEGIN CERTIFICATE-----") ||
				 line_is(source, "-----BEGIN X509 CERTIFICATE-----");
}

static bool ends_block(const struct source *source, bool trusted)
{
	return line_is(source, "-----END CERTIFICATE-----") ||
	       line_is(source, "-----END X509 CERTIFICATE-----") ||
	       (trusted && line_is(source, "-----END TRUSTED CERTIFICATE-----"));
}

// Reads all blocks. take judges each complete one.
static void read_blocks(struct source *source, struct block *block, struct ca_report *report,
			take_t take, void *context)
{
	bool inside = false, trusted = false;
	int begin = 0;
	while (next_line(source)) {
		if (inside && !line_begins_with(source, "-----")) {
			take_line(block, source);
			continue;
		}
		if (inside) {
			enum ca_fault fault = trusted ? CA_FAULT_TRUSTED : CA_FAULT_DAMAGED;
			if (ends_block(source, trusted) && !trusted && is_whole(block)) {
				fault = take(context, block->der, block->len);
			}
			note(report, fault, begin);
			inside = false;
		}
		trusted = begins_block(source, true);
		if (trusted || begins_block(source, false)) {
			inside = true;
			begin = source->line_number;
			memset(block, 0, sizeof(*block));
		}
	}
	if (source->total > CA_FILE_MAX) {
		note(report, CA_FAULT_LARGE, source->line_number);
	} else if (inside) {
		note(report, CA_FAULT_CUT, begin);
	}
}

// Opens the file, reads its blocks and reports on them.
static struct ca_report walk(const char *path, take_t take, void *context)
{
	struct ca_report report = { 0 };
	struct source *source = calloc(1, sizeof(*source));
	struct block *block = malloc(sizeof(*block));
	if (!source || !block || (source->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		report.error = !source || !block ? ENOMEM : errno;
		free(source);
		free(block);
		return report;
	}
	read_blocks(source, block, &report, take, context);
	if (report.good && !report.bad) {
		report.fault = CA_FAULT_NONE; // an unsupported kind does not matter then
		report.line = 0;
	}
	report.error = source->error;
	close(source->fd);
	free(source);
	free(block);
	return report;
}

// Returns the kind of a certificate that mbedtls was not built for, by the identifiers in it.
static enum ca_fault kind_of(const unsigned char *der, size_t len)
{
	static const unsigned char p521[] = { 6, 5, 0x2b, 0x81, 4, 0, 0x23 };
	static const unsigned char rsa_pss[] = { 6,    9,    0x2a, 0x86, 0x48, 0x86,
						 0xf7, 0x0d, 1,    1,    0x0a };
	for (size_t at = 0; at < len; at++) {
		if (len - at >= sizeof(p521) && !memcmp(der + at, p521, sizeof(p521))) {
			return CA_FAULT_P521;
		}
		if (len - at >= sizeof(rsa_pss) && !memcmp(der + at, rsa_pss, sizeof(rsa_pss))) {
			return CA_FAULT_RSA_PSS;
		}
	}
	return CA_FAULT_OTHER_KIND;
}

static enum ca_fault try_parsing(void *context, const unsigned char *der, size_t len)
{
	(void)context;
	mbedtls_x509_crt certificate;
	mbedtls_x509_crt_init(&certificate);
	int error = mbedtls_x509_crt_parse_der_nocopy(&certificate, der, len);
	mbedtls_x509_crt_free(&certificate);
	switch (error) {
	case 0:
		return CA_FAULT_NONE;
	case MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
	case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
	case MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG:
		return kind_of(der, len);
	// Without RSA-PSS, mbedtls reports its parameters as this error.
	case MBEDTLS_ERR_X509_INVALID_ALG:
		return kind_of(der, len) == CA_FAULT_RSA_PSS ? CA_FAULT_RSA_PSS : CA_FAULT_UNKNOWN;
	default:
		return CA_FAULT_UNKNOWN;
	}
}

struct ca_report ca_file_check(const char *path)
{
	return walk(path, try_parsing, NULL);
}

// Names are compared as in mbedtls: letters of printable strings in any case.
static bool is_text(int tag)
{
	return tag == MBEDTLS_ASN1_UTF8_STRING || tag == MBEDTLS_ASN1_PRINTABLE_STRING;
}

static bool same_value(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	if (a->len != b->len) {
		return false;
	}
	if (a->tag == b->tag && !memcmp(a->p, b->p, a->len)) {
		return true;
	}
	return is_text(a->tag) && is_text(b->tag) &&
	       !strncasecmp((const char *)a->p, (const char *)b->p, a->len);
}

static bool same_name(const mbedtls_x509_name *a, const mbedtls_x509_name *b)
{
	for (; a && b; a = a->next, b = b->next) {
		if (a->oid.len != b->oid.len || memcmp(a->oid.p, b->oid.p, a->oid.len) ||
		    !same_value(&a->val, &b->val)) {
			return false;
		}
	}
	return !a && !b;
}

struct search {
	const mbedtls_x509_crt *child;
	mbedtls_x509_crt *issuers;
	int count;
	bool listed;
};

static enum ca_fault take_issuer(void *context, const unsigned char *der, size_t len)
{
	struct search *search = context;
	const mbedtls_x509_crt *child = search->child;
	mbedtls_x509_crt seen;
	if (len == child->raw.len && !memcmp(der, child->raw.p, len)) {
		search->listed = true;
	}
	mbedtls_x509_crt_init(&seen);
	bool wanted = !mbedtls_x509_crt_parse_der_nocopy(&seen, der, len) &&
		      same_name(&seen.subject, &child->issuer);
	mbedtls_x509_crt_free(&seen);
	if (!wanted || search->count == ISSUERS_MAX) {
		return CA_FAULT_NONE;
	}
	if (!search->issuers) {
		search->issuers = calloc(1, sizeof(*search->issuers));
		if (!search->issuers) {
			return CA_FAULT_NONE; // then the chain ends here and is refused
		}
		mbedtls_x509_crt_init(search->issuers);
	}
	search->count += mbedtls_x509_crt_parse_der(search->issuers, der, len) == 0;
	return CA_FAULT_NONE;
}

int ca_file_issuers(const char *path, const mbedtls_x509_crt *child, mbedtls_x509_crt **issuers,
		    bool *listed)
{
	struct search search = { .child = child };
	struct ca_report report = walk(path, take_issuer, &search);
	*listed = search.listed;
	*issuers = search.issuers;
	if (report.error && search.issuers) {
		mbedtls_x509_crt_free(search.issuers);
		free(search.issuers);
		*issuers = NULL;
	}
	return report.error;
}
