/* SPDX-License-Identifier: BSD-3-Clause */

/* The capture reader, over files made octet by octet in a directory of their own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <zlib.h>

#include "capture/capture.h"
#include "tests/unit/capture_file.h"

#define SECOND UINT64_C(1000000000)

static char directory[64];

static int directory_make(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "%s/fluxgate-capture-XXXXXX", P_tmpdir);
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int directory_remove(void **state)
{
	(void)state;
	return chdir("/") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

/* Three packets, a second apart. */
static struct build three(void)
{
	struct build b = {.len = 0};

	put_header(&b, MAGIC_US, LINKTYPE_ETHERNET);
	put_packet(&b, 10, 1, 60, 60, 'a');
	put_packet(&b, 11, 2, 61, 61, 'b');
	put_packet(&b, 12, 999999, 62, 62, 'c');
	return b;
}

static struct captures *open_files(const char *const names[], unsigned n)
{
	struct captures *c = NULL;
	char err[ERROR_LINE_MAX] = "";

	if (captures_open(&c, names, n, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	for (unsigned i = 0; i < n; i++)
		unlink(names[i]);
	return c;
}

static struct captures *open_one(const char *name)
{
	return open_files(&name, 1);
}

static void expect(struct captures *c, uint64_t time_ns, uint32_t frame, uint32_t len, int fill)
{
	struct capture_packet p;

	assert_int_equal(captures_next(c, &p), 1);
	assert_int_equal(p.time_ns, time_ns);
	assert_int_equal(p.frame, frame);
	assert_int_equal(p.caplen, len);
	assert_int_equal(p.data[0], fill);
	assert_int_equal(p.data[len - 1], fill);
}

static void expect_three(struct captures *c)
{
	expect(c, 10 * SECOND + 1000, 1, 60, 'a');
	expect(c, 11 * SECOND + 2000, 2, 61, 'b');
	expect(c, 12 * SECOND + 999999000, 3, 62, 'c');
}

static void expect_end(struct captures *c, uint64_t packets, unsigned cut)
{
	struct capture_packet p;

	for (unsigned again = 0; again < 3; again++)
		assert_int_equal(captures_next(c, &p), 0);
	const struct capture_facts *f = captures_facts(c);
	assert_int_equal(f->packets, packets);
	assert_int_equal(f->cut, cut);
	assert_int_equal(f->cut_note[0] != '\0', cut != 0);
	assert_null(strchr(f->cut_note, '\n'));
	captures_close(c);
}

static void pcap_is_read_in_either_order_and_unit(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		bool ns = variant & 2;
		struct build b = {.big = variant & 1};

		put_header(&b, ns ? MAGIC_NS : MAGIC_US, LINKTYPE_ETHERNET);
		put_packet(&b, 0xfffffffe, 123456, 60, 1500, 'x');
		save("one.pcap", b.octet, b.len);
		struct captures *c = open_one("one.pcap");
		struct capture_packet p;
		assert_int_equal(captures_next(c, &p), 1);
		assert_int_equal(p.time_ns, 0xfffffffe * SECOND + (ns ? 123456u : 123456000u));
		assert_int_equal(p.stamp_ns, p.time_ns);
		assert_int_equal(p.caplen, 60);
		assert_int_equal(p.wirelen, 1500);
		assert_int_equal(p.link, WIRE_LINK_ETHERNET);
		assert_int_equal(p.file, 0);
		expect_end(c, 1, 0);
	}
}

/* Section header, interface of 10^-9 s, one enhanced packet (draft-ietf-opsawg-pcapng). */
static void pcapng_is_read(void **state)
{
	(void)state;
	struct build b = {.len = 0};
	uint64_t ts = 7 * SECOND + 8;

	put_u32(&b, 0x0a0d0d0a);
	put_u32(&b, 28);
	put_u32(&b, 0x1a2b3c4d);
	put_u16(&b, 1);
	put_u16(&b, 0);
	put(&b, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	put_u32(&b, 28);
	put_u32(&b, 1);
	put_u32(&b, 32);
	put_u16(&b, 113); /* Linux cooked */
	put_u16(&b, 0);
	put_u32(&b, 65535);
	put(&b, "\11\0\1\0\11\0\0\0\0\0\0\0", 12); /* if_tsresol 9, end of options */
	put_u32(&b, 32);
	put_u32(&b, 6);
	put_u32(&b, 36);
	put_u32(&b, 0);
	put_u32(&b, (uint32_t)(ts >> 32));
	put_u32(&b, (uint32_t)ts);
	put_u32(&b, 4);
	put_u32(&b, 99);
	put(&b, "qqqq", 4);
	put_u32(&b, 36);
	save("one.pcapng", b.octet, b.len);

	struct captures *c = open_one("one.pcapng");
	struct capture_packet p;
	assert_int_equal(captures_next(c, &p), 1);
	assert_int_equal(p.time_ns, ts);
	assert_int_equal(p.caplen, 4);
	assert_int_equal(p.wirelen, 99);
	assert_int_equal(p.link, WIRE_LINK_SLL);
	assert_memory_equal(p.data, "qqqq", 4);
	expect_end(c, 1, 0);
}

/* By its first octets, whatever its name. */
static void gzip_is_unpacked(void **state)
{
	(void)state;
	static const char *const names[] = {"three.pcap.gz", "three.pcap"};
	struct build b = three();

	for (unsigned i = 0; i < 2; i++) {
		save_packed(names[i], &b);
		struct captures *c = open_one(names[i]);
		assert_true(captures_facts(c)->octets_total < b.len);
		expect_three(c);
		expect_end(c, 3, 0);
	}
}

static void link_types_are_known_or_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		uint32_t type;
		enum wire_link link;
	} known[] = {{0, WIRE_LINK_NULL}, {1, WIRE_LINK_ETHERNET}, {9, WIRE_LINK_PPP},
		{10, WIRE_LINK_FDDI}, {50, WIRE_LINK_PPP}, {101, WIRE_LINK_RAW},
		{104, WIRE_LINK_HDLC}, {105, WIRE_LINK_80211}, {108, WIRE_LINK_NULL},
		{113, WIRE_LINK_SLL}, {127, WIRE_LINK_RADIOTAP}, {129, WIRE_LINK_ARCNET},
		{192, WIRE_LINK_PPI}, {228, WIRE_LINK_RAW}, {229, WIRE_LINK_RAW},
		{239, WIRE_LINK_NFLOG}, {258, WIRE_LINK_PKTAP}, {276, WIRE_LINK_SLL2}};
	const char *name = "link.pcap";

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct build b = {.len = 0};
		struct capture_packet p;

