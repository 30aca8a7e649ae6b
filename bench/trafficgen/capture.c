/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_OCTETS (1u << 20)
#define SNAP_OCTETS 65535

struct waiting_packet {
	uint16_t len;
	uint8_t bytes[];
};

int capture_open(struct capture *capture, const char *path, bool nanoseconds)
{
	unsigned int precision =
		nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO;
	FILE *file;
	int ret = -ENOMEM;

	*capture = (struct capture){.nanoseconds = nanoseconds};
	file = fopen(path, "wb");
	if (file == NULL)
		return -errno;
	capture->buffer = malloc(BUFFER_OCTETS);
	capture->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAP_OCTETS, precision);
	if (capture->buffer == NULL || capture->pcap == NULL)
		goto failed;
	setvbuf(file, capture->buffer, _IOFBF, BUFFER_OCTETS);
	capture->dumper = pcap_dump_fopen(capture->pcap, file);
	if (capture->dumper != NULL)
		return 0;
	ret = -EIO;
failed:
	fclose(file);
	if (capture->pcap != NULL)
		pcap_close(capture->pcap);
	free(capture->buffer);
	return ret;
}

static void packet_write(struct capture *capture, uint64_t time, const uint8_t *bytes, uint16_t len)
{
	struct pcap_pkthdr header = {.caplen = len, .len = len};

	if (capture->error != 0)
		return;
	header.ts.tv_sec = (time_t)(time / 1000000000u);
	/* In a nanosecond capture libpcap takes this field as nanoseconds. */
	header.ts.tv_usec = (suseconds_t)(time % 1000000000u / (capture->nanoseconds ? 1 : 1000));
	pcap_dump((u_char *)capture->dumper, &header, bytes);
	if (ferror_unlocked(pcap_dump_file(capture->dumper)))
		capture->error = errno != 0 ? -errno : -EIO;
}

int capture_add(struct capture *capture, uint64_t time, const struct frame *frame)
{
	uint16_t len = (uint16_t)(frame->end - frame->start);
	struct waiting_packet *packet;
	int ret;

	if (time <= capture->now) {
		packet_write(capture, time, frame->bytes + frame->start, len);
		return capture->error;
	}
	packet = malloc(sizeof(*packet) + len);
	if (packet == NULL)
		return -ENOMEM;
	packet->len = len;
	memcpy(packet->bytes, frame->bytes + frame->start, len);
	ret = heap_push(&capture->waiting, time, packet);
	if (ret != 0)
		free(packet);
	return ret;
}

void capture_advance(struct capture *capture, uint64_t time)
{
	while (capture->waiting.count > 0 && heap_top(&capture->waiting)->time <= time) {
		uint64_t due = heap_top(&capture->waiting)->time;
		struct waiting_packet *packet = heap_pop(&capture->waiting);

		packet_write(capture, due, packet->bytes, packet->len);
		free(packet);
	}
	capture->now = time;
}

int capture_close(struct capture *capture)
{
	FILE *file = pcap_dump_file(capture->dumper);

	capture_advance(capture, UINT64_MAX);
	if (fflush(file) != 0 && capture->error == 0)
		capture->error = -errno;
	pcap_dump_close(capture->dumper);
	pcap_close(capture->pcap);
	heap_free(&capture->waiting);
	free(capture->buffer);
	return capture->error;
}
