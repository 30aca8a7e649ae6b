/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compilation of a list: its rules become a tree of suffixes in scratch memory,
 * then each suffix gets what a lookup that ends there has to know, then a slot.
 */
#include <string.h>

#include "psl/list.h"
#include "psl/psl.h"
#include "psl/table.h"

/* A seed fails when a group finds no displacement: rarely, by birthday odds. */
#define SEEDS_MAX 64u

struct node {
	uint64_t hash;
	uint32_t text;   /* wire form of the suffix, offset into the pool */
	uint32_t parent; /* always of a smaller index */
	unsigned line;   /* of its exception */
	uint8_t kinds;   /* enum psl_kind */
	uint8_t depth;   /* labels */
	uint8_t suffix;  /* labels of its public suffix */
	bool excepted;   /* an exception or below one: it prevails over all other rules */
};

/* What a list takes at most. */
struct measure {
	size_t rules, labels, octets;
};

struct layout {
	uint32_t nodes, slots, index;
	size_t displacement, table, text, node, lookup, start, order, size; /* offsets, total */
};

struct compiler {
	struct psl *psl;
	struct node *node; /* node[0] is the root */
	uint32_t nodes;
	uint32_t *lookup, lookup_mask; /* open addressing over the nodes while they are made */
	uint8_t *text;
	uint32_t text_len;
	uint64_t *table;
	uint8_t *displacement;
	uint32_t groups;
	uint32_t *start; /* by group: first of its nodes in order[] */
	uint32_t *order;
};

static uint32_t pow2_from(size_t v)
{
	uint32_t p = 16;

	while (p < v)
		p *= 2;
	return p;
}

/* At most three slots of four are taken: displacements of 8 bits then suffice. */
static uint32_t slots_for(uint32_t nodes)
{
	return pow2_from(nodes + nodes / 3 + 1);
}

static uint64_t seed_make(unsigned attempt)
{
	return hash_u64(attempt, (struct hash_key){.a = PSL_KEY_A, .b = PSL_KEY_B});
}

static int list_measure(const char *text, size_t len, struct measure *m, struct psl_error *err)
{
	struct psl_list list = {.at = text, .end = text + len};
	struct psl_rule rule;
	int more;

	*m = (struct measure){0};
	while ((more = psl_list_next(&list, &rule, err)) > 0) {
		if (m->octets + rule.name.len >= PSL_TEXT_MAX) {
			*err = (struct psl_error){rule.line, "too many rules"};
			return -1;
		}
		m->rules++;
		m->labels += rule.name.labels;
		m->octets += rule.name.len;
	}
	return more;
}

static struct layout layout_make(const struct measure *m)
{
	struct layout l = {.nodes = (uint32_t)m->labels + 1};
	size_t at = sizeof(struct psl);

	l.slots = slots_for(l.nodes);
	l.index = pow2_from(2 * (size_t)l.nodes);
	l.displacement = at = align_up(at, CACHE_LINE);
	l.table = at = align_up(at + l.slots / PSL_GROUP_SLOTS, CACHE_LINE);
	l.text = at += l.slots * sizeof(uint64_t);
	l.node = at = align_up(at + 1 + m->octets + DNS_NAME_MAX + PSL_PAD, CACHE_LINE);
	l.lookup = at += l.nodes * sizeof(struct node);
	l.start = at += l.index * sizeof(uint32_t);
	l.order = at += (l.slots / PSL_GROUP_SLOTS + 1) * sizeof(uint32_t);
	l.size = align_up(at + l.nodes * sizeof(uint32_t), CACHE_LINE);
	return l;
}

size_t psl_size(const char *text, size_t len)
{
	struct psl_error ignored; /* psl_init says it */
	struct measure m;

	(void)list_measure(text, len, &m, &ignored);
	return layout_make(&m).size;
}

