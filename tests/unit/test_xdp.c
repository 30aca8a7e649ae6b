/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The XDP program, run by the kernel on frames of ours without any interface:
 * every cause, and what becomes of the frame. The object is $FLUXGATE_STEER.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <linux/if_xdp.h>

#include "drivers-config/xdp/device.h"
#include "drivers-config/xdp/xdp.h"

#define UMEM_OCTETS 65536u
#define UDP 17u
#define TCP 6u

struct fixture {
	struct bpf_object *object;
	int program, sockets, config, socket;
	struct xdp_port port;
	void *umem;
};

struct frame {
	unsigned n;
	uint8_t octet[4096];
};

static void put(struct frame *f, const void *octets, unsigned n)
{
	assert_true(f->n + n <= sizeof(f->octet));
	memcpy(f->octet + f->n, octets, n);
	f->n += n;
}

static void put16(struct frame *f, unsigned v)
{
	put(f, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void ethernet(struct frame *f, unsigned type)
{
	f->n = 0;
	put(f, (uint8_t[12]){2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, 12);
	put16(f, type);
}

/* The type that stands last is a tag's; its number, and the next type. */
static void tag(struct frame *f, unsigned next)
{
	put16(f, 7);
	put16(f, next);
}

/* words: length of the header in 32-bit words; fragment: flags and offset as on the wire. */
static void ipv4(struct frame *f, unsigned protocol, unsigned words, unsigned fragment)
{
	uint8_t h[60] = {(uint8_t)(0x40 | words), 0, 0, 40, 0, 1, (uint8_t)(fragment >> 8),
		(uint8_t)fragment, 64, (uint8_t)protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};

	put(f, h, words * 4);
}

static void ipv6(struct frame *f, unsigned next)
{
	put(f, (uint8_t[40]){0x60, 0, 0, 0, 0, 20, (uint8_t)next, 64}, 40);
}

/* Units of 8 octets beyond the first. */
static void extension(struct frame *f, unsigned next, unsigned units)
{
	static const uint8_t zero[8 * 256];

	put(f, (uint8_t[]){(uint8_t)next, (uint8_t)units, 0, 0, 0, 0, 0, 0}, 8);
	put(f, zero, 8 * units);
}

static void fragment6(struct frame *f, unsigned next, unsigned offset_and_more)
{
	put(f, (uint8_t[]){(uint8_t)next, 0}, 2);
	put16(f, offset_and_more);
	put16(f, 0);
	put16(f, 1);
}

static void ports(struct frame *f, unsigned from, unsigned to)
{
	put16(f, from);
	put16(f, to);
	put(f, (uint8_t[24]){0}, 24);
}

static void frame4(struct frame *f, unsigned protocol, unsigned from, unsigned to)
{
	ethernet(f, 0x0800);
	ipv4(f, protocol, 5, 0);
	ports(f, from, to);
}

static void config_set(struct fixture *x, const struct xdp_steering *s)
{
	struct steer_config *c = calloc(1, sizeof(*c));
	uint32_t zero = 0;

	if (s)
		xdp_steering_config(c, s);
	assert_int_equal(bpf_map_update_elem(x->config, &zero, c, BPF_ANY), 0);
	free(c);
}

/* Runs the program on the frame: exactly this cause counts one more, and the action fits. */
static void expect_at(
	struct fixture *x, const struct frame *f, enum steer_cause wanted, int action, int line)
{
	struct xdp_counters before, after;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f->octet, .data_size_in = f->n, .repeat = 1);

	assert_int_equal(xdp_counters_read(&x->port, &before), 0);
	assert_int_equal(bpf_prog_test_run_opts(x->program, &run), 0);
	assert_int_equal(xdp_counters_read(&x->port, &after), 0);
	for (unsigned i = 0; i < STEER_CAUSES; i++) {
		uint64_t more = after.cause[i] - before.cause[i];
		if (more != (i == wanted))
			fail_msg("line %d: %s counted %lu, expected %s", line,
				steer_cause_name((enum steer_cause)i), more,
				steer_cause_name(wanted));
	}
	if ((int)run.retval != action)
		fail_msg("line %d: action %u, expected %d", line, run.retval, action);
}

#define TAKES(x, f, cause) expect_at(x, f, STEER_##cause, XDP_REDIRECT, __LINE__)
#define LEAVES(x, f, cause) expect_at(x, f, STEER_##cause, XDP_PASS, __LINE__)

/* A socket that may stand in an XSKMAP: memory and a receive ring, bound to nothing. */
static int socket_open(struct fixture *x)
{
	const int ring = 64;
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	x->umem =
		mmap(NULL, UMEM_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xdp_umem_reg memory = {
		.addr = (uintptr_t)x->umem, .len = UMEM_OCTETS, .chunk_size = 2048};
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)) == 0 &&
		setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &ring, sizeof(ring)) == 0 &&
		setsockopt(fd, SOL_XDP, XDP_RX_RING, &ring, sizeof(ring)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	const char *path = getenv("FLUXGATE_STEER");

	*state = x;
	libbpf_set_print(silent);
	x->socket = -1;
	x->object = path ? bpf_object__open_file(path, NULL) : NULL;
	if (!x->object || geteuid() != 0)
		return 0;
	/* As the driver does it: what it can't load is no use. */
	int rc = bpf_object__load(x->object);
	if (rc == -EPERM)
		return 0;
	assert_int_equal(rc, 0);
	struct bpf_program *first = bpf_object__next_program(x->object, NULL);
	assert_string_equal(bpf_program__name(first), STEER_PROGRAM);
	x->program = bpf_program__fd(first);
	x->sockets = bpf_object__find_map_fd_by_name(x->object, STEER_MAP_SOCKETS);
	x->config = bpf_object__find_map_fd_by_name(x->object, STEER_MAP_CONFIG);
	x->port.counters = bpf_object__find_map_fd_by_name(x->object, STEER_MAP_COUNTERS);
	x->port.active = true;
	assert_true(x->sockets >= 0 && x->config >= 0 && x->port.counters >= 0);

	struct xdp_steering s;
	xdp_steering_init(&s, (const uint16_t[]){53, 5300}, 2);
	config_set(x, &s);
	uint32_t queue = 0;
	x->socket = socket_open(x);
	assert_true(x->socket >= 0);
	assert_int_equal(bpf_map_update_elem(x->sockets, &queue, &x->socket, BPF_ANY), 0);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	if (x->socket >= 0)
		close(x->socket);
	if (x->umem)
		munmap(x->umem, UMEM_OCTETS);
	bpf_object__close(x->object);
	free(x);
	return 0;
}

/* The fixture; skips where the kernel runs no program of ours. */
static struct fixture *loaded(void **state)
{
	struct fixture *x = *state;

	if (!x->port.active) {
		print_message("skipped: XDP programs need root, and FLUXGATE_STEER\n");
		skip();
	}
	return x;
}

static void takes_dns(void **state)
{
	struct fixture *x = loaded(state);
	struct frame f;

	frame4(&f, UDP, 40000, 53);
	TAKES(x, &f, redirect_dns_udp);
	frame4(&f, UDP, 53, 40000);
	TAKES(x, &f, redirect_dns_udp);
	frame4(&f, UDP, 40000, 5300);
	TAKES(x, &f, redirect_dns_udp);
	frame4(&f, TCP, 40000, 53);
	TAKES(x, &f, redirect_dns_tcp);
	frame4(&f, TCP, 53, 40000);
	TAKES(x, &f, redirect_dns_tcp);
	/* DNS wins over what the other port says. */
	frame4(&f, UDP, 853, 53);
	TAKES(x, &f, redirect_dns_udp);
}

static void leaves_the_rest(void **state)
{
	struct fixture *x = loaded(state);
	struct frame f;

	frame4(&f, TCP, 40000, 22);
	LEAVES(x, &f, pass_other);
	frame4(&f, UDP, 40000, 5353);
	LEAVES(x, &f, pass_other);
	frame4(&f, 1, 0x0800, 53); /* ICMP */
	LEAVES(x, &f, pass_other);
	frame4(&f, 50, 53, 53); /* ESP */
	LEAVES(x, &f, pass_other);
	frame4(&f, TCP, 40000, 853);
	LEAVES(x, &f, encrypted);
	frame4(&f, UDP, 853, 40000);
	LEAVES(x, &f, encrypted);
	frame4(&f, TCP, 40000, 4789); /* no tunnel of TCP */
	LEAVES(x, &f, pass_other);
	ethernet(&f, 0x0806);
	put(&f, (uint8_t[46]){0, 1, 8, 0, 6, 4}, 46);
	LEAVES(x, &f, pass_not_ip);
}

static void reads_through_vlan_tags(void **state)
{
	static const unsigned type[] = {0x8100, 0x88a8, 0x9100, 0x9200, 0x8100};
	struct fixture *x = loaded(state);
	struct frame f;

	for (unsigned tags = 1; tags <= 5; tags++) {
		ethernet(&f, type[0]);
		for (unsigned i = 1; i < tags; i++)
			tag(&f, type[i]);
		tag(&f, 0x0800);
		ipv4(&f, UDP, 5, 0);
		ports(&f, 40000, 53);
		if (tags <= 4)
			TAKES(x, &f, redirect_dns_udp);
		else
			LEAVES(x, &f, pass_not_ip);
	}
}

static void reads_through_headers(void **state)
{
	struct fixture *x = loaded(state);
	struct frame f;

	for (unsigned words = 5; words <= 15; words++) {
		ethernet(&f, 0x0800);
		ipv4(&f, UDP, words, 0);
		ports(&f, 40000, 53);
		TAKES(x, &f, redirect_dns_udp);
	}
	ethernet(&f, 0x86dd);
	ipv6(&f, TCP);
	ports(&f, 40000, 53);
	TAKES(x, &f, redirect_dns_tcp);

	ethernet(&f, 0x86dd);
	ipv6(&f, 0);
	extension(&f, 43, 0);
	extension(&f, 51, 2);
	put(&f, (uint8_t[24]){60, 4}, 24); /* authentication: 4 words beyond the first two */
	extension(&f, 135, 1);
	extension(&f, UDP, 0);
	ports(&f, 53, 40000);
	TAKES(x, &f, redirect_dns_udp);
	for (unsigned n = 1; n <= 9; n++) {
		ethernet(&f, 0x86dd);
		ipv6(&f, 60);
		for (unsigned i = 0; i < n; i++)
			extension(&f, i + 1 < n ? 60 : UDP, i == 0 ? 255 : 0);
		ports(&f, 40000, 53);
		if (n <= 8)
			TAKES(x, &f, redirect_dns_udp);
		else
			LEAVES(x, &f, pass_other);
	}
}

static void takes_fragments_in_doubt(void **state)
{
	struct fixture *x = loaded(state);
	struct frame f;

	ethernet(&f, 0x0800); /* a first one of DNS; then of something else */
	ipv4(&f, UDP, 5, 0x2000);
	ports(&f, 53, 40000);
	TAKES(x, &f, redirect_fragment);
	ethernet(&f, 0x0800);
	ipv4(&f, UDP, 5, 0x2000);
	ports(&f, 40000, 2049);
	LEAVES(x, &f, pass_other);
	ethernet(&f, 0x0800); /* a first one that ends before its ports */
	ipv4(&f, TCP, 5, 0x2000);
	put16(&f, 40000);
	TAKES(x, &f, redirect_fragment);
	for (unsigned i = 0; i < 2; i++) {
		unsigned protocol = i ? TCP : UDP;
		ethernet(&f, 0x0800); /* later ones; the last has no "more" */
		ipv4(&f, protocol, 5, 0x2001);
		ports(&f, 1, 2);
		TAKES(x, &f, redirect_fragment);
		ethernet(&f, 0x0800);
		ipv4(&f, protocol, 5, 185);
		TAKES(x, &f, redirect_fragment);
	}
	ethernet(&f, 0x0800); /* of a ping; of GRE */
	ipv4(&f, 1, 5, 185);
	ports(&f, 53, 53);
	LEAVES(x, &f, pass_other);
	ethernet(&f, 0x0800);
	ipv4(&f, 47, 5, 185);
	TAKES(x, &f, redirect_fragment);
	/* "don't fragment" makes no fragment */
	ethernet(&f, 0x0800);
	ipv4(&f, UDP, 5, 0x4000);
	ports(&f, 53, 40000);
	TAKES(x, &f, redirect_dns_udp);
}

static void fragment6_make(struct frame *f, unsigned next, unsigned offset_and_more)
{
	ethernet(f, 0x86dd);
	ipv6(f, 44);
	fragment6(f, next, offset_and_more);
}

static void takes_fragments_of_ipv6(void **state)
{
	struct fixture *x = loaded(state);
	struct frame f;

	fragment6_make(&f, UDP, 1);
	ports(&f, 40000, 53);
	TAKES(x, &f, redirect_fragment);
	fragment6_make(&f, UDP, 1);
	ports(&f, 40000, 2049);
	LEAVES(x, &f, pass_other);
	fragment6_make(&f, UDP, 8 | 1);
	ports(&f, 1, 2);
	TAKES(x, &f, redirect_fragment);
	fragment6_make(&f, TCP, 1440);
	TAKES(x, &f, redirect_fragment);
	fragment6_make(&f, 60, 1440); /* options precede who knows what */
	TAKES(x, &f, redirect_fragment);
	fragment6_make(&f, 60, 1); /* they are cut in the first */
	put16(&f, UDP << 8);
	TAKES(x, &f, redirect_fragment);
	fragment6_make(&f, 60, 1);
	extension(&f, UDP, 0);
	ports(&f, 40000, 53);
	TAKES(x, &f, redirect_fragment);
	fragment6_make(&f, 58, 1440);
	LEAVES(x, &f, pass_other);
	fragment6_make(&f, UDP, 0); /* an atomic one is whole */
	ports(&f, 40000, 53);
	TAKES(x, &f, redirect_dns_udp);
}

static void takes_tunnels_that_are_on(void **state)
{
	static const struct {
		unsigned type, protocol, port;
	} tunnel[] = {{0x8847, 0, 0}, {0x8848, 0, 0}, {0x8864, 0, 0}, {0x0800, 47, 0},
		{0x0800, 4, 0}, {0x0800, 41, 0}, {0x86dd, 47, 0}, {0x86dd, 4, 0}, {0x86dd, 41, 0},
		{0x0800, UDP, 4789}, {0x0800, UDP, 8472}, {0x0800, UDP, 6081}, {0x86dd, UDP, 2152},
		{0x0800, UDP, 1701}, {0x0800, UDP, 3544}, {0x0800, UDP, 4754}};
	struct fixture *x = loaded(state);
	struct xdp_steering s;
	struct frame f;

	for (unsigned on = 0; on < 2; on++) {
		xdp_steering_init(&s, (const uint16_t[]){53}, 1);
		s.tunnels = on ? s.tunnels : 0;
		s.tunnel_count = on ? s.tunnel_count : 0;
		config_set(x, &s);
		for (size_t i = 0; i < sizeof(tunnel) / sizeof(tunnel[0]); i++) {
			bool ip = tunnel[i].type == 0x0800 || tunnel[i].type == 0x86dd;
			ethernet(&f, tunnel[i].type);
			if (tunnel[i].type == 0x0800)
				ipv4(&f, tunnel[i].protocol, 5, 0);
			else if (ip)
				ipv6(&f, tunnel[i].protocol);
			ports(&f, 60000, tunnel[i].port);
			if (on)
				TAKES(x, &f, redirect_tunnel);
			else if (ip)
				LEAVES(x, &f, pass_other);
			else
				LEAVES(x, &f, pass_not_ip);
		}
	}
}

static void leaves_the_malformed(void **state)
{
	struct fixture *x = loaded(state);
	struct frame f;

	/* The kernel runs no frame of fewer than 14 octets. */
	for (unsigned cut = 0; cut < 20 + 4; cut++) {
		frame4(&f, UDP, 40000, 53);
		f.n = 14 + cut;
		LEAVES(x, &f, pass_malformed);
	}
	frame4(&f, UDP, 40000, 53);
	f.octet[14] = 0x44;
	LEAVES(x, &f, pass_malformed);
	f.octet[14] = 0x65;
	LEAVES(x, &f, pass_malformed);
	f.octet[14] = 0x4f; /* options beyond the frame */
	f.n = 14 + 40;
	LEAVES(x, &f, pass_malformed);
	for (unsigned cut = 0; cut < 40 + 8 + 4; cut++) {
		ethernet(&f, 0x86dd);
		ipv6(&f, 60);
		extension(&f, UDP, 0);
		ports(&f, 40000, 53);
		f.n = 14 + cut;
		LEAVES(x, &f, pass_malformed);
	}
	ethernet(&f, 0x86dd);
	ipv6(&f, 60);
	extension(&f, UDP, 0);
	f.octet[14 + 40 + 1] = 255; /* a length that leads out of the frame */
	LEAVES(x, &f, pass_malformed);
	ethernet(&f, 0x8100);
	put16(&f, 7);
	LEAVES(x, &f, pass_malformed);
}

/* No octet string makes it count twice or not at all, or end anywhere but here or there. */
static void counts_any_octets_once(void **state)
{
	struct fixture *x = loaded(state);
	struct xdp_counters before, after;
	unsigned redirected = 0;
	struct frame f;

	srand(1);
	assert_int_equal(xdp_counters_read(&x->port, &before), 0);
	for (unsigned i = 0; i < 2000; i++) {
		ethernet(&f, i % 2 ? 0x0800 : 0x86dd);
		f.octet[f.n++] = i % 2 ? 0x45 : 0x60;
		for (unsigned n = 60 + (unsigned)rand() % 100; f.n < n; f.n++)
			f.octet[f.n] =
				(uint8_t)(rand() % 3 ? rand() : (int)(rand() % 2 ? UDP : 60));
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = f.octet, .data_size_in = f.n,
			.repeat = 1);
		assert_int_equal(bpf_prog_test_run_opts(x->program, &run), 0);
		assert_true(run.retval == XDP_PASS || run.retval == XDP_REDIRECT);
		redirected += run.retval == XDP_REDIRECT;
	}
	assert_int_equal(xdp_counters_read(&x->port, &after), 0);
	uint64_t all = 0, taken = 0;
	for (unsigned i = 0; i < STEER_CAUSES; i++) {
		all += after.cause[i] - before.cause[i];
		if (i <= STEER_redirect_tunnel)
			taken += after.cause[i] - before.cause[i];
	}
	assert_int_equal(all, 2000);
	assert_int_equal(taken, redirected);
	assert_in_range(redirected, 1, 1999);
}

