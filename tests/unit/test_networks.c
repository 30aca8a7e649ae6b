/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/address.h"
#include "config/file.h"
#include "mmdb_file.h"
#include "random.h"
#include "networks/networks.h"
#include "networks/suffix.h"

static char err[ERROR_LINE_MAX];

static void memfd_replace(int fd, const void *octets, size_t len)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, octets, len, 0), (ssize_t)len);
}

/* A file in memory, gone when the descriptor is closed. */
static int file_make(char path[64], const void *octets, size_t len)
{
	int fd = memfd_create("fluxgate-networks", MFD_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	memfd_replace(fd, octets, len);
	return fd;
}

static uint64_t unit_of(const char *address)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, address, octets) == 1)
		return address_unit_v4(octets);
	assert_int_equal(inet_pton(AF_INET6, address, octets), 1);
	return address_unit_v6(octets);
}

static void assert_network(
	const struct networks *n, const char *address, uint32_t asn, const char *country)
{
	struct net_lookup l = networks_lookup(n);
	struct net_info info = {99, "??", true};
	char is[3] = "";

	l.fn(l.ctx, unit_of(address), &info);
	memcpy(is, info.country, 2);
	if (info.asn != asn || strcmp(is, country) != 0)
		fail_msg("%s: AS %u in \"%s\", expected AS %u in \"%s\"", address, info.asn, is,
			asn, country);
}

/* The same map {name: number} or {name: text} under a prefix. */
static void put_number(struct mmdb_file *f, const char *prefix, unsigned bits, const char *name,
	enum mmdb_type type, uint64_t number)
{
	mmdb_prefix(f, prefix, bits, f->data_len);
	mmdb_map(f, 1);
	mmdb_text(f, name);
	mmdb_number(f, type, number);
}

static void put_text(
	struct mmdb_file *f, const char *prefix, unsigned bits, const char *name, const char *text)
{
	mmdb_prefix(f, prefix, bits, f->data_len);
	mmdb_map(f, 1);
	mmdb_text(f, name);
	mmdb_text(f, text);
}

/* {"country": {"iso_code": text}} */
static void put_iso(struct mmdb_file *f, const char *prefix, unsigned bits, const char *text)
{
	mmdb_prefix(f, prefix, bits, f->data_len);
	mmdb_map(f, 1);
	mmdb_text(f, "country");
	mmdb_map(f, 2);
	mmdb_text(f, "geoname_id");
	mmdb_number(f, MMDB_UINT32, 6252001);
	mmdb_text(f, "iso_code");
	mmdb_text(f, text);
}

/* {"country": "Germany", "country_code": "DE", "asn": "AS3320"} */
static void put_lite(struct mmdb_file *f, const char *prefix, unsigned bits)
{
	mmdb_prefix(f, prefix, bits, f->data_len);
	mmdb_map(f, 3);
	mmdb_text(f, "country");
	mmdb_text(f, "Germany");
	mmdb_text(f, "country_code");
	mmdb_text(f, "DE");
	mmdb_text(f, "asn");
	mmdb_text(f, "AS3320");
}

static void asn_layouts(struct mmdb_file *f)
{
	mmdb_start(f, 6);
	put_number(f, "1.1.0.0", 16, "autonomous_system_number", MMDB_UINT32, 4200000001);
	put_number(f, "1.2.0.0", 16, "autonomous_system_number", MMDB_UINT16, 70);
	put_number(f, "1.3.0.0", 16, "asn", MMDB_UINT64, 71);
	put_text(f, "1.4.0.0", 16, "asn", "AS1234");
	put_text(f, "1.5.0.0", 16, "asn", "as4294967295");
	put_text(f, "1.6.0.0", 16, "asn", "1235");
	put_text(f, "2001:db9::", 32, "asn", "AS6");
	/* What is no ASN is none. */
	put_text(f, "2.1.0.0", 16, "asn", "AS4294967297");
	put_text(f, "2.2.0.0", 16, "asn", "AS12x");
	put_text(f, "2.3.0.0", 16, "asn", "AS");
	put_text(f, "2.4.0.0", 16, "asn", "");
	put_text(f, "2.5.0.0", 16, "asn", "AS18446744073709551617");
	put_number(f, "2.6.0.0", 16, "asn", MMDB_UINT64, (UINT64_C(1) << 32) + 1);
	put_number(f, "2.7.0.0", 16, "as_number", MMDB_UINT32, 5);
	mmdb_finish(f, "Test-ASN", 1700000000);
}

