/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Answers of the API as a person reads them. Trees come from answer_clean; members
 * that are missing or of another type show as "-". All return 0 or -ENOMEM.
 */

#include "answer.h"
#include "out.h"

int render_status(const struct out *o, const json_t *status);
void render_conditions(const struct out *o, const json_t *status);
int render_domains(const struct out *o, const json_t *domains); /* an array of them */
int render_events(const struct out *o, const json_t *events);   /* the same */
int render_allow(const struct out *o, const json_t *entries);   /* the same */
int render_domain(const struct out *o, const json_t *domain);
int render_explain(const struct out *o, const json_t *explanation);

/* 93784 -> "1d02h"; NAN -> "-". */
const char *duration_print(double seconds, char text[NUMBER_MAX]);

/* 0.0123 -> "1.23 %". */
const char *share_print(double share, char text[NUMBER_MAX]);

/* Frames that a port lost, by all causes that are counted. */
double port_lost(const json_t *port);
