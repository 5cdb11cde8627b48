// SPDX-License-Identifier: GPL-3.0-or-later
// Module `tls`: a client over a connected, non-blocking socket whose server has to prove its name.
// Nothing turns this verification off, and nothing is written before it.
//
// OSError carries errno, or a negative mbedtls code with a second argument: the flags of a refused
// certificate or the alert that the server sent.

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define MBEDTLS_ALLOW_PRIVATE_ACCESS // for the alert in ssl.in_msg
#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy.h"
#include "mbedtls/oid.h"
#include "mbedtls/ssl.h"

#include "ca_file.h"
#include "py/objstr.h"
#include "py/runtime.h"

#define READ_MAX 4096 // bytes of one read

typedef struct {
	mp_obj_base_t base;
	int fd;
	bool open;
	bool talking; // the handshake is over, so the certificate is verified
	bool wants_write;
	int error;    // errno of the socket
	int ca_error; // errno of the CA file
	mp_obj_t host, ca_path;
	unsigned char address[16]; // the host, if it is an address
	size_t address_len;
	const mbedtls_x509_crt *listed; // the server's certificate, if the CA file holds it
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_ssl_config config;
	mbedtls_ssl_context ssl;
} connection_t;

static const mp_obj_type_t connection_type;

static NORETURN void raise_error(int code, int detail)
{
	mp_obj_t arguments[2] = { MP_OBJ_NEW_SMALL_INT(code), mp_obj_new_int(detail) };
	nlr_raise(mp_obj_exception_make_new(&mp_type_OSError, 2, 0, arguments));
}

