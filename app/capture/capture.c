/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>
#include <zlib.h>

#include "base/bits.h"
#include "capture/capture.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define LEAP_NS (86400 * NS_PER_SECOND)
#define READ_BUFFER (64u << 10)

/* Packets between two looks at how far the file was read. */
#define PROGRESS_PACKETS 256u

/* libpcap names the BSD numbers of raw IP, which differ, by the host it was built on. */
#define DLT_RAW_BSD 12
#define DLT_RAW_OPENBSD 14

struct reader {
	const char *path; /* the caller's */
	pcap_t *pcap;
	gzFile gz; /* closed with pcap, which owns the stream over it */
	enum wire_link link;
	uint32_t frames;
	uint64_t octets_read;
	const struct pcap_pkthdr *header; /* of the packet that waits for its turn */
	const uint8_t *data;
	uint64_t stamp_ns;
};

struct captures {
	struct capture_facts facts;
	uint64_t leap_ns; /* a stamp far ahead that waits to be confirmed; 0 none */
	bool started;
	uint32_t heap_used;
	uint32_t heap[CAPTURE_FILES_MAX]; /* readers with a packet, the oldest one first */
	struct reader reader[];
};

static ssize_t stream_read(void *cookie, char *buf, size_t n)
{
	int got = gzread(cookie, buf, (unsigned)n);

	if (got < 0)
		errno = EIO;
	return got;
}

static int stream_close(void *cookie)
{
	gzclose_r(cookie); /* that the file was cut is known by now */
	return 0;
}

/*
 * The file as a stream, unpacked where it is gzip. zlib tells by the first
 * octets, not by the name, and passes anything else through.
 */
static int stream_open(struct reader *r, FILE **out, uint64_t *size)
{
	struct stat st;
	int rc = -ENOMEM;
	int fd = open(r->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		rc = -errno;
		goto fail;
	}
	if (S_ISDIR(st.st_mode)) {
		rc = -EISDIR;
		goto fail;
	}
	if (S_ISREG(st.st_mode) && st.st_size == 0) {
		rc = -ENODATA;
		goto fail;
	}
	*size = (uint64_t)st.st_size; /* 0 for a pipe */
	r->gz = gzdopen(fd, "rb");
	if (!r->gz)
		goto fail;
	gzbuffer(r->gz, READ_BUFFER);
	*out = fopencookie(
		r->gz, "rb", (cookie_io_functions_t){.read = stream_read, .close = stream_close});
	if (*out)
		return 0;
	gzclose_r(r->gz);
	return rc;
fail:
	close(fd);
	return rc;
}

/* What is wrong with the compressed file, or NULL; libpcap sees an end or a read error only. */
static const char *gzip_fault(gzFile gz)
{
	int code = Z_OK;

	gzerror(gz, &code);
	switch (code) {
	case Z_OK:
	case Z_STREAM_END:
		return NULL;
	case Z_BUF_ERROR:
		return "the gzip file is cut";
	default:
		return "the gzip file is damaged";
	}
}

static bool link_of(int dlt, enum wire_link *link)
{
	switch (dlt) {
	case DLT_EN10MB:
		*link = WIRE_LINK_ETHERNET;
		return true;
	case DLT_LINUX_SLL:
		*link = WIRE_LINK_SLL;
		return true;
	case DLT_LINUX_SLL2:
		*link = WIRE_LINK_SLL2;
		return true;
	case DLT_RAW_BSD:
	case DLT_RAW_OPENBSD:
	case DLT_IPV4:
	case DLT_IPV6:
		*link = WIRE_LINK_RAW;
		return true;
	case DLT_NULL:
	case DLT_LOOP:
		*link = WIRE_LINK_NULL;
		return true;
	case DLT_FDDI:
		*link = WIRE_LINK_FDDI;
		return true;
	case DLT_PPP:
	case DLT_PPP_SERIAL:
		*link = WIRE_LINK_PPP;
		return true;
	case DLT_C_HDLC:
		*link = WIRE_LINK_HDLC;
		return true;
	case DLT_ARCNET_LINUX:
		*link = WIRE_LINK_ARCNET;
		return true;
	case DLT_NFLOG:
		*link = WIRE_LINK_NFLOG;
		return true;
	case DLT_IEEE802_11:
		*link = WIRE_LINK_80211;
		return true;
	case DLT_IEEE802_11_RADIO:
		*link = WIRE_LINK_RADIOTAP;
		return true;
	case DLT_PPI:
		*link = WIRE_LINK_PPI;
		return true;
	case DLT_PKTAP:
		*link = WIRE_LINK_PKTAP;
		return true;
	default:
		return false;
	}
}