/* Node of the suffix of `name` that begins at label i, made when it is new. */
static uint32_t node_get(
	struct compiler *c, uint32_t parent, const struct dns_name *name, unsigned i)
{
	const uint8_t *suffix = name->wire + name->label[i];
	uint64_t h = psl_label_hash(c->node[parent].hash, suffix);
	uint32_t at = (uint32_t)h & c->lookup_mask;

	for (; c->lookup[at]; at = (at + 1) & c->lookup_mask) {
		struct node *n = &c->node[c->lookup[at]];

		if (n->hash == h && memcmp(c->text + n->text, suffix,
					    (size_t)(name->len - name->label[i])) == 0)
			return c->lookup[at];
	}
	c->node[c->nodes] = (struct node){
		.hash = h,
		.text = c->text_len + name->label[i],
		.parent = parent,
		.depth = (uint8_t)(name->labels - i),
	};
	return c->lookup[at] = c->nodes++;
}

static void rule_add(struct compiler *c, const struct psl_rule *rule)
{
	const struct dns_name *name = &rule->name;
	uint32_t before = c->nodes, n = 0;

	memcpy(c->text + c->text_len, name->wire, name->len);
	for (unsigned i = name->labels; i-- > 0;)
		n = node_get(c, n, name, i);
	if (c->nodes > before)
		c->text_len += name->len;
	if (c->node[n].kinds & rule->kind)
		return;
	c->node[n].kinds |= (uint8_t)rule->kind;
	if (rule->kind == PSL_EXCEPTION)
		c->node[n].line = rule->line;
	/* A sum, so that neither the order of the rules nor a repeated one matters. */
	c->psl->rules++;
	c->psl->fingerprint += hash_bytes(name->wire, name->len,
		(struct hash_key){.a = PSL_KEY_A, .b = PSL_KEY_B + rule->kind});
}

/*
 * Sets the public suffix of every node, parents first. The base of a wildcard is a
 * suffix too, as libpsl has it: nobody registers kobe.jp when all names right below it
 * are suffixes. The formal algorithm would leave that very name to the rule above it.
 */
static int nodes_resolve(struct compiler *c, struct psl_error *err)
{
	for (uint32_t i = 1; i < c->nodes; i++) {
		struct node *n = &c->node[i];
		const struct node *parent = &c->node[n->parent];

		if (n->kinds & PSL_EXCEPTION && !(parent->kinds & PSL_WILDCARD)) {
			*err = (struct psl_error){n->line, "exception to no wildcard rule"};
			return -1;
		}
		n->excepted = parent->excepted || n->kinds & PSL_EXCEPTION;
		n->suffix = parent->suffix;
		if (!n->excepted && (n->kinds || parent->kinds & PSL_WILDCARD))
			n->suffix = n->depth;
	}
	return 0;
}

/* Finds the displacement that sends the nodes of group g to free slots. */
static bool group_place(struct compiler *c, uint32_t g)
{
	uint32_t first = c->start[g], count = c->start[g + 1] - first, k;

	for (unsigned d = 0; d <= UINT8_MAX; d++) {
		for (k = 0; k < count; k++) {
			const struct node *n = &c->node[c->order[first + k]];
			uint64_t *slot = &c->table[psl_slot(c->psl, n->hash, (uint8_t)d)];

			if (*slot)
				break;
			*slot = psl_entry(n->hash, n->suffix,
				!n->excepted && n->kinds & PSL_WILDCARD, n->text);
		}
		c->displacement[g] = (uint8_t)d;
		if (k == count)
			return true;
		while (k-- > 0) {
			const struct node *n = &c->node[c->order[first + k]];

			c->table[psl_slot(c->psl, n->hash, (uint8_t)d)] = 0;
		}
	}
	return false;
}

