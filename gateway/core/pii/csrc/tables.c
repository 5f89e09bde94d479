/* The tables of all detectors, as Python packed them: one row of 32-bit numbers.
 *
 * They come from the same program, yet every number that is used as an index is checked here once,
 * so that no fault in packing can make a walk read outside its tables.
 */

#include "machine.h"

enum { HEADER = 12 };

typedef struct {
    const uint32_t *at;
    size_t left;
    int bad;
} Source;

static const uint32_t *take(Source *source, size_t count)
{
    if (count > source->left) {
        source->bad = 1;
        return NULL;
    }
    const uint32_t *taken = source->at;
    source->at += count;
    source->left -= count;
    return taken;
}

static int all_below(const uint32_t *numbers, size_t count, uint32_t limit, int or_nobody)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] >= limit && !(or_nobody && numbers[i] == NOBODY))
            return 0;
    return 1;
}

/* Whether `from` are ascending borders between `count` ranges that together are `total` long. */
static int are_borders(const uint32_t *from, uint32_t count, uint32_t total)
{
    if (from[0] != 0 || from[count] != total)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (from[i] > from[i + 1])
            return 0;
    return 1;
}

static int sizes_are_sane(const Tables *t)
{
    /* The kinds and states of a step share one 64-bit number, 20 bits each. */
    return t->positions > 0 && t->positions < (1u << 24) && t->follows < (1u << 28) &&
           t->ends < (1u << 24) && t->sets > 0 && t->sets < (1u << 16) && t->kinds > 0 &&
           t->kinds < (1u << 16) && t->pages > 0 && t->pages <= PAGES &&
           t->detectors < (1u << 16) && t->contexts <= 32 * MOST_MASK_WORDS &&
           t->digits < t->sets && t->separators < t->sets && t->letters < t->sets &&
           t->words < t->positions;
}

/* Whether positions of words lead to such alone, their ends being contexts, and others not. */
static int words_are_apart(const Tables *t)
{
    for (uint32_t p = 0; p < t->positions; p++)
        for (uint32_t f = t->follow_from[p]; f < t->follow_from[p + 1]; f++)
            if ((t->owner[p] == NOBODY) != (t->owner[t->follow[f]] == NOBODY))
                return 0;
    for (uint32_t d = 0; d < t->detectors; d++) {
        uint32_t boundary = t->detector[d].boundary;
        if (t->owner[t->detector[d].start] == NOBODY ||
            (boundary != NOBODY && t->owner[boundary] == NOBODY))
            return 0;
    }
    return t->owner[t->words] == NOBODY;
}

static int numbers_are_sane(const Tables *t)
{
    if (!all_below(t->set_of, t->positions, t->sets, 0) ||
        !are_borders(t->follow_from, t->positions, t->follows) ||
        !all_below(t->follow, t->follows, t->positions, 0) ||
        !all_below(t->owner, t->positions, t->detectors, 1) ||
        !are_borders(t->ends_from, t->positions, t->ends) ||
        !all_below(t->bars, t->kinds, t->kinds, 0) ||
        !all_below(t->page_of, PAGES, t->pages, 0) ||
        !all_below(t->page, (size_t)t->pages * PAGE, t->kinds, 1))
        return 0;
    for (uint32_t p = 0; p < t->positions; p++) {
        uint32_t limit = t->owner[p] == NOBODY ? t->contexts : t->detectors;
        uint32_t from = t->ends_from[p];
        if (!all_below(t->end + from, t->ends_from[p + 1] - from, limit, 0))
            return 0;
    }
    uint32_t beyond = t->sets % 32 ? ~0u << (t->sets % 32) : 0; /* bits of the last word */
    for (uint32_t kind = 0; kind < t->kinds; kind++)
        if (t->members[(kind + 1) * t->set_words - 1] & beyond)
            return 0;
    for (uint32_t d = 0; d < t->detectors; d++) {
        const Detector *detector = t->detector + d;
        if (detector->barred >= t->sets || detector->start >= t->positions ||
            (detector->boundary >= t->positions && detector->boundary != NOBODY))
            return 0;
    }
    for (uint32_t c = 0; c < t->contexts; c++)
        if (t->context[c].set >= t->sets)
            return 0;
    return 1;
}

/* Read the tables out of `source`, which must offer a buffer and is kept; -1 with ValueError. */
int tables_read(Tables *t, PyObject *source)
{
    if (PyObject_GetBuffer(source, &t->buffer, PyBUF_SIMPLE) < 0)
        return -1;
    Source s = {t->buffer.buf, (size_t)t->buffer.len / sizeof(uint32_t), 0};
    const uint32_t *header = take(&s, HEADER);
    if (header == NULL || (uintptr_t)t->buffer.buf % sizeof(uint32_t) != 0)
        goto bad;
    uint32_t *sizes[] = {&t->positions, &t->follows,    &t->ends,    &t->sets,  &t->kinds,
                         &t->pages,     &t->detectors,  &t->contexts, &t->digits,
                         &t->separators, &t->letters,   &t->words};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        *sizes[i] = header[i];
    if (!sizes_are_sane(t))
        goto bad;
    t->mask_words = (t->contexts + 31) / 32;
    t->set_words = (t->sets + 31) / 32;
    t->set_of = take(&s, t->positions);
    t->follow_from = take(&s, t->positions + 1);
    t->follow = take(&s, t->follows);
    t->owner = take(&s, t->positions);
    t->leading = take(&s, t->positions);
    t->ends_from = take(&s, t->positions + 1);
    t->end = take(&s, t->ends);
    t->members = take(&s, (size_t)t->kinds * t->set_words);
    t->bars = take(&s, t->kinds);
    t->page_of = take(&s, PAGES);
    t->page = take(&s, (size_t)t->pages * PAGE);
    t->detector = (const Detector *)take(&s, t->detectors * (sizeof(Detector) / sizeof(uint32_t)));
    t->after = take(&s, (size_t)t->detectors * t->mask_words);
    t->unless = take(&s, (size_t)t->detectors * t->mask_words);
    t->context = (const Context *)take(&s, t->contexts * (sizeof(Context) / sizeof(uint32_t)));
    if (s.bad || s.left != 0 || !numbers_are_sane(t) || !words_are_apart(t))
        goto bad;
    return 0;
bad:
    PyBuffer_Release(&t->buffer);
    PyErr_SetString(PyExc_ValueError, "these are no tables of detectors");
    return -1;
}