static int link_refused(const char *path, int dlt, char *err, size_t err_size)
{
	const char *name = pcap_datalink_val_to_name(dlt);

	snprintf(err, err_size,
		"capture: %s: link type %s (%d) is not supported: Ethernet, Linux cooked, raw IP, "
		"loopback, PPP, HDLC, FDDI, ARCnet, 802.11, PPI, PKTAP and NFLOG are",
		path, name ? name : "unknown", dlt);
	return -EPROTONOSUPPORT;
}

static int reader_open(struct captures *c, struct reader *r, char *err, size_t err_size)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *stream = NULL;
	uint64_t size = 0;
	int rc = stream_open(r, &stream, &size);

	if (rc == -ENODATA) {
		snprintf(err, err_size, "capture: %s: the file is empty: no capture", r->path);
		return rc;
	}
	if (rc < 0) {
		snprintf(err, err_size, "capture: %s: %s%s", r->path, strerror(-rc),
			rc == -ENOENT ? ": name a file that exists" : "");
		return rc;
	}
	r->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!r->pcap) {
		const char *fault = gzip_fault(r->gz);

		snprintf(err, err_size, "capture: %s: no capture (%s): pcap or pcapng is wanted",
			r->path, fault ? fault : why);
		fclose(stream);
		return -EBADMSG;
	}
	c->facts.octets_total += size;
	int dlt = pcap_datalink(r->pcap);
	return link_of(dlt, &r->link) ? 0 : link_refused(r->path, dlt, err, err_size);
}

static void note_cut(struct captures *c, const struct reader *r, const char *why)
{
	if (c->facts.cut++ == 0)
		snprintf(c->facts.cut_note, sizeof(c->facts.cut_note),
			"capture: %s: ends early, behind frame %u: %s", r->path, r->frames, why);
}

/* Nonsense in a header is bounded: 32 bits of seconds, less than a second of nanoseconds. */
static uint64_t stamp_of(const struct pcap_pkthdr *h)
{
	/* libpcap widens the unsigned seconds of a pcap file as if they were signed. */
	int64_t sec = h->ts.tv_sec < 0 ? (int64_t)(uint32_t)h->ts.tv_sec : h->ts.tv_sec;
	int64_t ns = h->ts.tv_usec;

	if (sec > UINT32_MAX)
		sec = UINT32_MAX;
	if (ns < 0 || ns >= (int64_t)NS_PER_SECOND)
		ns = NS_PER_SECOND - 1;
	return (uint64_t)sec * NS_PER_SECOND + (uint64_t)ns;
}

static void progress(struct captures *c, struct reader *r)
{
	z_off_t at = gzoffset(r->gz);

	if (at < 0 || (uint64_t)at < r->octets_read)
		return;
	c->facts.octets_read += (uint64_t)at - r->octets_read;
	r->octets_read = (uint64_t)at;
}

/* Fetches the reader's next packet; false at its end. */
static bool reader_next(struct captures *c, struct reader *r)
{
	struct pcap_pkthdr *h;
	int rc = pcap_next_ex(r->pcap, &h, &r->data);

	if (rc == 1) {
		r->header = h;
		r->stamp_ns = stamp_of(h);
		if (r->frames++ % PROGRESS_PACKETS == 0)
			progress(c, r);
		return true;
	}
	progress(c, r);
	/* A gzip file may end early just between two packets. */
	const char *fault = gzip_fault(r->gz);
	if (fault || rc != PCAP_ERROR_BREAK)
		note_cut(c, r, fault ? fault : pcap_geterr(r->pcap));
	return false;
}