static void country_layouts(struct mmdb_file *f)
{
	mmdb_start(f, 6);
	put_text(f, "1.1.0.0", 16, "country_code", "US");
	put_text(f, "1.2.0.0", 16, "country_code", "nl");
	put_iso(f, "1.3.0.0", 16, "BR");
	put_text(f, "1.4.0.0", 16, "country", "JP");
	put_lite(f, "1.5.0.0", 16);
	put_iso(f, "2001:db9::", 32, "FR");
	put_text(f, "2.1.0.0", 16, "country_code", "None");
	put_text(f, "2.2.0.0", 16, "country_code", "4X");
	put_text(f, "2.3.0.0", 16, "country_code", "");
	put_number(f, "2.4.0.0", 16, "country_code", MMDB_UINT16, 7);
	put_text(f, "2.5.0.0", 16, "country", "France");
	mmdb_finish(f, "Test-\x02Land", 1700000001);
}

static void test_asn_layouts(void **state)
{
	static struct mmdb_file f;
	struct networks *n;
	char path[64];

	(void)state;
	asn_layouts(&f);
	int path_fd = file_make(path, f.file, f.len);
	assert_int_equal(networks_open(&n, path, "", err), 0);
	assert_network(n, "1.1.0.0", 4200000001, "");
	assert_network(n, "1.1.255.255", 4200000001, "");
	assert_network(n, "1.2.3.4", 70, "");
	assert_network(n, "1.3.3.4", 71, "");
	assert_network(n, "1.4.3.4", 1234, "");
	assert_network(n, "1.5.3.4", UINT32_MAX, "");
	assert_network(n, "1.6.3.4", 1235, "");
	assert_network(n, "2001:db9:1:2::3", 6, "");
	for (unsigned i = 1; i <= 7; i++) {
		char address[32];

		snprintf(address, sizeof(address), "2.%u.3.4", i);
		assert_network(n, address, 0, "");
	}
	assert_network(n, "9.9.9.9", 0, "");
	assert_network(n, "2a00::1", 0, "");
	networks_close(n);
	close(path_fd);
}

static void test_country_layouts(void **state)
{
	static struct mmdb_file f;
	struct networks *n;
	char path[64];

	(void)state;
	country_layouts(&f);
	int path_fd = file_make(path, f.file, f.len);
	assert_int_equal(networks_open(&n, "", path, err), 0);
	assert_network(n, "1.1.3.4", 0, "US");
	assert_network(n, "1.2.3.4", 0, "NL");
	assert_network(n, "1.3.3.4", 0, "BR");
	assert_network(n, "1.4.3.4", 0, "JP");
	/* A file with both kinds that is named for one gives both. */
	assert_network(n, "1.5.3.4", 3320, "DE");
	assert_network(n, "2001:db9::1", 0, "FR");
	for (unsigned i = 1; i <= 5; i++) {
		char address[32];

		snprintf(address, sizeof(address), "2.%u.3.4", i);
		assert_network(n, address, 0, "");
	}
	networks_close(n);
	close(path_fd);
}

