/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "state/writer.h"
#include "thread.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

size_t writer_octets(void)
{
	return WRITER_BUFFERS * WRITER_BUFFER_OCTETS;
}

static void fail(struct state_writer *w, const char *what, int why)
{
	w->file.failed = true;
	snprintf(w->result.error, sizeof(w->result.error),
		"state: %.200s: %s: %s: nothing was saved, the states before are kept: see to the "
		"disk",
		w->files->path, what, strerror(why));
}

static void file_close(struct writer_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static void octets_write(struct state_writer *w, const uint8_t *p, size_t n)
{
	while (n > 0 && !w->file.failed) {
		ssize_t done = write(w->file.fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			fail(w, "write", done < 0 ? errno : EIO);
			return;
		}
		p += done;
		n -= (size_t)done;
	}
}

/* Room for the header is left: zeros, by which a file that was not completed is known. */
static void file_begin(struct state_writer *w)
{
	static const uint8_t blank[STATE_HEADER];

	file_close(&w->file);
	w->file = (struct writer_file){.fd = state_files_create(w->files), .started = now_ns()};
	w->result.error[0] = '\0';
	if (w->file.fd < 0)
		fail(w, "create", -w->file.fd);
	octets_write(w, blank, sizeof(blank));
	w->file.octets = sizeof(blank);
}

static void file_end(struct state_writer *w, uint32_t time)
{
	struct writer_file *f = &w->file;
	const struct state_header h = {STATE_VERSION, f->octets, f->crc};
	uint8_t header[STATE_HEADER];
	int rc = 0;

	state_header_put(header, &h);
	if (!f->failed && pwrite(f->fd, header, sizeof(header), 0) != sizeof(header))
		fail(w, "write", errno ? errno : EIO);
	if (!f->failed && (rc = state_files_commit(w->files, f->fd)) < 0)
		fail(w, "commit", -rc);
	file_close(f);
	if (f->failed)
		state_files_discard(w->files);
	w->result.time = time;
	w->result.octets = f->octets;
	w->result.ns = now_ns() - f->started;
	atomic_fetch_add_explicit(&w->done, 1, memory_order_release);
}

static void buffer_write(struct state_writer *w, const struct writer_buffer *b)
{
	if (b->first)
		file_begin(w);
	w->file.crc = crc32c(w->file.crc, b->octets, b->used);
	octets_write(w, b->octets, b->used);
	w->file.octets += b->used;
	if (b->last)
		file_end(w, b->time);
}

/* Until something is given, or a second has passed: nothing hangs on one wake-up. */
static void wait_for_more(struct state_writer *w)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	sem_clockwait(&w->given, CLOCK_MONOTONIC, &until);
}

static void *writer_run(void *arg)
{
	struct state_writer *w = arg;
	bool stop = false;

	while (!stop) {
		wait_for_more(w);
		/* Read first: what was given before it is written before the end. */
		stop = atomic_load_explicit(&w->stop, memory_order_acquire);
		uint32_t at = atomic_load_explicit(&w->emptied, memory_order_relaxed);
		for (; at != atomic_load_explicit(&w->filled, memory_order_acquire); at++) {
			buffer_write(w, &w->buffer[at % WRITER_BUFFERS]);
			atomic_store_explicit(&w->emptied, at + 1, memory_order_release);
		}
	}
	file_close(&w->file);
	return NULL;
}

int writer_start(struct state_writer *w, void *memory, const struct state_files *files)
{
	memset(w, 0, sizeof(*w));
	w->files = files;
	w->file.fd = -1;
	for (unsigned i = 0; i < WRITER_BUFFERS; i++)
		w->buffer[i].octets = (uint8_t *)memory + i * WRITER_BUFFER_OCTETS;
	sem_init(&w->given, 0, 0);
	int rc = thread_start(&w->thread, writer_run, w);
	w->running = rc == 0;
	return rc;
}

struct writer_buffer *writer_next(struct state_writer *w)
{
	uint32_t at = atomic_load_explicit(&w->filled, memory_order_relaxed);

	if (at - atomic_load_explicit(&w->emptied, memory_order_acquire) == WRITER_BUFFERS)
		return NULL;
	return &w->buffer[at % WRITER_BUFFERS];
}

void writer_give(struct state_writer *w)
{
	uint32_t at = atomic_load_explicit(&w->filled, memory_order_relaxed);

	atomic_store_explicit(&w->filled, at + 1, memory_order_release);
	sem_post(&w->given);
}

void writer_stop(struct state_writer *w)
{
	if (!w->running)
		return;
	atomic_store_explicit(&w->stop, true, memory_order_release);
	sem_post(&w->given);
	pthread_join(w->thread, NULL);
	sem_destroy(&w->given);
	w->running = false;
}