		put_header(&b, MAGIC_US, known[i].type);
		put_packet(&b, 1, 0, 4, 4, 'x');
		save(name, b.octet, b.len);
		struct captures *c = open_one(name);
		assert_int_equal(captures_next(c, &p), 1);
		assert_int_equal(p.link, known[i].link);
		captures_close(c);
	}

	struct build b = {.len = 0};
	struct captures *c;
	char err[ERROR_LINE_MAX];
	put_header(&b, MAGIC_US, LINKTYPE_USB);
	save(name, b.octet, b.len);
	assert_int_equal(captures_open(&c, &name, 1, err, sizeof(err)), -EPROTONOSUPPORT);
	assert_non_null(strstr(err, "link.pcap: link type USB_LINUX (189) is not supported"));
	unlink(name);
}

/* What can't be opened is refused before anything is read, in one line that names it. */
static void what_is_no_capture_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *octets;
		unsigned len;
		int rc;
		const char *says;
	} cases[] = {
		{"", 0, -ENODATA, "empty"},
		{"a", 1, -EBADMSG, "no capture"},
		{"This is a text and not a capture.", 33, -EBADMSG, "no capture"},
		{"\xd4\xc3\xb2\xa1\2\0\4\0", 8, -EBADMSG, "no capture"},
		{"\x1f\x8b\x08\0\0\0\0\0", 8, -EBADMSG, "no capture"},
		{"\x1f\x8bnonsense that looks like gzip", 31, -EBADMSG, "no capture"},
	};
	struct build b = three();
	struct captures *c = NULL;
	char err[ERROR_LINE_MAX];

	save("good.pcap", b.octet, b.len);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const names[] = {"good.pcap", "bad.pcap"};

		save("bad.pcap", cases[i].octets, cases[i].len);
		assert_int_equal(captures_open(&c, names, 2, err, sizeof(err)), cases[i].rc);
		assert_non_null(strstr(err, "bad.pcap: "));
		assert_non_null(strstr(err, cases[i].says));
		assert_null(strchr(err, '\n'));
		assert_null(c);
	}
	unlink("bad.pcap");
	unlink("good.pcap");

	const char *name = "absent.pcap";
	assert_int_equal(captures_open(&c, &name, 1, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "absent.pcap: No such file"));
	name = ".";
	assert_int_equal(captures_open(&c, &name, 1, err, sizeof(err)), -EISDIR);
	assert_int_equal(captures_open(&c, &name, 0, err, sizeof(err)), -EINVAL);
	const char *many[CAPTURE_FILES_MAX + 1];
	for (unsigned i = 0; i <= CAPTURE_FILES_MAX; i++)
		many[i] = "x";
	assert_int_equal(captures_open(&c, many, CAPTURE_FILES_MAX + 1, err, sizeof(err)), -EINVAL);
}