/* Each kind comes from the file named for it; the other one fills gaps only. */
static void test_two_files(void **state)
{
	static struct mmdb_file a, c;
	char asn[64], country[64];
	struct networks *n;

	(void)state;
	mmdb_start(&a, 4);
	put_lite(&a, "1.1.0.0", 16);
	put_lite(&a, "1.2.0.0", 16);
	mmdb_finish(&a, "a", 1);
	mmdb_start(&c, 6);
	put_text(&c, "1.1.0.0", 16, "country_code", "AT");
	put_lite(&c, "1.3.0.0", 16);
	put_text(&c, "2001:db9::", 32, "country", "CH");
	mmdb_finish(&c, "c", 2);
	int asn_fd = file_make(asn, a.file, a.len);
	int country_fd = file_make(country, c.file, c.len);
	assert_int_equal(networks_open(&n, asn, country, err), 0);
	assert_network(n, "1.1.0.1", 3320, "AT");
	assert_network(n, "1.2.0.1", 3320, "DE");
	assert_network(n, "1.3.0.1", 3320, "DE");
	/* An IPv4-only file knows nothing of IPv6, and that is no error. */
	assert_network(n, "2001:db9::1", 0, "CH");
	networks_close(n);
	close(asn_fd);
	close(country_fd);
}

static void test_none(void **state)
{
	struct network_description d;
	struct networks *n;

	(void)state;
	assert_int_equal(networks_open(&n, "", "", err), 0);
	assert_network(n, "1.1.1.1", 0, "");
	networks_describe(n, NETWORK_ASN, &d);
	assert_string_equal(d.path, "");
	assert_int_equal(d.built, 0);
	networks_close(n);
	networks_close(NULL);
}

static bool is_own(const struct networks *n, const char *address)
{
	struct net_lookup l = networks_lookup(n);
	struct net_info info = {0};

	l.fn(l.ctx, unit_of(address), &info);
	return info.own;
}

static void test_own(void **state)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb9};
	struct own_ranges own = {0};
	struct networks *n;

	(void)state;
	assert_int_equal(networks_open(&n, "", "", err), 0);
	assert_false(is_own(n, "9.9.8.1"));
	assert_int_equal(own_add(&own, (const uint8_t[]){9, 9, 8, 0}, 4, 22), 0);
	assert_int_equal(own_add(&own, (const uint8_t[]){9, 9, 3, 7}, 4, 32), 0);
	assert_int_equal(own_add(&own, v6, 6, 32), 0);
	networks_own(n, &own);
	assert_true(is_own(n, "9.9.8.1"));
	assert_true(is_own(n, "9.9.11.255"));
	assert_false(is_own(n, "9.9.12.0"));
	assert_false(is_own(n, "9.9.7.255"));
	assert_true(is_own(n, "9.9.3.7"));
	assert_false(is_own(n, "9.9.3.8"));
	assert_true(is_own(n, "2001:db9:1::"));
	assert_false(is_own(n, "2001:dba::"));
	networks_close(n);
	assert_int_equal(own_add(&own, v6, 6, 65), -1);
	assert_int_equal(own_add(&own, v6, 6, 2), -1);
	assert_int_equal(own_add(&own, v6, 4, 0), -1);
	assert_int_equal(own_add(&own, v6, 4, 33), -1);
	assert_int_equal(own_add(&own, v6 + 4, 6, 32), -1);
}

