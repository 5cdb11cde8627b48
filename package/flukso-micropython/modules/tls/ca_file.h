// SPDX-License-Identifier: GPL-3.0-or-later
// Reads a PEM file of CA certificates in pieces. Only one certificate at a time is in memory.
#ifndef FLUKSO_CA_FILE_H
#define FLUKSO_CA_FILE_H

#include <stdbool.h>

#include "mbedtls/x509_crt.h"

// Why a block of the file cannot be used. Both ports use these numbers; flukso/https.py has the
// texts.
enum ca_fault {
	CA_FAULT_NONE,
	CA_FAULT_DAMAGED, // it cannot be decoded
	CA_FAULT_CUT,     // it has no end
	CA_FAULT_TRUSTED, // OpenSSL's form with trust settings, which we would not obey
	CA_FAULT_UNKNOWN, // it is complete, but not a certificate that can be used here
	CA_FAULT_LARGE,   // the file is too long and is not read any further
	// The rest are kinds of keys or signatures that mbedtls was not built for. They are not
	// faults; the first one is reported only if the file holds nothing else.
	CA_FAULT_OTHER_KIND,
	CA_FAULT_P521,
	CA_FAULT_RSA_PSS,
};

struct ca_report {
	int good;            // certificates that can be used
	int bad;             // blocks that cannot; other kinds of certificates count in neither
	enum ca_fault fault; // of the first bad block, or of another kind of certificate
	int line;            // where that begins
	int error;           // errno if the file cannot be read, else 0
};

// Reads the whole file and reports on its blocks.
struct ca_report ca_file_check(const char *path);

// Makes a list of the certificates whose subject is the child's issuer, or NULL if there are none.
// The caller frees it as mbedtls does. *listed says whether the child itself is in the file.
// Returns 0, or errno if the file cannot be read.
int ca_file_issuers(const char *path, const mbedtls_x509_crt *child, mbedtls_x509_crt **issuers,
		    bool *listed);

#endif