static void a_capture_without_packets_is_fine(void **state)
{
	(void)state;
	struct build b = {.len = 0};

	put_header(&b, MAGIC_US, LINKTYPE_ETHERNET);
	save("none.pcap", b.octet, b.len);
	struct captures *c = open_one("none.pcap");
	expect_end(c, 0, 0);
}

/* Wherever it ends, what is whole is read, and the rest is said to be missing. */
static void a_cut_capture_is_read_up_to_the_cut(void **state)
{
	(void)state;
	struct build b = three();
	const unsigned ends[] = {24, 24 + 76, 24 + 76 + 77, 24 + 76 + 77 + 78};

	assert_int_equal(b.len, ends[3]);
	for (unsigned len = 24; len <= b.len; len++) {
		unsigned whole = 0;
		struct capture_packet p;

		while (whole < 3 && ends[whole + 1] <= len)
			whole++;
		save("cut.pcap", b.octet, len);
		struct captures *c = open_one("cut.pcap");
		for (unsigned i = 0; i < whole; i++)
			assert_int_equal(captures_next(c, &p), 1);
		expect_end(c, whole, len != ends[whole]);
	}
}

static void a_cut_gzip_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	struct build b = three();
	uint8_t packed[4096];
	struct capture_packet p;

	save_packed("whole.gz", &b);
	FILE *f = fopen("whole.gz", "rb");
	assert_non_null(f);
	size_t n = fread(packed, 1, sizeof(packed), f);
	fclose(f);
	unlink("whole.gz");

	/* Without its trailer all packets are there, and still it is no whole file. */
	save("cut.gz", packed, n - 4);
	struct captures *c = open_one("cut.gz");
	expect_three(c);
	assert_int_equal(captures_next(c, &p), 0);
	assert_non_null(strstr(captures_facts(c)->cut_note, "cut.gz: ends early, behind frame 3"));
	expect_end(c, 3, 1);

	save("cut.gz", packed, n - 12);
	c = open_one("cut.gz");
	while (captures_next(c, &p) > 0)
		;
	assert_non_null(strstr(captures_facts(c)->cut_note, "the gzip file is cut"));
	captures_close(c);
}

/* A wrong checksum at the end of the file. */
static void spoil(const char *name)
{
	FILE *f = fopen(name, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, -5, SEEK_END), 0);
	int c = getc(f);
	assert_int_equal(fseek(f, -5, SEEK_END), 0);
	putc(c ^ 1, f);
	assert_int_equal(fclose(f), 0);
}