/* To be the last two: they take away what the others need. */
static void leaves_all_without_a_socket(void **state)
{
	struct fixture *x = loaded(state);
	uint32_t queue = 0;
	struct frame f;

	assert_int_equal(bpf_map_delete_elem(x->sockets, &queue), 0);
	frame4(&f, UDP, 40000, 53);
	LEAVES(x, &f, redirect_failed);
	frame4(&f, UDP, 40000, 54);
	LEAVES(x, &f, pass_other);
}

static void leaves_all_before_it_is_told(void **state)
{
	struct fixture *x = loaded(state);
	struct frame f;

	config_set(x, NULL);
	frame4(&f, UDP, 40000, 53);
	LEAVES(x, &f, pass_unconfigured);
	ethernet(&f, 0x0806);
	LEAVES(x, &f, pass_unconfigured);
}

static void device_texts_are_read(void **state)
{
	(void)state;
	char interface[IF_NAMESIZE], out[1024], err[ERROR_LINE_MAX] = "";

	assert_false(xdp_device_parse("net_af_packet0,iface=eth1", interface));
	assert_false(xdp_device_parse("0000:3b:00.0", interface));
	assert_true(
		xdp_device_parse("net_af_xdp0,start_queue=1,iface=eth1,queue_count=2", interface));
	assert_string_equal(interface, "eth1");
	assert_true(xdp_device_parse("net_af_xdp,iface=eth1", interface));
	assert_string_equal(interface, "eth1");
	assert_true(xdp_device_parse("net_af_xdp0,myiface=eth1", interface));
	assert_string_equal(interface, "");
	assert_true(xdp_device_has_program("net_af_xdp0,iface=a,xdp_prog=/x.o"));
	assert_false(xdp_device_has_program("net_af_xdp0,iface=xdp_prog"));
	/* What is not for us is passed on as it is. */
	const char *own = "net_af_xdp0,iface=a,xdp_prog=/x.o";
	assert_int_equal(xdp_device_complete(own, out, sizeof(out), err), 0);
	assert_string_equal(out, own);
	assert_int_equal(xdp_device_complete("0000:3b:00.0", out, sizeof(out), err), 0);
	assert_string_equal(out, "0000:3b:00.0");
	assert_int_equal(xdp_device_complete(own, out, 10, err), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_texts_are_read),
		cmocka_unit_test(takes_dns),
		cmocka_unit_test(leaves_the_rest),
		cmocka_unit_test(reads_through_vlan_tags),
		cmocka_unit_test(reads_through_headers),
		cmocka_unit_test(takes_fragments_in_doubt),
		cmocka_unit_test(takes_fragments_of_ipv6),
		cmocka_unit_test(takes_tunnels_that_are_on),
		cmocka_unit_test(leaves_the_malformed),
		cmocka_unit_test(counts_any_octets_once),
		cmocka_unit_test(leaves_all_without_a_socket),
		cmocka_unit_test(leaves_all_before_it_is_told),
	};

	return cmocka_run_group_tests_name("xdp", tests, setup, teardown);
}