static int send_some(void *context, const unsigned char *data, size_t len)
{
	connection_t *self = context;
	ssize_t count = send(self->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (count >= 0) {
		return (int)count;
	}
	if (errno == EAGAIN || errno == EINTR) {
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	}
	self->error = errno;
	return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int receive_some(void *context, unsigned char *data, size_t len)
{
	connection_t *self = context;
	ssize_t count = recv(self->fd, data, len, MSG_DONTWAIT);
	if (count >= 0) {
		return (int)count;
	}
	if (errno == EAGAIN || errno == EINTR) {
		return MBEDTLS_ERR_SSL_WANT_READ;
	}
	self->error = errno;
	return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int find_issuers(void *context, const mbedtls_x509_crt *child, mbedtls_x509_crt **issuers)
{
	connection_t *self = context;
	bool listed;
	self->ca_error =
		ca_file_issuers(mp_obj_str_get_str(self->ca_path), child, issuers, &listed);
	if (listed) {
		self->listed = child;
	}
	return self->ca_error;
}

static bool names_address(const connection_t *self, const mbedtls_x509_crt *certificate)
{
	if (!mbedtls_x509_crt_has_ext_type(certificate, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) {
		return false;
	}
	for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name;
	     name = name->next) {
		bool is_address = (name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) ==
				  MBEDTLS_X509_SAN_IP_ADDRESS;
		if (is_address && name->buf.len == self->address_len &&
		    !memcmp(name->buf.p, self->address, self->address_len)) {
			return true;
		}
	}
	return false;
}

// Judges what mbedtls leaves to us: only an address entry names an address, text does not; and the
// server's own certificate may be in the CA file.
static int judge(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	const connection_t *self = context;
	if (depth == 0 && self->address_len && !names_address(self, certificate)) {
		*flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
	}
	if (depth == 0 && certificate == self->listed) {
		*flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_NOT_TRUSTED;
	}
	return 0;
}

static void release(connection_t *self)
{
	if (self->open) {
		self->open = false;
		mbedtls_ssl_free(&self->ssl);
		mbedtls_ssl_config_free(&self->config);
		mbedtls_ctr_drbg_free(&self->random);
		mbedtls_entropy_free(&self->entropy);
	}
}

static int set_up(connection_t *self, const char *host)
{
	mbedtls_ssl_config *config = &self->config;
	int error =
		mbedtls_ctr_drbg_seed(&self->random, mbedtls_entropy_func, &self->entropy, NULL, 0);
	if (error) {
		return error;
	}
	error = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
					    MBEDTLS_SSL_TRANSPORT_STREAM,
					    MBEDTLS_SSL_PRESET_DEFAULT);
	if (error) {
		return error;
	}
	mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_cb(config, find_issuers, self);
	mbedtls_ssl_conf_verify(config, judge, self);
	mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &self->random);
	error = mbedtls_ssl_setup(&self->ssl, config);
	if (error) {
		return error;
	}
	mbedtls_ssl_set_bio(&self->ssl, self, send_some, receive_some, NULL);
	// SNI allows no address; judge() compares it.
	return mbedtls_ssl_set_hostname(&self->ssl, self->address_len ? NULL : host);
}

// connect(descriptor, host, path of the CA file) -> Connection, whose handshake() comes next. It
// does not own the descriptor.
static mp_obj_t mod_connect(mp_obj_t fd, mp_obj_t host_in, mp_obj_t ca_path)
{
	const char *host = mp_obj_str_get_str(host_in);
	mp_obj_str_get_str(ca_path); // raises if it is not text
	connection_t *self = mp_obj_malloc_with_finaliser(connection_t, &connection_type);
	memset((char *)self + sizeof(self->base), 0, sizeof(*self) - sizeof(self->base));
	self->fd = (int)mp_obj_get_int(fd);
	self->host = host_in;
	self->ca_path = ca_path;
	if (inet_pton(AF_INET, host, self->address) == 1) {
		self->address_len = 4;
	} else if (inet_pton(AF_INET6, host, self->address) == 1) {
		self->address_len = 16;
	}
	mbedtls_entropy_init(&self->entropy);
	mbedtls_ctr_drbg_init(&self->random);
	mbedtls_ssl_config_init(&self->config);
	mbedtls_ssl_init(&self->ssl);
	self->open = true;
	int error = set_up(self, host);
	if (error) {
		release(self);
		raise_error(error == MBEDTLS_ERR_SSL_ALLOC_FAILED ? ENOMEM : error, 0);
	}
	return MP_OBJ_FROM_PTR(self);
}
static MP_DEFINE_CONST_FUN_OBJ_3(tls_connect_obj, mod_connect);

static connection_t *opened(mp_obj_t self_in)
{
	connection_t *self = MP_OBJ_TO_PTR(self_in);
	if (!self->open) {
		mp_raise_OSError(EBADF);
	}
	return self;
}

// Returns true if the result means to wait. Raises for an error.
static bool must_wait(connection_t *self, int result)
{
	self->wants_write = result == MBEDTLS_ERR_SSL_WANT_WRITE;
	if (result >= 0) {
		return false;
	}
	if (self->wants_write || result == MBEDTLS_ERR_SSL_WANT_READ) {
		return true;
	}
	int detail = 0;
	if (self->error) {
		result = self->error;
	} else if (self->ca_error) {
		result = MBEDTLS_ERR_X509_FILE_IO_ERROR;
		detail = self->ca_error;
	} else if (result == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
		detail = (int)mbedtls_ssl_get_verify_result(&self->ssl);
	} else if (result == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		detail = self->ssl.in_msg[1];
	}
	release(self);
	raise_error(result, detail);
}

// handshake() -> whether it is over. If not, wait for the socket (wants_write() says for what) and
// call again.
static mp_obj_t connection_handshake(mp_obj_t self_in)
{
	connection_t *self = opened(self_in);
	if (!self->talking && !must_wait(self, mbedtls_ssl_handshake(&self->ssl))) {
		self->talking = true;
	}
	return mp_obj_new_bool(self->talking);
}
static MP_DEFINE_CONST_FUN_OBJ_1(connection_handshake_obj, connection_handshake);

static mp_obj_t connection_wants_write(mp_obj_t self_in)
{
	return mp_obj_new_bool(((connection_t *)MP_OBJ_TO_PTR(self_in))->wants_write);
}
static MP_DEFINE_CONST_FUN_OBJ_1(connection_wants_write_obj, connection_wants_write);

// write(bytes) -> how many were written; None to wait and then write the same bytes again.
static mp_obj_t connection_write(mp_obj_t self_in, mp_obj_t data)
{
	connection_t *self = opened(self_in);
	mp_buffer_info_t buffer;
	mp_get_buffer_raise(data, &buffer, MP_BUFFER_READ);
	if (!self->talking) {
		mp_raise_OSError(ENOTCONN);
	}
	int result = mbedtls_ssl_write(&self->ssl, buffer.buf, buffer.len);
	return must_wait(self, result) ? mp_const_none : MP_OBJ_NEW_SMALL_INT(result);
}
static MP_DEFINE_CONST_FUN_OBJ_2(connection_write_obj, connection_write);

// read(most) -> bytes, b"" at the end; None to wait.
static mp_obj_t connection_read(mp_obj_t self_in, mp_obj_t most_in)
{
	connection_t *self = opened(self_in);
	mp_int_t most = mp_obj_get_int(most_in);
	if (!self->talking) {
		mp_raise_OSError(ENOTCONN);
	}
	if (most < 1 || most > READ_MAX) {
		mp_raise_OSError(EINVAL);
	}
	vstr_t out;
	vstr_init_len(&out, (size_t)most);
	int result = mbedtls_ssl_read(&self->ssl, (unsigned char *)out.buf, out.len);
	if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || result == MBEDTLS_ERR_SSL_CONN_EOF) {
		result = 0;
	}
	if (must_wait(self, result)) {
		vstr_clear(&out);
		return mp_const_none;
	}
	out.len = (size_t)result;
	return mp_obj_new_bytes_from_vstr(&out);
}
static MP_DEFINE_CONST_FUN_OBJ_2(connection_read_obj, connection_read);

