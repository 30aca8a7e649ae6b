/* SPDX-License-Identifier: BSD-3-Clause */

/* A start: which of the files is used, and what is said of those that are not. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "saved/load.h"
#include "state/state.h"

struct reading {
	int fd;
	uint64_t length;
	uint8_t *buffer;
	size_t room;
	size_t used; /* octets in the buffer */
	int error;   /* errno of a read that failed */
	struct state_header header;
	struct state_head head;
	const struct state_reader *reader;
};

static void tables_empty(struct state_tables *t, struct hash_key sketch)
{
	t->store = store_init(t->store_memory, &t->store_config, t->placement, sketch);
	t->detector = detector_init(t->detector_memory, t->verdicts, &t->detect);
}

/* Fills the buffer up; false at the end, or when it fails. */
static bool buffer_fill(struct reading *r)
{
	while (r->used < r->room) {
		ssize_t n = read(r->fd, r->buffer + r->used, r->room - r->used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r->error = errno;
		if (n <= 0)
			return false;
		r->used += (size_t)n;
	}
	return true;
}

static void buffer_take(struct reading *r, size_t n)
{
	memmove(r->buffer, r->buffer + n, r->used - n);
	r->used -= n;
}

static enum state_fault reading_start(struct reading *r, uint32_t now)
{
	enum state_fault f;

	buffer_fill(r);
	f = state_open_octets(r->buffer, r->used < STATE_START ? r->used : STATE_START, r->length,
		state_readers, state_readers_count, &r->header, &r->head, &r->reader);
	if (f == STATE_OK && r->head.now > now && r->head.now - now > STATE_AHEAD_SECONDS)
		f = STATE_FUTURE;
	return f;
}

static enum state_fault reading_load(
	struct reading *r, struct state_tables *t, struct state_load *l)
{
	bool more = true;

	tables_empty(t, r->head.sketch);
	state_load_begin(l, t->store, t->detector, t->psl, &r->header, &r->head, r->reader);
	buffer_take(r, STATE_HEADER);
	while (l->fault == STATE_OK && (more || r->used > 0)) {
		more = more && buffer_fill(r);
		size_t n = state_load_feed(l, r->buffer, r->used);
		buffer_take(r, n);
		if (!more && n == 0)
			break;
	}
	return state_load_end(l);
}

static const char *remedy_of(enum state_fault f)
{
	switch (f) {
	case STATE_TOO_NEW:
		return "run the version that wrote it";
	case STATE_FUTURE:
		return "set the clock, move the file back to its name and restart";
	default:
		return "see to the disk";
	}
}

/* One line: what, where, remedy. */
static void refuse(struct state *s, enum state_file which, const char *why, const char *remedy)
{
	const struct state_files *f = &s->files;
	int rc = state_files_set_aside(f, which);

	snprintf(s->report.refusal, sizeof(s->report.refusal),
		"state: %.200s%s: %s: it is not used%s%.100s: %s", f->path,
		which == STATE_FILE_BEFORE ? ".1" : "", why,
		rc == 0 ? ", and kept as " : ", and cannot be renamed to ", f->refused[which],
		remedy);
	log_line(LOG_LEVEL_ERROR, "%s", s->report.refusal);
}

static void tell(const struct state_report *r, uint32_t now)
{
	const struct state_restored *x = &r->restored;
	uint64_t lost = x->domains_lost + x->candidates_lost + x->door_lost + x->reverse_lost +
			x->verdicts_lost;

	log_line(LOG_LEVEL_NOTICE,
		"state: loaded the %s, %u s old: %lu domains in full, %lu candidates, %lu waiting, "
		"%lu flagged",
		state_load_name(r->load), now > r->loaded ? now - r->loaded : 0, x->domains,
		x->candidates, x->door, x->verdicts);
	if (x->renamed)
		log_line(LOG_LEVEL_WARNING,
			"state: the public suffix list is another: %lu names are no registered "
			"domains by it and were left out",
			x->renamed);
	if (lost - x->renamed + x->reduced)
		log_line(LOG_LEVEL_WARNING,
			"state: tables are smaller than those saved: %lu domains kept as "
			"candidates; lost: %lu domains, %lu candidates, %lu waiting, %lu "
			"addresses, "
			"%lu verdicts: raise \"store\" and restart from %s.1",
			x->reduced, x->domains_lost - x->renamed, x->candidates_lost, x->door_lost,
			x->reverse_lost, x->verdicts_lost, r->path);
	if (r->rejected)
		log_line(LOG_LEVEL_WARNING,
			"state: %lu records make no sense and were left out: this is a defect, "
			"please report it",
			r->rejected);
}

/* 1: loaded; 0: there is none, or it cannot be used. */
static bool file_restore(
	struct state *s, enum state_file which, struct state_tables *t, uint32_t now, void *buffer)
{
	static struct state_load load;
	struct reading r = {.fd = state_files_read(&s->files, which),
		.buffer = buffer,
		.room = writer_octets()};
	struct stat st;

	if (r.fd == -ENOENT)
		return false;
	if (r.fd >= 0 && fstat(r.fd, &st) == 0 && S_ISREG(st.st_mode)) {
		r.length = (uint64_t)st.st_size;
		enum state_fault f = reading_start(&r, now);
		if (f == STATE_OK)
			f = reading_load(&r, t, &load);
		close(r.fd);
		if (f != STATE_OK) {
			s->report.load = STATE_LOAD_REFUSED;
			refuse(s, which, r.error ? strerror(r.error) : state_fault_text(f),
				remedy_of(f));
			return false;
		}
		s->report.load =
			which == STATE_FILE_NEWEST ? STATE_LOAD_NEWEST : STATE_LOAD_PREVIOUS;
		s->report.loaded = s->report.saved = r.head.now;
		s->report.octets = r.length;
		s->report.restored = load.restored;
		s->report.rejected = load.rejected;
		t->sketch = r.head.sketch;
		return true;
	}
	s->report.load = STATE_LOAD_REFUSED;
	refuse(s, which, r.fd < 0 ? strerror(-r.fd) : "it is no ordinary file",
		"see to its rights");
	if (r.fd >= 0)
		close(r.fd);
	return false;
}

void state_restore(struct state *s, struct state_tables *t, uint32_t now, void *buffer)
{
	for (unsigned i = 0; i < STATE_FILES; i++) {
		if (!file_restore(s, (enum state_file)i, t, now, buffer))
			continue;
		tell(&s->report, now);
		return;
	}
	tables_empty(t, t->sketch);
	log_line(s->report.load == STATE_LOAD_REFUSED ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE,
		"state: %.200s: %s: starting empty", s->report.path,
		s->report.load == STATE_LOAD_REFUSED ? "no file can be used" : "none yet");
}