/* Of two readers, the one whose packet goes first: the older, else the earlier argument. */
static bool goes_first(const struct captures *c, uint32_t a, uint32_t b)
{
	uint64_t ta = c->reader[a].stamp_ns, tb = c->reader[b].stamp_ns;

	return ta != tb ? ta < tb : a < b;
}

static void sift_down(struct captures *c, uint32_t at)
{
	uint32_t *h = c->heap;
	uint32_t moving = h[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < c->heap_used && goes_first(c, h[child + 1], h[child]))
			child++;
		if (child >= c->heap_used || !goes_first(c, h[child], moving))
			break;
		h[at] = h[child];
		at = child;
	}
	h[at] = moving;
}

static void heap_build(struct captures *c)
{
	for (uint32_t i = 0; i < c->facts.files; i++)
		if (reader_next(c, &c->reader[i]))
			c->heap[c->heap_used++] = i;
	for (uint32_t i = c->heap_used / 2; i-- > 0;)
		sift_down(c, i);
}

int captures_open(
	struct captures **out, const char *const paths[], unsigned n, char *err, size_t err_size)
{
	int rc = 0;

	if (n == 0 || n > CAPTURE_FILES_MAX) {
		snprintf(err, err_size, "capture: %u files: 1 to %u can be read at once", n,
			CAPTURE_FILES_MAX);
		return -EINVAL;
	}
	struct captures *c = calloc(1, sizeof(*c) + n * sizeof(c->reader[0]));
	if (!c) {
		snprintf(err, err_size, "capture: out of memory");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n && rc == 0; i++) {
		c->facts.files++;
		c->reader[i].path = paths[i];
		rc = reader_open(c, &c->reader[i], err, err_size);
	}
	if (rc < 0) {
		captures_close(c);
		return rc;
	}
	*out = c;
	return 0;
}

/* The stamp as time: not backwards, and no leap ahead that stands alone. */
static uint64_t time_of(struct captures *c, uint64_t stamp_ns)
{
	struct capture_facts *f = &c->facts;

	if (stamp_ns < f->last_ns) {
		f->backwards++;
		return f->last_ns;
	}
	if (f->packets && stamp_ns - f->last_ns > LEAP_NS) {
		if (c->leap_ns == 0 || stamp_ns + LEAP_NS < c->leap_ns) {
			c->leap_ns = stamp_ns;
			f->leaps++;
			return f->last_ns;
		}
		f->leaps--; /* confirmed: the capture has a gap there */
	}
	c->leap_ns = 0;
	return stamp_ns;
}

static void hand_out(struct captures *c, uint32_t file, struct capture_packet *out)
{
	const struct reader *r = &c->reader[file];
	struct capture_facts *f = &c->facts;

	out->data = r->data;
	out->caplen = r->header->caplen;
	out->wirelen = r->header->len < out->caplen ? out->caplen : r->header->len;
	out->stamp_ns = r->stamp_ns;
	out->time_ns = time_of(c, r->stamp_ns);
	out->file = file;
	out->frame = r->frames;
	out->link = r->link;
	if (f->packets++ == 0)
		f->first_ns = out->time_ns;
	f->last_ns = out->time_ns;
}

int captures_next(struct captures *c, struct capture_packet *out)
{
	/* The packet at the top was handed out by the call before: its reader moves on. */
	if (unlikely(!c->started)) {
		c->started = true;
		heap_build(c);
	} else if (c->heap_used) {
		if (!reader_next(c, &c->reader[c->heap[0]]))
			c->heap[0] = c->heap[--c->heap_used];
		if (c->heap_used)
			sift_down(c, 0);
	}
	if (c->heap_used == 0)
		return 0;
	hand_out(c, c->heap[0], out);
	return 1;
}

const struct capture_facts *captures_facts(const struct captures *c)
{
	return &c->facts;
}

const char *captures_path(const struct captures *c, uint32_t file)
{
	return c->reader[file].path;
}

void captures_close(struct captures *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->facts.files; i++)
		if (c->reader[i].pcap)
			pcap_close(c->reader[i].pcap);
	free(c);
}