/* Against the plain list: whatever meets becomes one range, and the ranges ascend apart. */
static void test_own_model(void **state)
{
	uint64_t seed = 11;
	(void)state;

	for (unsigned round = 0; round < 300; round++) {
		bool plain[4096] = {false};
		struct own_ranges own = {0};

		for (unsigned i = 0; i < 1 + round % 40; i++) {
			unsigned len = 20 + random_below(&seed, 13), at = random_below(&seed, 4096);
			unsigned size = 1u << (32 - len);
			uint8_t addr[4] = {9, 9, (uint8_t)(at >> 8), (uint8_t)at};

			assert_int_equal(own_add(&own, addr, 4, len), 0);
			for (unsigned k = 0; k < size; k++)
				plain[(at & ~(size - 1)) + k] = true;
		}
		for (unsigned k = 0; k < 4096; k++)
			assert_int_equal(own_holds(&own, 0x09090000u + k), plain[k]);
		assert_false(own_holds(&own, 0x0908ffff));
		assert_false(own_holds(&own, 0x09091000));
		for (unsigned k = 1; k < own.n; k++)
			assert_true(own.range[k - 1].last + 1 < own.range[k].first);
	}
	/* Full: one that meets another still has room. */
	struct own_ranges own = {0};
	for (unsigned i = 0; i < OWN_PREFIXES_MAX; i++)
		assert_int_equal(own_add(&own, (const uint8_t[]){9, (uint8_t)i, 0, 0}, 4, 24), 0);
	assert_int_equal(own_add(&own, (const uint8_t[]){8, 0, 0, 0}, 4, 24), -1);
	assert_int_equal(own_add(&own, (const uint8_t[]){9, 0, 1, 0}, 4, 24), 0);
	assert_int_equal(own.n, OWN_PREFIXES_MAX);
}

static void test_describe(void **state)
{
	static struct mmdb_file a, c;
	struct network_description d;
	char asn[64], country[64];
	struct networks *n;

	(void)state;
	asn_layouts(&a);
	country_layouts(&c);
	int asn_fd = file_make(asn, a.file, a.len);
	int country_fd = file_make(country, c.file, c.len);
	assert_int_equal(networks_open(&n, asn, country, err), 0);
	networks_describe(n, NETWORK_ASN, &d);
	assert_string_equal(d.path, asn);
	assert_string_equal(d.type, "Test-ASN");
	assert_int_equal(d.built, 1700000000);
	assert_int_equal(d.ip_version, 6);
	assert_true(d.asn && !d.country);
	networks_describe(n, NETWORK_COUNTRY, &d);
	assert_string_equal(d.path, country);
	assert_string_equal(d.type, "Test-?Land");
	assert_int_equal(d.built, 1700000001);
	assert_true(d.asn && d.country);
	networks_close(n);
	close(asn_fd);
	close(country_fd);
}

/* The open is refused with this code and words. */
static void assert_refused(const char *asn, const char *country, int rc, const char *words)
{
	struct networks *n = (struct networks *)1;

	err[0] = '\0';
	assert_int_equal(networks_open(&n, asn, country, err), rc);
	assert_null(n);
	if (strncmp(err, "address database: ", 18) != 0 || !strstr(err, words))
		fail_msg("\"%s\" does not say \"%s\"", err, words);
}

static void test_wrong(void **state)
{
	static struct mmdb_file a, c;
	char asn[64], country[64], text[64], empty[64];

	(void)state;
	mmdb_start(&a, 6);
	put_text(&a, "1.1.0.0", 16, "asn", "AS1");
	mmdb_finish(&a, "a", 1);
	mmdb_start(&c, 6);
	put_text(&c, "1.1.0.0", 16, "country", "US");
	mmdb_finish(&c, "c", 1);
	int asn_fd = file_make(asn, a.file, a.len);
	int country_fd = file_make(country, c.file, c.len);
	int text_fd = file_make(text, "this is no database, but text\n", 30);
	int empty_fd = file_make(empty, "", 0);
	assert_refused("/nowhere/a.mmdb", "", -ENOENT,
		"/nowhere/a.mmdb: No such file or directory: name a file that exists, or leave "
		"networks.asn_db out");
	assert_refused(asn, "/nowhere/c.mmdb", -ENOENT, "leave networks.country_db out");
	assert_refused(text, "", -EINVAL, "not a MaxMind DB file");
	assert_refused(asn, empty, -EINVAL, ": empty");
	assert_refused(country, "", -EINVAL, "no autonomous system numbers");
	assert_refused(asn, asn, -EINVAL, "no countries");
	assert_refused("/", "", -EINVAL, "address database: /: not a regular file");
	close(asn_fd);
	close(country_fd);
	close(text_fd);
	close(empty_fd);
}

