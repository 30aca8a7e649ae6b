/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/* Names in wire form: length-prefixed labels in lower case, ended by the root's zero octet. */

#define NAME_OCTETS 128
#define LABEL_CORE 7               /* letters that make a label unique */
#define LABEL_CORE_COUNT 20000000u /* how many such labels there are, */
#define LABEL_COUNT 200000000u     /* and with a digit behind them */
#define LABEL_TEXT 32

struct dns_name {
	uint8_t len;     /* octets in wire[], root included once name_end() was called */
	uint8_t apex_at; /* where the registered domain begins in wire[] */
	uint8_t wire[NAME_OCTETS];
};

/* Appends the labels of dotted text; the caller keeps the whole below NAME_OCTETS. */
void name_add(struct dns_name *name, const char *text);

void name_end(struct dns_name *name);

/* Dotted text of the registered domain; text holds NAME_OCTETS. */
void name_apex_text(const struct dns_name *name, char *text);

/* host (dotted, may be empty) in front of the registered domain of apex. */
void name_under(struct dns_name *name, const char *host, const struct dns_name *apex);

/*
 * A pronounceable label of LABEL_CORE letters, with a digit from LABEL_CORE_COUNT on; different
 * numbers below LABEL_COUNT give different labels. Then filler letters from hash up to length.
 * text holds LABEL_TEXT.
 */
void label_make(char *text, uint32_t number, uint64_t hash, unsigned int length);

/* A label of length letters and digits out of hash. text holds LABEL_TEXT. */
void label_random(char *text, uint64_t hash, unsigned int length);