static mp_obj_t connection_close(mp_obj_t self_in)
{
	release(MP_OBJ_TO_PTR(self_in));
	return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(connection_close_obj, connection_close);

static const mp_rom_map_elem_t connection_locals_table[] = {
	{ MP_ROM_QSTR(MP_QSTR_handshake), MP_ROM_PTR(&connection_handshake_obj) },
	{ MP_ROM_QSTR(MP_QSTR_wants_write), MP_ROM_PTR(&connection_wants_write_obj) },
	{ MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&connection_write_obj) },
	{ MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&connection_read_obj) },
	{ MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&connection_close_obj) },
	{ MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&connection_close_obj) },
};
static MP_DEFINE_CONST_DICT(connection_locals, connection_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(connection_type, MP_QSTR_Connection, MP_TYPE_FLAG_NONE, locals_dict,
				&connection_locals);

// check(path of a CA file) -> (usable certificates, unusable blocks, fault of the first of these,
// its line). Raises OSError.
static mp_obj_t mod_check(mp_obj_t path)
{
	struct ca_report report = ca_file_check(mp_obj_str_get_str(path));
	if (report.error) {
		mp_raise_OSError(report.error);
	}
	mp_obj_t found[4] = {
		MP_OBJ_NEW_SMALL_INT(report.good),
		MP_OBJ_NEW_SMALL_INT(report.bad),
		MP_OBJ_NEW_SMALL_INT(report.fault),
		MP_OBJ_NEW_SMALL_INT(report.line),
	};
	return mp_obj_new_tuple(4, found);
}
static MP_DEFINE_CONST_FUN_OBJ_1(tls_check_obj, mod_check);

static const mp_rom_map_elem_t module_globals_table[] = {
	{ MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_tls) },
	{ MP_ROM_QSTR(MP_QSTR_connect), MP_ROM_PTR(&tls_connect_obj) },
	{ MP_ROM_QSTR(MP_QSTR_check), MP_ROM_PTR(&tls_check_obj) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t flukso_tls_module = {
	.base = { &mp_type_module },
	.globals = (mp_obj_dict_t *)&module_globals,
};
MP_REGISTER_MODULE(MP_QSTR_tls, flukso_tls_module);