/* What is unpacked before the damage is read; a small file is all one piece. */
static void a_damaged_gzip_says_so(void **state)
{
	(void)state;
	struct build b = three();
	struct captures *c;
	struct capture_packet p;
	char err[ERROR_LINE_MAX];
	const char *name = "damaged.gz";

	save_packed(name, &b);
	spoil(name);
	assert_int_equal(captures_open(&c, &name, 1, err, sizeof(err)), -EBADMSG);
	assert_non_null(strstr(err, "damaged.gz: no capture (the gzip file is damaged)"));

	gzFile f = gzopen(name, "wb");
	assert_non_null(f);
	gzwrite(f, b.octet, b.len);
	for (unsigned i = 0; i < 3000; i++)
		gzwrite(f, b.octet + 24, b.len - 24);
	assert_int_equal(gzclose(f), Z_OK);
	spoil(name);
	c = open_one(name);
	while (captures_next(c, &p) > 0)
		;
	assert_non_null(strstr(captures_facts(c)->cut_note, "the gzip file is damaged"));
	assert_true(captures_facts(c)->packets > 3000);
	expect_end(c, captures_facts(c)->packets, 1);
}

/* Two legs of a tap; at the same time the earlier argument goes first. */
static void files_are_merged_by_time(void **state)
{
	(void)state;
	static const char *const names[] = {"left.pcap", "right.pcap.gz", "none.pcap"};
	struct build left = {.len = 0}, right = {.len = 0}, none = {.len = 0};

	put_header(&left, MAGIC_US, LINKTYPE_ETHERNET);
	put_packet(&left, 1, 0, 4, 4, 'a');
	put_packet(&left, 3, 0, 4, 4, 'c');
	put_packet(&left, 5, 0, 4, 4, 'e');
	put_header(&right, MAGIC_NS, 101);
	put_packet(&right, 2, 0, 4, 4, 'b');
	put_packet(&right, 3, 0, 4, 4, 'd');
	put_packet(&right, 6, 1, 4, 4, 'f');
	put_header(&none, MAGIC_US, LINKTYPE_ETHERNET);
	save(names[0], left.octet, left.len);
	save_packed(names[1], &right);
	save(names[2], none.octet, none.len);

	struct captures *c = open_files(names, 3);
	static const struct {
		unsigned file, frame;
		uint64_t time;
	} wanted[] = {{0, 1, SECOND}, {1, 1, 2 * SECOND}, {0, 2, 3 * SECOND}, {1, 2, 3 * SECOND},
		{0, 3, 5 * SECOND}, {1, 3, 6 * SECOND + 1}};
	for (unsigned i = 0; i < 6; i++) {
		struct capture_packet p;

		assert_int_equal(captures_next(c, &p), 1);
		assert_int_equal(p.data[0], 'a' + i);
		assert_int_equal(p.file, wanted[i].file);
		assert_int_equal(p.frame, wanted[i].frame);
		assert_int_equal(p.time_ns, wanted[i].time);
		assert_int_equal(p.link, p.file ? WIRE_LINK_RAW : WIRE_LINK_ETHERNET);
		assert_string_equal(captures_path(c, p.file), names[p.file]);
	}
	const struct capture_facts *f = captures_facts(c);
	assert_int_equal(f->files, 3);
	assert_int_equal(f->first_ns, SECOND);
	assert_int_equal(f->last_ns, 6 * SECOND + 1);
	assert_int_equal(f->backwards, 0);
	expect_end(c, 6, 0);
}

/* The same packets by a plain sort, over many files of random times. */
static void merging_is_sorting(void **state)
{
	(void)state;
	enum { FILES = 9, PACKETS = 200 };
	char name[FILES][16];
	const char *names[FILES];
	unsigned at[FILES] = {0};
	uint32_t time[FILES][PACKETS];
	uint32_t x = 1;

	for (unsigned i = 0; i < FILES; i++) {
		struct build b = {.len = 0};

		put_header(&b, MAGIC_US, LINKTYPE_ETHERNET);
		for (unsigned k = 0; k < PACKETS; k++) {
			x = x * 1664525u + 1013904223u;
			time[i][k] = (k ? time[i][k - 1] : 0) + (x >> 30);
			put_packet(&b, time[i][k], 0, 4, 4, i);
		}
		snprintf(name[i], sizeof(name[i]), "%u.pcap", i);
		names[i] = name[i];
		save(names[i], b.octet, b.len);
	}
	struct captures *c = open_files(names, FILES);
	for (unsigned n = 0; n < FILES * PACKETS; n++) {
		unsigned first = FILES;

		for (unsigned i = FILES; i-- > 0;)
			if (at[i] < PACKETS &&
				(first == FILES || time[i][at[i]] <= time[first][at[first]]))
				first = i;
		expect(c, time[first][at[first]] * SECOND, at[first] + 1, 4, (int)first);
		at[first]++;
	}
	expect_end(c, FILES * PACKETS, 0);
}

