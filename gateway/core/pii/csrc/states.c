/* States, made when a text needs them: the automaton of positions, made deterministic lazily.
 *
 * Everything learnt is in four tables that grow up to a limit. Beyond it all is forgotten, and the
 * states that walks hold are made anew; so neither one text nor many can fill the memory.
 */

#include "machine.h"

#include <string.h>

enum { SMALLEST_TABLE = 1024, STATE_BITS = 20 };

/* Double a list; nothing is lost if that fails. */
int grow(void **list, uint32_t *size, size_t item)
{
    uint32_t bigger = *size ? *size * 2 : 8;
    void *grown = bigger > *size ? PyMem_Realloc(*list, bigger * item) : NULL;
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *list = grown;
    *size = bigger;
    return 0;
}

static uint64_t mixed(uint64_t number)
{
    number ^= number >> 31;
    number *= 0x9E3779B97F4A7C15u;
    return number ^ number >> 29;
}

static uint32_t hash_of(const uint32_t *numbers, uint32_t count)
{
    uint64_t hash = count;
    for (uint32_t i = 0; i < count; i++)
        hash = (hash ^ numbers[i]) * 0x9E3779B97F4A7C15u;
    return (uint32_t)mixed(hash);
}

/* Room for `more` numbers in the pool; returns where they begin. */
static int64_t pool_room(Learnt *l, uint32_t more)
{
    while (l->pool_size - l->pool_count < more)
        if (grow((void **)&l->pool, &l->pool_size, sizeof *l->pool) < 0)
            return -1;
    return l->pool_count;
}

/* --- hash tables: powers of two, half empty at least, 0 is an empty place */

static int widen_index(uint32_t **index, uint32_t *size)
{
    uint32_t bigger = *size ? *size * 2 : SMALLEST_TABLE;
    uint32_t *wider = PyMem_Calloc(bigger, sizeof *wider);
    if (wider == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyMem_Free(*index);
    *index = wider;
    *size = bigger;
    return 0;
}

static void put(uint32_t *index, uint32_t size, uint32_t hash, uint32_t number)
{
    uint32_t place = hash & (size - 1);
    while (index[place])
        place = (place + 1) & (size - 1);
    index[place] = number + 1;
}

static int widen_steps(Learnt *l)
{
    uint32_t bigger = l->step_size ? l->step_size * 2 : SMALLEST_TABLE;
    uint64_t *wider = PyMem_Calloc(bigger, sizeof *wider);
    if (wider == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < l->step_size; i++) {
        if (l->step[i] == 0)
            continue;
        uint32_t place = (uint32_t)mixed(l->step[i] >> STATE_BITS) & (bigger - 1);
        while (wider[place])
            place = (place + 1) & (bigger - 1);
        wider[place] = l->step[i];
    }
    PyMem_Free(l->step);
    l->step = wider;
    l->step_size = bigger;
    return 0;
}

/* --- states */

static int add_end(Learnt *l, uint32_t from, uint32_t end)
{
    uint32_t at = l->pool_count;
    for (uint32_t i = from; i < l->pool_count; i++) {
        if (l->pool[i] == end)
            return 0;
        if (l->pool[i] > end && i < at)
            at = i;
    }
    if (pool_room(l, 1) < 0)
        return -1;
    memmove(l->pool + at + 1, l->pool + at, (l->pool_count - at) * sizeof *l->pool);
    l->pool[at] = end;
    l->pool_count++;
    return 0;
}

/* Say what is true of all that is alive in a new state; its ends go into the pool. */
static int describe(const Tables *t, Learnt *l, State *s)
{
    int all_lead = s->alive_count > 0;
    s->ends = l->pool_count;
    s->tailed = s->merges = s->alive_count > 0;
    for (uint32_t i = 0; i < s->alive_count; i++) {
        uint32_t p = l->pool[s->alive + i];
        for (uint32_t e = t->ends_from[p]; e < t->ends_from[p + 1]; e++)
            if (add_end(l, s->ends, t->end[e]) < 0)
                return -1;
        if (t->owner[p] == NOBODY) {
            all_lead = s->tailed = s->merges = 0;
            continue;
        }
        const Detector *owner = t->detector + t->owner[p];
        s->tailed &= owner->tail != 0;
        s->merges &= owner->lead != 0;
        all_lead &= t->leading[p] != 0;
        if (owner->lead_limit > s->lead_limit)
            s->lead_limit = owner->lead_limit;
    }
    if (!all_lead)
        s->lead_limit = 0;
    s->ends_count = l->pool_count - s->ends;
    return 0;
}

/* Return the state in which just the `count` positions of `alive`, in order, are alive. */
int64_t state_of(Machine *m, const uint32_t *alive, uint32_t count)
{
    Learnt *l = &m->learnt;
    uint32_t hash = hash_of(alive, count);
    for (uint32_t place = hash & (l->index_size - 1); l->index[place];
         place = (place + 1) & (l->index_size - 1)) {
        const State *s = l->state + (l->index[place] - 1);
        if (s->hash == hash && s->alive_count == count &&
            (count == 0 || memcmp(l->pool + s->alive, alive, count * sizeof *alive) == 0))
            return l->index[place] - 1;
    }
    if (l->count >= (1u << STATE_BITS) - 1) {
        PyErr_NoMemory();
        return -1;
    }
    if (l->count == l->size && grow((void **)&l->state, &l->size, sizeof *l->state) < 0)
        return -1;
    if (2 * (l->count + 1) > l->index_size) {
        if (widen_index(&l->index, &l->index_size) < 0)
            return -1;
        for (uint32_t i = 0; i < l->count; i++)
            put(l->index, l->index_size, l->state[i].hash, i);
    }
    int64_t at = pool_room(l, count);
    if (at < 0)
        return -1;
    State state = {.alive = (uint32_t)at, .alive_count = count, .hash = hash};
    if (count > 0)
        memcpy(l->pool + at, alive, count * sizeof *alive);
    l->pool_count += count;
    if (describe(&m->tables, l, &state) < 0)
        return -1;
    l->state[l->count] = state;
    put(l->index, l->index_size, hash, l->count);
    return l->count++;
}

static void sort(uint32_t *numbers, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (uint32_t i = gap; i < count; i++) {
            uint32_t number = numbers[i], j = i;
            for (; j >= gap && numbers[j - gap] > number; j -= gap)
                numbers[j] = numbers[j - gap];
            numbers[j] = number;
        }
    }
}

