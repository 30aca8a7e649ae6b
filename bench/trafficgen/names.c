/* SPDX-License-Identifier: BSD-3-Clause */
#include "names.h"

#include <string.h>

#include "rng.h"

void name_add(struct dns_name *name, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, ".");

		name->wire[name->len++] = (uint8_t)len;
		memcpy(name->wire + name->len, text, len);
		name->len = (uint8_t)(name->len + len);
		text += len;
		if (*text == '.')
			text++;
	}
}

void name_end(struct dns_name *name)
{
	name->wire[name->len++] = 0;
}

void name_apex_text(const struct dns_name *name, char *text)
{
	const uint8_t *label = name->wire + name->apex_at;

	while (*label != 0) {
		memcpy(text, label + 1, *label);
		text += *label;
		label += 1 + *label;
		if (*label != 0)
			*text++ = '.';
	}
	*text = '\0';
}

void name_under(struct dns_name *name, const char *host, const struct dns_name *apex)
{
	uint8_t apex_len = (uint8_t)(apex->len - apex->apex_at);

	name->len = 0;
	name_add(name, host);
	name->apex_at = name->len;
	memcpy(name->wire + name->len, apex->wire + apex->apex_at, apex_len);
	name->len = (uint8_t)(name->len + apex_len);
}

static const char consonants[] = "bcdfghjklmnpqrstvwxz"; /* 20 */
static const char vowels[] = "aeiou";

void label_make(char *text, uint32_t number, uint64_t hash, unsigned int length)
{
	uint32_t round = number / LABEL_CORE_COUNT;
	unsigned int i;

	/* Multiplying by a number coprime to the count permutes the labels. */
	number = (uint32_t)((uint64_t)number * 7368787u % LABEL_CORE_COUNT);
	for (i = 0; i < LABEL_CORE; i++) {
		uint32_t base = i % 2 == 0 ? 20 : 5;

		text[i] = i % 2 == 0 ? consonants[number % base] : vowels[number % base];
		number /= base;
	}
	if (round > 0)
		text[i++] = (char)('0' + round);
	for (; i < length; i++) {
		text[i] = i % 2 == 0 ? consonants[hash % 20] : vowels[hash % 5];
		hash = hash >> 5;
	}
	text[i] = '\0';
}

void label_random(char *text, uint64_t hash, unsigned int length)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	for (unsigned int i = 0; i < length; i++) {
		hash = hash_mix(hash + i);
		text[i] = alphabet[hash_below(hash, i == 0 ? 26 : 36)];
	}
	text[length] = '\0';
}
