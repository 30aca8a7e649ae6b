/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attacks.h"
#include "families.h"
#include "mix.h"

#define MAX_SECONDS UINT32_MAX /* what a capture's time stamp holds */
#define MAX_DOMAINS 100000000u /* below LABEL_COUNT: each has a label of its own */
#define MAX_CLIENTS 4000000u   /* 100.64.0.0/10 */
#define MAX_RESOLVERS 250
#define MAX_INTERVAL 86400

enum option_code {
	OPT_HELP = 1,
	OPT_OUT,
	OPT_TRUTH,
	OPT_ASN_DB,
	OPT_EYEBALLS,
	OPT_COUNTRY_DB,
	OPT_SEED,
	OPT_START,
	OPT_DURATION,
	OPT_PACKETS,
	OPT_DOMAINS,
	OPT_ZIPF,
	OPT_RATE,
	OPT_MIX,
	OPT_FAMILY,
	OPT_ATTACK,
	OPT_CAMPAIGN,
	OPT_ONSET,
	OPT_VANTAGE,
	OPT_CLIENTS,
	OPT_RESOLVERS,
	OPT_RESPONSES_ONLY,
	OPT_LOSS,
	OPT_TLD,
	OPT_VLAN,
	OPT_GTPU,
	OPT_NSEC,
	OPT_MIXED_CASE,
};

static const struct option long_options[] = {
	{"help", no_argument, NULL, OPT_HELP},
	{"out", required_argument, NULL, OPT_OUT},
	{"truth", required_argument, NULL, OPT_TRUTH},
	{"asn-db", required_argument, NULL, OPT_ASN_DB},
	{"eyeballs", required_argument, NULL, OPT_EYEBALLS},
	{"country-db", required_argument, NULL, OPT_COUNTRY_DB},
	{"seed", required_argument, NULL, OPT_SEED},
	{"start", required_argument, NULL, OPT_START},
	{"duration", required_argument, NULL, OPT_DURATION},
	{"packets", required_argument, NULL, OPT_PACKETS},
	{"domains", required_argument, NULL, OPT_DOMAINS},
	{"zipf", required_argument, NULL, OPT_ZIPF},
	{"rate", required_argument, NULL, OPT_RATE},
	{"mix", required_argument, NULL, OPT_MIX},
	{"family", required_argument, NULL, OPT_FAMILY},
	{"attack", required_argument, NULL, OPT_ATTACK},
	{"campaign", required_argument, NULL, OPT_CAMPAIGN},
	{"onset", required_argument, NULL, OPT_ONSET},
	{"vantage", required_argument, NULL, OPT_VANTAGE},
	{"clients", required_argument, NULL, OPT_CLIENTS},
	{"resolvers", required_argument, NULL, OPT_RESOLVERS},
	{"responses-only", no_argument, NULL, OPT_RESPONSES_ONLY},
	{"loss", required_argument, NULL, OPT_LOSS},
	{"tld", required_argument, NULL, OPT_TLD},
	{"vlan", required_argument, NULL, OPT_VLAN},
	{"gtpu", no_argument, NULL, OPT_GTPU},
	{"nsec", no_argument, NULL, OPT_NSEC},
	{"mixed-case", no_argument, NULL, OPT_MIXED_CASE},
	{0},
};

static void print_help(void)
{
	printf("Usage: trafficgen --out FILE.pcap [OPTION]...\n"
	       "Writes a capture of DNS traffic whose truth is known; the same arguments always "
	       "give\n"
	       "the same octets.\n\n"
	       "  --out FILE           the capture (pcap, Ethernet)\n"
	       "  --truth FILE         what is in it, as JSON\n"
	       "  --asn-db FILE        address -> network, MaxMind DB format\n"
	       "  --country-db FILE    address -> country_code, MaxMind DB format\n"
	       "  --eyeballs FILE      AS numbers of the networks of households, one a line\n"
	       "  --seed N             default 1\n"
	       "  --start SECONDS      time of the first packets since the epoch, default "
	       "1700000000\n"
	       "  --duration SECONDS   default 3600\n"
	       "  --packets N          stop after N packets\n"
	       "  --domains N          registered domains of the background, at most 100000000,\n"
	       "                       default 1000\n"
	       "  --zipf S             exponent of their popularity, default 1.0; 0 is uniform\n"
	       "  --rate N             background look-ups a second, default 100; 0 is none\n"
	       "  --mix NAME           a set of defaults, see below\n"
	       "  --family NAME=COUNT[@SECONDS]\n"
	       "                       so many domains of a family, and the mean time between two\n"
	       "                       look-ups of one; may be repeated\n"
	       "  --attack NAME[=COUNT]\n"
	       "                       so many domains that somebody attacks, or lies for; may be "
	       "repeated\n"
	       "  --campaign N         every N domains of a fluxing family share their hosts, "
	       "default 1\n"
	       "  --onset SECONDS      what fluxes is asked for from then on only, default 0\n"
	       "  --vantage WHERE      client or resolver (the default)\n"
	       "  --clients N          default 1000\n"
	       "  --resolvers N        default 4\n"
	       "  --responses-only     as a one-way tap sees it\n"
	       "  --loss PERCENT       leave out so many packets at random\n"
	       "  --tld LIST           top-level domains, joined by commas\n"
	       "  --vlan ID            tag all packets (802.1Q)\n"
	       "  --gtpu               wrap all packets in IPv4, UDP and GTP-U, as a mobile core "
	       "does\n"
	       "  --nsec               time stamps in nanoseconds\n"
	       "  --mixed-case         mix the case of questions (\"0x20\")\n"
	       "  --help\n\nMixes:\n");
	for (size_t i = 0; i < mix_count; i++)
		printf("  %-12s %s\n", mixes[i].name, mixes[i].summary);
	printf("\nFamilies (class expected, then what it is):\n");
	for (size_t i = 0; i < family_count; i++)
		printf("  %-12s %-12s %s\n", families[i].name,
			flux_class_text(families[i].flux_class), families[i].summary);
	printf("\nAttacks:\n");
	for (size_t i = 0; i < attack_count; i++)
		printf("  %-12s %s\n", attacks[i].name, attacks[i].summary);
}