static void add_position(Machine *m, uint32_t position, uint32_t *count)
{
    if (m->stamp[position] != m->now) {
        m->stamp[position] = m->now;
        m->found[(*count)++] = position;
    }
}

/* Add what a character of `set` begins behind the positions that this step has seen. */
static void add_openings(Machine *m, uint32_t set, uint32_t *count)
{
    const Openings *o = &m->openings;
    for (uint32_t i = o->from_set[set]; i < o->from_set[set + 1]; i++)
        if (o->seen[o->at[i].from] == m->now)
            add_position(m, o->at[i].to, count);
}

/* Begin a step: what was found in earlier ones is found no more. */
static void begin_step(Machine *m)
{
    if (++m->now < NOT_INDEXED)
        return;
    for (uint32_t p = 0; p < m->tables.positions; p++) {
        m->stamp[p] = 0;
        if (m->openings.seen[p] != NOT_INDEXED)
            m->openings.seen[p] = 0;
    }
    m->now = 1;
}

/* Work out which positions a character of `kind` makes alive after those of `state`. */
static int64_t step(Machine *m, uint32_t state, uint32_t kind)
{
    const Tables *t = &m->tables;
    const State *s = m->learnt.state + state;
    const uint32_t *members = t->members + kind * t->set_words;
    uint32_t count = 0, indexed = 0;
    begin_step(m);
    for (uint32_t i = 0; i < s->alive_count; i++) {
        uint32_t p = m->learnt.pool[s->alive + i];
        if (m->openings.seen[p] != NOT_INDEXED) {
            m->openings.seen[p] = m->now;
            indexed++;
            continue;
        }
        for (uint32_t f = t->follow_from[p]; f < t->follow_from[p + 1]; f++) {
            uint32_t set = m->follow_set[f];
            if (members[set / 32] >> (set % 32) & 1)
                add_position(m, t->follow[f], &count);
        }
    }
    for (uint32_t word = 0; indexed > 0 && word < t->set_words; word++)
        for (uint32_t sets = members[word]; sets != 0; sets &= sets - 1)
            add_openings(m, word * 32 + (uint32_t)__builtin_ctz(sets), &count);
    sort(m->found, count);
    return state_of(m, m->found, count);
}

