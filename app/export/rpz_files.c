/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file.h"
#include "export/gate_state.h"
#include "export/rpz_files.h"
#include "export/zone.h"
#include "log.h"

#define STATE_SUFFIX ".state"
#define ZONE_MODE 0644 /* resolvers run as users of their own */
#define STATE_MODE 0600
#define ZONE_OCTETS_MAX ((size_t)64 << 20)

void rpz_files_init(struct rpz_files *f, const char *path)
{
	memset(f, 0, sizeof(*f));
	f->owner = -1;
	snprintf(f->path, sizeof(f->path), "%s", path);
}

void rpz_files_free(struct rpz_files *f)
{
	if (f->owner >= 0)
		close(f->owner);
	free(f->state);
	free(f->records);
}

static int fail(struct rpz_files *f, const char *path, int rc)
{
	snprintf(f->error, sizeof(f->error), "rpz: %.300s: %s: see to its folder", path,
		strerror(-rc));
	return rc;
}

static int state_write(struct rpz_files *f, const struct gate *g, uint32_t serial)
{
	char path[CONFIG_PATH_MAX + sizeof(STATE_SUFFIX)];
	size_t len;
	char *text = gate_state_text(g, serial, &len);
	int rc = text ? 0 : -ENOMEM;

	snprintf(path, sizeof(path), "%s" STATE_SUFFIX, f->path);
	if (rc == 0 && f->state && strcmp(text, f->state) == 0) {
		free(text);
		return 0;
	}
	if (rc == 0)
		rc = file_replace(path, text, len, STATE_MODE);
	if (rc < 0) {
		free(text);
		return fail(f, path, rc);
	}
	free(f->state);
	f->state = text;
	return 0;
}

static int zone_write(struct rpz_files *f, const struct rpz_content *c)
{
	size_t len;
	char *text = zone_text(c->zone, c->serial, c->records, &len);
	int rc = text ? file_replace(f->path, text, len, ZONE_MODE) : -ENOMEM;

	free(text);
	if (rc < 0)
		return fail(f, f->path, rc);
	free(f->records);
	f->records = strdup(c->records);
	return 0;
}

/* Are all records among those of the file? Both are in the gate's order. */
static bool only_loses(const char *at, const char *record)
{
	while (*record && at && *at) {
		size_t len = strcspn(record, "\n") + 1;

		if (strncmp(at, record, len) == 0)
			record += len;
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at && !*record;
}

int rpz_files_write(
	struct rpz_files *f, const struct gate *g, const struct rpz_content *c, bool changed)
{
	if (!f->path[0])
		return 0;
	int rc = state_write(f, g, c->serial);
	if ((changed || f->behind) && (rc == 0 || only_loses(f->records, c->records))) {
		int zone_rc = zone_write(f, c);

		rc = rc < 0 ? rc : zone_rc;
	}
	f->behind = rc < 0;
	if (rc == 0)
		f->error[0] = '\0';
	return rc;
}

static int owner_take(struct rpz_files *f)
{
	char lock[CONFIG_PATH_MAX + sizeof(".lock")];

	f->owner = file_lock(f->path);
	if (f->owner >= 0)
		return 0;
	snprintf(lock, sizeof(lock), "%s.lock", f->path);
	if (f->owner != -EWOULDBLOCK)
		return fail(f, lock, f->owner);
	snprintf(f->error, sizeof(f->error),
		"rpz: %.300s: another sensor keeps its zone there: give each a path of its own",
		f->path);
	return f->owner;
}

static int refuse(struct rpz_files *f, const char *path, const char *why)
{
	snprintf(f->error, sizeof(f->error), "rpz: %.300s: %s: name another file, or move it away",
		path, why);
	return -EEXIST;
}

/* Beside a zone of ours a state is ours, too, however damaged. */
static int state_read(struct rpz_files *f, struct gate *g, uint32_t *serial, bool ours)
{
	char path[CONFIG_PATH_MAX + sizeof(STATE_SUFFIX)];
	const char *why = NULL;
	size_t len = 0;

	snprintf(path, sizeof(path), "%s" STATE_SUFFIX, f->path);
	char *text = file_read(path, GATE_STATE_OCTETS_MAX, &len);
	if (text)
		why = gate_state_parse(g, serial, text, len);
	else if (errno != ENOENT)
		why = strerror(errno);
	bool empty = text && len == 0;
	free(text);
	if (why && !ours && !empty)
		return refuse(f, path, why);
	if (why)
		log_line(LOG_LEVEL_WARNING, "rpz: %.300s: %s: starting with an empty zone", path,
			why);
	return 0;
}

/* The zone as it is on the disk, with a NUL behind it; NULL: there is none, or it is empty. */
static int zone_read(struct rpz_files *f, char **zone)
{
	size_t len = 0;
	char *text = file_read(f->path, ZONE_OCTETS_MAX, &len);

	*zone = NULL;
	if (!text)
		return errno == ENOENT ? 0 : refuse(f, f->path, strerror(errno));
	if (len > 0)
		*zone = strndup(text, len);
	free(text);
	if (len > 0 && !*zone)
		return fail(f, f->path, -ENOMEM);
	if (!*zone || zone_serial(*zone))
		return 0;
	free(*zone);
	*zone = NULL;
	return refuse(f, f->path, "no zone of ours");
}

int rpz_files_open(struct rpz_files *f, struct gate *g, uint32_t *serial, char **zone)
{
	*zone = NULL;
	if (!f->path[0])
		return 0;
	int rc = owner_take(f);
	if (rc == 0)
		rc = zone_read(f, zone);
	uint32_t written = *zone ? zone_serial(*zone) : 0;
	if (rc == 0)
		rc = state_read(f, g, serial, written != 0);
	if (written && (*serial == 0 || (int32_t)(written - *serial) > 0))
		*serial = written;
	return rc;
}

bool rpz_files_hold(struct rpz_files *f, const char *zone, const struct rpz_content *c)
{
	size_t len;
	char *same = zone_text(c->zone, c->serial, c->records, &len);
	bool holds = same && strcmp(same, zone) == 0;

	free(same);
	if (holds)
		f->records = strdup(c->records);
	return holds;
}