static bool wrong(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "trafficgen: --%s: \"%s\": expected %s\n", option, value, expected);
	return false;
}

static bool parse_number(
	const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *number)
{
	char expected[80], *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *text >= '0' && *text <= '9' &&
		*number >= low && *number <= high)
		return true;
	snprintf(expected, sizeof(expected), "a whole number from %llu to %llu",
		(unsigned long long)low, (unsigned long long)high);
	return wrong(option, text, expected);
}

static bool parse_u32(
	const char *option, const char *text, uint32_t low, uint32_t high, uint32_t *number)
{
	uint64_t value;

	if (!parse_number(option, text, low, high, &value))
		return false;
	*number = (uint32_t)value;
	return true;
}

static bool parse_real(const char *option, const char *text, double high, double *number)
{
	char expected[80], *end;

	*number = strtod(text, &end);
	if (end != text && *end == '\0' && *number >= 0.0 && *number <= high)
		return true;
	snprintf(expected, sizeof(expected), "a number from 0 to %.0f", high);
	return wrong(option, text, expected);
}

static bool parse_vantage(const char *text, enum vantage *vantage)
{
	if (strcmp(text, "client") == 0)
		*vantage = VANTAGE_CLIENT;
	else if (strcmp(text, "resolver") == 0)
		*vantage = VANTAGE_RESOLVER;
	else
		return wrong("vantage", text, "client or resolver");
	return true;
}

static bool tld_is_valid(const char *text, size_t len)
{
	if (len == 0 || len >= TLD_OCTETS || text[0] == '.' || text[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && text[i + 1] == '.')
			return false;
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", text[i]) == NULL)
			return false;
	}
	return true;
}

static bool parse_tlds(const char *text, struct options *options)
{
	const char *at = text;

	options->tld_count = 0;
	for (;;) {
		size_t len = strcspn(at, ",");

		if (options->tld_count == OPTIONS_TLDS || !tld_is_valid(at, len))
			return wrong(
				"tld", text, "at most 32 names such as com,co.uk in lower case");
		memcpy(options->tlds[options->tld_count], at, len);
		options->tlds[options->tld_count++][len] = '\0';
		if (at[len] == '\0')
			return true;
		at += len + 1;
	}
}

static bool parse_family(const char *text, struct options *options)
{
	const struct family *family = NULL;
	char copy[64] = "", *count, *seconds;
	ptrdiff_t row;

	if (strlen(text) < sizeof(copy))
		memcpy(copy, text, strlen(text));
	count = strchr(copy, '=');
	if (count != NULL) {
		*count++ = '\0';
		family = family_find(copy);
	}
	if (family == NULL)
		return wrong("family", text, "NAME=COUNT with a name that --help lists");
	row = family - families;
	seconds = strchr(count, '@');
	if (seconds != NULL) {
		*seconds++ = '\0';
		if (!parse_u32("family", seconds, 1, MAX_INTERVAL, &options->family_intervals[row]))
			return false;
	}
	return parse_u32("family", count, 0, family_room(family), &options->family_domains[row]);
}

static bool parse_attack(const char *text, struct options *options)
{
	size_t len = strcspn(text, "=");
	const struct attack *attack;
	char name[32] = "";

	if (len < sizeof(name))
		memcpy(name, text, len);
	attack = attack_find(name);
	if (attack == NULL)
		return wrong("attack", text, "NAME or NAME=COUNT with a name that --help lists");
	return parse_u32("attack", text[len] == '=' ? text + len + 1 : "1", 0, MAX_FAMILY_DOMAINS,
		&options->attack_domains[attack - attacks]);
}