static void time_never_goes_backwards(void **state)
{
	(void)state;
	struct build b = {.len = 0};
	struct capture_packet p;

	put_header(&b, MAGIC_US, LINKTYPE_ETHERNET);
	put_packet(&b, 20, 0, 4, 4, 'a');
	put_packet(&b, 10, 0, 4, 4, 'b');
	put_packet(&b, 19, 999999, 4, 4, 'c');
	put_packet(&b, 21, 0, 4, 4, 'd');
	save("back.pcap", b.octet, b.len);
	struct captures *c = open_one("back.pcap");
	expect(c, 20 * SECOND, 1, 4, 'a');
	assert_int_equal(captures_next(c, &p), 1);
	assert_int_equal(p.time_ns, 20 * SECOND);
	assert_int_equal(p.stamp_ns, 10 * SECOND);
	expect(c, 20 * SECOND, 3, 4, 'c');
	expect(c, 21 * SECOND, 4, 4, 'd');
	assert_int_equal(captures_facts(c)->backwards, 2);
	expect_end(c, 4, 0);
}

/* A fraction of more than a second, and less on the wire than was captured. */
static void nonsense_in_headers_is_bounded(void **state)
{
	(void)state;
	struct build b = {.len = 0};
	struct capture_packet p;

	put_header(&b, MAGIC_NS, LINKTYPE_ETHERNET);
	put_packet(&b, 5, 0x7fffffff, 60, 20, 'x');
	put_packet(&b, 6, 0xffffffff, 60, 0, 'x');
	save("lies.pcap", b.octet, b.len);
	struct captures *c = open_one("lies.pcap");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(captures_next(c, &p), 1);
		assert_int_equal(p.time_ns, (6 + i) * SECOND - 1);
		assert_int_equal(p.caplen, 60);
		assert_int_equal(p.wirelen, 60);
	}
	expect_end(c, 2, 0);
}

static void progress_reaches_the_end(void **state)
{
	(void)state;
	struct build b = {.len = 0};
	struct capture_packet p;

	put_header(&b, MAGIC_US, LINKTYPE_ETHERNET);
	for (unsigned i = 0; i < 600; i++)
		put_packet(&b, i, 0, 60, 60, i);
	save("long.pcap", b.octet, b.len);
	struct captures *c = open_one("long.pcap");
	const struct capture_facts *f = captures_facts(c);
	uint64_t before = 0;

	assert_int_equal(f->octets_total, b.len);
	while (captures_next(c, &p) > 0) {
		assert_true(f->octets_read >= before && f->octets_read <= f->octets_total);
		before = f->octets_read;
	}
	assert_int_equal(f->octets_read, f->octets_total);
	captures_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_is_read_in_either_order_and_unit),
		cmocka_unit_test(pcapng_is_read),
		cmocka_unit_test(gzip_is_unpacked),
		cmocka_unit_test(link_types_are_known_or_refused_by_name),
		cmocka_unit_test(what_is_no_capture_is_refused),
		cmocka_unit_test(a_capture_without_packets_is_fine),
		cmocka_unit_test(a_cut_capture_is_read_up_to_the_cut),
		cmocka_unit_test(a_cut_gzip_is_read_as_far_as_it_goes),
		cmocka_unit_test(a_damaged_gzip_says_so),
		cmocka_unit_test(files_are_merged_by_time),
		cmocka_unit_test(merging_is_sorting),
		cmocka_unit_test(time_never_goes_backwards),
		cmocka_unit_test(nonsense_in_headers_is_bounded),
		cmocka_unit_test(progress_reaches_the_end),
	};

	return cmocka_run_group_tests_name("capture", tests, directory_make, directory_remove);
}