/* Sorts the nodes by group, and returns the size of the largest. */
static uint32_t groups_sort(struct compiler *c)
{
	uint32_t largest = 0;

	memset(c->start, 0, (c->groups + 1) * sizeof(*c->start));
	for (uint32_t i = 1; i < c->nodes; i++)
		c->start[psl_group(c->psl, c->node[i].hash)]++;
	for (uint32_t g = 0, sum = 0; g <= c->groups; g++) {
		if (c->start[g] > largest)
			largest = c->start[g];
		sum += c->start[g];
		c->start[g] = sum;
	}
	/* From the end of each group down, which leaves start[] at the beginnings. */
	for (uint32_t i = 1; i < c->nodes; i++)
		c->order[--c->start[psl_group(c->psl, c->node[i].hash)]] = i;
	return largest;
}

/* Gives every node its slot under the present seed; large groups first, while there is room. */
static bool nodes_place(struct compiler *c)
{
	memset(c->table, 0, (size_t)c->groups * PSL_GROUP_SLOTS * sizeof(*c->table));
	memset(c->displacement, 0, c->groups);
	for (uint32_t size = groups_sort(c); size > 0; size--)
		for (uint32_t g = 0; g < c->groups; g++)
			if (c->start[g + 1] - c->start[g] == size && !group_place(c, g))
				return false;
	return true;
}

static bool table_make(struct compiler *c)
{
	struct psl *psl = c->psl;
	uint32_t slots = slots_for(c->nodes);

	c->groups = slots / PSL_GROUP_SLOTS;
	psl->slot_shift = 64 - (unsigned)__builtin_ctz(slots);
	psl->group_shift = 64 - (unsigned)__builtin_ctz(c->groups);
	for (unsigned attempt = 0; attempt < SEEDS_MAX; attempt++) {
		if (nodes_place(c))
			return true;
		psl->seed = c->node[0].hash = seed_make(attempt + 1);
		for (uint32_t i = 1; i < c->nodes; i++) {
			struct node *n = &c->node[i];

			n->hash = psl_label_hash(c->node[n->parent].hash, c->text + n->text);
		}
	}
	return false;
}

static struct compiler compiler_make(uint8_t *base, const struct layout *l)
{
	struct psl *psl = (struct psl *)(void *)base;
	struct compiler c = {
		.psl = psl,
		.node = (struct node *)(void *)(base + l->node),
		.nodes = 1,
		.lookup = (uint32_t *)(void *)(base + l->lookup),
		.lookup_mask = l->index - 1,
		.text = base + l->text,
		.text_len = 1,
		.table = (uint64_t *)(void *)(base + l->table),
		.displacement = base + l->displacement,
		.start = (uint32_t *)(void *)(base + l->start),
		.order = (uint32_t *)(void *)(base + l->order),
	};

	memset(c.lookup, 0, l->index * sizeof(*c.lookup));
	memset(c.text, 0, l->node - l->text);
	*psl = (struct psl){
		.table = c.table,
		.displacement = c.displacement,
		.text = c.text,
		.seed = seed_make(0),
	};
	c.node[0] = (struct node){.hash = psl->seed, .kinds = PSL_WILDCARD};
	return c;
}

struct psl *psl_init(void *mem, size_t size, const char *text, size_t len, struct psl_error *err)
{
	struct psl_list list = {.at = text, .end = text + len};
	struct psl_rule rule;
	struct measure m;

	if (list_measure(text, len, &m, err) < 0)
		return NULL;
	*err = (struct psl_error){0, NULL};
	struct layout l = layout_make(&m);

	if (m.rules == 0)
		err->what = "no rules";
	else if (l.size > size)
		err->what = "memory smaller than psl_size";
	if (err->what)
		return NULL;
	struct compiler c = compiler_make(mem, &l);

	while (psl_list_next(&list, &rule, err) > 0)
		rule_add(&c, &rule);
	if (nodes_resolve(&c, err) < 0)
		return NULL;
	if (!table_make(&c)) {
		err->what = "no perfect hash found";
		return NULL;
	}
	return c.psl;
}