/* Return the state after a character of `kind`; DEAD if no value is left. */
int64_t next_state(Machine *m, uint32_t state, uint32_t kind)
{
    if (state == DEAD)
        return DEAD;
    Learnt *l = &m->learnt;
    uint64_t key = (uint64_t)1 << 40 | (uint64_t)state << STATE_BITS | kind;
    uint32_t place = (uint32_t)mixed(key) & (l->step_size - 1);
    for (; l->step[place]; place = (place + 1) & (l->step_size - 1))
        if (l->step[place] >> STATE_BITS == key)
            return (int64_t)(l->step[place] & ((1u << STATE_BITS) - 1));
    int64_t next = step(m, state, kind);
    if (next < 0)
        return -1;
    if (2 * (l->step_count + 1) > l->step_size) {
        if (widen_steps(l) < 0)
            return -1;
        place = (uint32_t)mixed(key) & (l->step_size - 1);
        while (l->step[place])
            place = (place + 1) & (l->step_size - 1);
    }
    l->step[place] = key << STATE_BITS | (uint64_t)next;
    l->step_count++;
    return next;
}

/* --- where values may begin */

static int64_t new_entry(Machine *m, const uint32_t *key)
{
    const Tables *t = &m->tables;
    const uint32_t *mask = key + 2;
    uint32_t count = 0;
    for (uint32_t d = 0; d < t->detectors; d++) {
        const Detector *detector = t->detector + d;
        uint32_t announced = 0, needs = 0, barred = (uint32_t)is_in(t, key[0], detector->barred);
        for (uint32_t i = 0; i < t->mask_words; i++) {
            needs |= t->after[d * t->mask_words + i];
            announced |= t->after[d * t->mask_words + i] & mask[i];
            barred |= t->unless[d * t->mask_words + i] & mask[i];
        }
        if ((announced || !needs) && !barred && !(detector->first_in_row && key[1]))
            m->found[count++] = detector->start;
    }
    sort(m->found, count);
    return state_of(m, m->found, count);
}

/* Return the state in which a value may begin: `key` is what bars, "in a row", and the mask. */
int64_t entry_state(Machine *m, const uint32_t *key)
{
    Learnt *l = &m->learnt;
    uint32_t words = 2 + m->tables.mask_words, row = words + 1;
    uint32_t hash = hash_of(key, words);
    for (uint32_t place = hash & (l->entry_index_size - 1); l->entry_index[place];
         place = (place + 1) & (l->entry_index_size - 1)) {
        const uint32_t *entry = l->entry + (size_t)(l->entry_index[place] - 1) * row;
        if (memcmp(entry, key, words * sizeof *key) == 0)
            return entry[words];
    }
    if (l->entry_count == l->entry_size &&
        grow((void **)&l->entry, &l->entry_size, row * sizeof *l->entry) < 0)
        return -1;
    if (2 * (l->entry_count + 1) > l->entry_index_size) {
        if (widen_index(&l->entry_index, &l->entry_index_size) < 0)
            return -1;
        for (uint32_t i = 0; i < l->entry_count; i++)
            put(l->entry_index, l->entry_index_size, hash_of(l->entry + (size_t)i * row, words), i);
    }
    int64_t state = new_entry(m, key);
    if (state < 0)
        return -1;
    memcpy(l->entry + (size_t)l->entry_count * row, key, words * sizeof *key);
    l->entry[(size_t)l->entry_count * row + words] = (uint32_t)state;
    put(l->entry_index, l->entry_index_size, hash, l->entry_count);
    l->entry_count++;
    return state;
}