/* Whatever the file holds: an answer or a refusal, never a crash. Was it opened? */
static bool try_file(const char *path)
{
	static const char *const addresses[] = {"0.1.2.3", "1.1.0.0", "1.5.255.255", "2.4.0.9",
		"8.8.8.8", "223.255.255.1", "2001:db9::1", "2400:cb00::1", "3fff:ffff:ffff:ffff::"};
	struct networks *n;

	err[0] = '\0';
	if (networks_open(&n, "", path, err) < 0) {
		assert_null(n);
		assert_true(strlen(err) > 0);
		return false;
	}
	struct net_lookup l = networks_lookup(n);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct net_info info;

		l.fn(l.ctx, unit_of(addresses[i]), &info);
	}
	networks_close(n);
	return true;
}

static void test_cut(void **state)
{
	static struct mmdb_file f;
	char path[64];

	(void)state;
	country_layouts(&f);
	int path_fd = file_make(path, f.file, f.len);
	for (uint32_t len = 0; len <= f.len; len++) {
		memfd_replace(path_fd, f.file, len);
		try_file(path);
	}
	close(path_fd);
}

static void test_flipped(void **state)
{
	static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xff};
	static struct mmdb_file f;
	char path[64];

	(void)state;
	country_layouts(&f);
	int path_fd = file_make(path, f.file, f.len);
	for (uint32_t at = 0; at < f.len; at++)
		for (size_t i = 0; i < sizeof(flips); i++) {
			f.file[at] ^= flips[i];
			memfd_replace(path_fd, f.file, f.len);
			f.file[at] ^= flips[i];
			try_file(path);
		}
	close(path_fd);
}

/* A file beside the source tree, or the test is skipped. */
static void shared_path(const char *name, char path[512])
{
	const char *shared = getenv("FLUXGATE_SHARED"), *source = getenv("FLUXGATE_SOURCE");

	if (shared)
		snprintf(path, 512, "%s/%s", shared, name);
	else
		snprintf(path, 512, "%s/../shared/%s", source ? source : ".", name);
	if (access(path, R_OK) < 0) {
		print_message("# %s is absent: skipped\n", path);
		skip();
	}
}

static void test_real(void **state)
{
	char asn[512], country[512];
	struct network_description d;
	struct networks *n;

	(void)state;
	shared_path("data/asn.mmdb", asn);
	shared_path("data/country.mmdb", country);
	assert_int_equal(networks_open(&n, asn, country, err), 0);
	assert_network(n, "8.8.8.8", 15169, "US");
	assert_network(n, "193.0.6.139", 3333, "NL");
	assert_network(n, "133.243.3.35", 9355, "JP");
	assert_network(n, "200.160.2.3", 22548, "BR");
	assert_network(n, "2001:67c:2e8:22::c100:68b", 3333, "NL");
	assert_network(n, "2001:4860:4860::8888", 15169, "US");
	networks_describe(n, NETWORK_ASN, &d);
	assert_true(d.asn && !d.country && d.built > 1500000000);
	networks_describe(n, NETWORK_COUNTRY, &d);
	assert_true(d.country && !d.asn);
	networks_close(n);
	assert_refused(country, "", -EINVAL, "no autonomous system numbers");
	assert_refused("", asn, -EINVAL, "no countries");
}

/* 32 octets of the file's last `reach` are changed and put back after one try. */
static bool try_damaged(
	const char *path, int fd, const char *octets, size_t len, size_t reach, uint64_t *random)
{
	size_t at[32];

	for (unsigned k = 0; k < 32; k++) {
		*random = *random * 6364136223846793005u + 1442695040888963407u;
		at[k] = len - 1 - (size_t)(*random >> 33) % reach;
		char damaged = (char)(octets[at[k]] ^ (char)(*random >> 25 | 1));
		assert_int_equal(pwrite(fd, &damaged, 1, (off_t)at[k]), 1);
	}
	bool opened = try_file(path);
	for (unsigned k = 0; k < 32; k++)
		assert_int_equal(pwrite(fd, octets + at[k], 1, (off_t)at[k]), 1);
	return opened;
}