static bool apply_mix(const char *name, struct options *options)
{
	const struct mix *mix = mix_find(name);

	if (mix == NULL)
		return wrong("mix", name, "a mix that --help lists");
	options->mix = mix->name;
	options->duration = mix->duration;
	options->packets = mix->packets;
	options->domains = mix->domains;
	options->rate = mix->rate;
	options->plain = mix->plain;
	options->responses_only = mix->responses_only;
	options->campaign = mix->campaign > 0 ? mix->campaign : 1;
	for (size_t i = 0; i < family_count; i++)
		options->family_domains[i] = mix->every_family;
	for (size_t i = 0; i < MIX_FAMILIES && mix->families[i].family != NULL; i++) {
		const struct family *family = family_find(mix->families[i].family);

		options->family_domains[family - families] = mix->families[i].domains;
		options->family_intervals[family - families] = mix->families[i].interval;
	}
	return parse_tlds(mix->tlds, options);
}

static bool apply_option(struct options *options, int code, const char *text)
{
	uint32_t vlan;

	switch (code) {
	case OPT_OUT:
		options->out = text;
		return true;
	case OPT_TRUTH:
		options->truth = text;
		return true;
	case OPT_ASN_DB:
		options->asn_db = text;
		return true;
	case OPT_COUNTRY_DB:
		options->country_db = text;
		return true;
	case OPT_EYEBALLS:
		options->eyeballs = text;
		return true;
	case OPT_SEED:
		return parse_number("seed", text, 0, INT64_MAX, &options->seed);
	case OPT_START:
		return parse_number("start", text, 0, MAX_SECONDS, &options->start);
	case OPT_DURATION:
		return parse_number("duration", text, 1, MAX_SECONDS, &options->duration);
	case OPT_PACKETS:
		return parse_number("packets", text, 1, UINT64_MAX, &options->packets);
	case OPT_DOMAINS:
		return parse_u32("domains", text, 1, MAX_DOMAINS, &options->domains);
	case OPT_ZIPF:
		return parse_real("zipf", text, 5, &options->zipf);
	case OPT_RATE:
		return parse_real("rate", text, 1e8, &options->rate);
	case OPT_FAMILY:
		return parse_family(text, options);
	case OPT_ATTACK:
		return parse_attack(text, options);
	case OPT_CAMPAIGN:
		return parse_u32("campaign", text, 1, MAX_FAMILY_DOMAINS, &options->campaign);
	case OPT_ONSET:
		return parse_u32("onset", text, 0, UINT32_MAX, &options->onset);
	case OPT_VANTAGE:
		return parse_vantage(text, &options->vantage);
	case OPT_CLIENTS:
		return parse_u32("clients", text, 1, MAX_CLIENTS, &options->clients);
	case OPT_RESOLVERS:
		return parse_u32("resolvers", text, 1, MAX_RESOLVERS, &options->resolvers);
	case OPT_LOSS:
		return parse_u32("loss", text, 0, 100, &options->loss_percent);
	case OPT_TLD:
		return parse_tlds(text, options);
	case OPT_VLAN:
		if (!parse_u32("vlan", text, 1, 4094, &vlan))
			return false;
		options->vlan = (uint16_t)vlan;
		return true;
	case OPT_RESPONSES_ONLY:
		options->responses_only = true;
		return true;
	case OPT_GTPU:
		options->gtpu = true;
		return true;
	case OPT_NSEC:
		options->nanoseconds = true;
		return true;
	case OPT_MIXED_CASE:
		options->mixed_case = true;
		return true;
	default: /* the mix, which was applied before */
		return true;
	}
}

static bool check_whole(const struct options *options)
{
	if (options->out == NULL && options->asn_db == NULL && options->country_db == NULL &&
		options->eyeballs == NULL)
		fprintf(stderr, "trafficgen: nothing to write: give --out FILE, or see --help\n");
	else if (options->truth != NULL && options->out == NULL)
		fprintf(stderr,
			"trafficgen: --truth: there is none without a capture: give --out FILE\n");
	else if (options->start + options->duration > MAX_SECONDS)
		fprintf(stderr,
			"trafficgen: --duration: ends after what a capture can date: shorten it\n");
	else
		return true;
	return false;
}

enum options_verdict options_parse(struct options *options, int argc, char **argv)
{
	const char *mix = "background";
	int code;

	*options = (struct options){
		.seed = 1,
		.start = 1700000000,
		.zipf = 1.0,
		.vantage = VANTAGE_RESOLVER,
		.clients = 1000,
		.resolvers = 4,
	};
	/* The mix first, wherever it stands, for it sets the defaults of the rest. */
	optind = 0;
	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (code == '?') /* getopt said why */
			return OPTIONS_WRONG;
		if (code == OPT_HELP) {
			print_help();
			return OPTIONS_HELP;
		}
		if (code == OPT_MIX)
			mix = optarg;
	}
	if (optind < argc) {
		fprintf(stderr, "trafficgen: %s: not an option: see --help\n", argv[optind]);
		return OPTIONS_WRONG;
	}
	if (!apply_mix(mix, options))
		return OPTIONS_WRONG;
	optind = 0;
	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (!apply_option(options, code, optarg))
			return OPTIONS_WRONG;
	}
	return check_whole(options) ? OPTIONS_RUN : OPTIONS_WRONG;
}
