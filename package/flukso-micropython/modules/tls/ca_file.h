// SPDX-License-Identifier: GPL-3.0-or-later
// A PEM file of CA certificates, read in pieces: one certificate at a time is in memory, whatever the file's size.
#ifndef FLUKSO_CA_FILE_H
#define FLUKSO_CA_FILE_H

#include <stdbool.h>

#include "mbedtls/x509_crt.h"

// Why a block of the file is of no use; both ports have the same numbers, and the words stand in flukso/https.py.
enum ca_fault {
	CA_FAULT_NONE,
	CA_FAULT_DAMAGED, // it cannot be decoded
	CA_FAULT_CUT,     // it has no end
	CA_FAULT_TRUSTED, // OpenSSL's own form with settings of trust, which we would not obey
	CA_FAULT_UNKNOWN, // it is whole, but no certificate that can be used here
	CA_FAULT_LARGE,   // the file goes on, and is not read further
	// of keys or signatures that mbedtls was not built for: no fault, and told of the first one where nothing else is in the file
	CA_FAULT_OTHER_KIND,
	CA_FAULT_P521,
	CA_FAULT_RSA_PSS,
};

struct ca_report {
	int good; // certificates that can be used; those of a kind that mbedtls was not built for count nowhere
	int bad;             // blocks that cannot
	enum ca_fault fault; // of the first of them, or of another kind,
	int line;            // and where it begins
	int error;           // errno when the file cannot be read, else 0
};

// Reads the whole file and says what it holds.
struct ca_report ca_file_check(const char *path);

// Makes a list, to be freed as mbedtls does, of the certificates whose subject is the child's issuer; NULL: there are none.
// *listed: whether the child itself is in the file. Returns 0, or errno when the file cannot be read.
int ca_file_issuers(const char *path, const mbedtls_x509_crt *child, mbedtls_x509_crt **issuers,
		    bool *listed);

#endif