static void test_real_damaged(void **state)
{
	uint64_t random = 0x2545f4914f6cdd1d;
	char source[512], path[64];
	unsigned opened = 0;
	size_t len;

	(void)state;
	shared_path("data/country.mmdb", source);
	char *octets = file_read(source, 64u << 20, &len);
	assert_non_null(octets);
	int path_fd = file_make(path, octets, len);

	for (unsigned i = 0; i < 200; i++) {
		opened += try_damaged(path, path_fd, octets, len, len, &random);
		opened += try_damaged(path, path_fd, octets, len, 8192, &random);
	}
	assert_true(opened > 100);
	for (size_t cut = len; cut > 1000; cut -= cut / 16) {
		assert_int_equal(ftruncate(path_fd, (off_t)cut), 0);
		try_file(path);
	}
	free(octets);
	close(path_fd);
}

static int registered(const struct psl *psl, const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(text, &name), 0);
	return psl_registered(psl, &name);
}

static void test_suffixes(void **state)
{
	static const char list[] = "// comment\ncom\nuk\nco.uk\n";
	struct suffix_list *s;
	char path[64];

	(void)state;
	int path_fd = file_make(path, list, sizeof(list) - 1);
	assert_int_equal(suffix_list_load(&s, path, err), 0);
	assert_int_equal(psl_rules(suffix_list_psl(s)), 3);
	assert_int_equal(registered(suffix_list_psl(s), "www.example.co.uk"), 1);
	assert_int_equal(registered(suffix_list_psl(s), "www.example.com"), 1);
	assert_int_equal(registered(suffix_list_psl(s), "co.uk"), -1);
	suffix_list_free(s);
	suffix_list_free(NULL);
	close(path_fd);
}

static void assert_list_refused(const char *path, int rc, const char *words)
{
	struct suffix_list *s = (struct suffix_list *)1;

	assert_int_equal(suffix_list_load(&s, path, err), rc);
	assert_null(s);
	if (strncmp(err, "public suffix list: ", 20) != 0 || !strstr(err, path) ||
		!strstr(err, words))
		fail_msg("\"%s\" does not say \"%s\"", err, words);
}

static void test_suffixes_wrong(void **state)
{
	char path[64];

	(void)state;
	assert_list_refused("/nowhere/list", -ENOENT, "No such file or directory: apt-get");
	assert_list_refused("/", -EISDIR, "directory");
	int path_fd = file_make(path, "// nothing\n", 11);
	assert_list_refused(path, -EINVAL, "no rules");
	memfd_replace(path_fd, "", 0);
	assert_list_refused(path, -EINVAL, "no rules");
	memfd_replace(path_fd, "com\nuk\nco..uk\n", 14);
	assert_list_refused(path, -EINVAL, "line 3: ");
	close(path_fd);
}

static void test_suffixes_real(void **state)
{
	static const char path[] = "/usr/share/publicsuffix/public_suffix_list.dat";
	struct suffix_list *s;

	(void)state;
	if (access(path, R_OK) < 0) {
		print_message("# %s is absent: skipped\n", path);
		skip();
	}
	assert_int_equal(suffix_list_load(&s, path, err), 0);
	assert_true(psl_rules(suffix_list_psl(s)) > 8000);
	assert_int_equal(registered(suffix_list_psl(s), "a.b.github.io"), 1);
	suffix_list_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asn_layouts),
		cmocka_unit_test(test_country_layouts),
		cmocka_unit_test(test_two_files),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_own_model),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_real_damaged),
		cmocka_unit_test(test_suffixes),
		cmocka_unit_test(test_suffixes_wrong),
		cmocka_unit_test(test_suffixes_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
