/* The two types that Python sees: the machine of a set of detectors, and the walk of one stream. */

#include "machine.h"

static PyTypeObject machine_type, walk_type;

/* --- Machine(tables, limits) */

static PyObject *machine_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *tables;
    unsigned int states, steps, alive, entries;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "Machine takes no keywords");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "O(IIII)", &tables, &states, &steps, &alive, &entries))
        return NULL;
    Machine *m = (Machine *)type->tp_alloc(type, 0);
    if (m == NULL)
        return NULL;
    m->most_states = states;
    m->most_steps = steps;
    m->most_alive = alive;
    m->most_entries = entries;
    if (tables_read(&m->tables, tables) < 0)
        goto failed;
    m->stamp = PyMem_Calloc(m->tables.positions, sizeof *m->stamp);
    m->found = PyMem_Calloc(m->tables.positions + m->tables.detectors, sizeof *m->found);
    m->follow_set = PyMem_Calloc(m->tables.follows + 1, sizeof *m->follow_set);
    if (m->stamp == NULL || m->found == NULL || m->follow_set == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    for (uint32_t f = 0; f < m->tables.follows; f++)
        m->follow_set[f] = (uint16_t)m->tables.set_of[m->tables.follow[f]];
    if (openings_begin(m) < 0 || learnt_begin(m) < 0)
        goto failed;
    return (PyObject *)m;
failed:
    Py_DECREF(m);
    return NULL;
}

static void machine_free(Machine *m)
{
    if (m->tables.buffer.obj != NULL)
        PyBuffer_Release(&m->tables.buffer);
    learnt_end(&m->learnt);
    openings_end(m);
    PyMem_Free(m->stamp);
    PyMem_Free(m->found);
    PyMem_Free(m->follow_set);
    Py_TYPE(m)->tp_free((PyObject *)m);
}

static PyObject *machine_walk(Machine *m, PyObject *Py_UNUSED(ignored))
{
    Walk *w = (Walk *)walk_type.tp_alloc(&walk_type, 0);
    if (w != NULL && walk_begin(w, m) < 0)
        Py_CLEAR(w);
    return (PyObject *)w;
}

static PyObject *machine_learnt(Machine *m, PyObject *Py_UNUSED(ignored))
{
    return Py_BuildValue("IIIIK", m->learnt.count, m->learnt.step_count, m->learnt.pool_count,
                         m->learnt.entry_count, (unsigned long long)m->forgotten);
}

static PyMethodDef machine_methods[] = {
    {"walk", (PyCFunction)machine_walk, METH_NOARGS, "Return a new walk."},
    {"learnt", (PyCFunction)machine_learnt, METH_NOARGS,
     "Return how many states, steps, positions and entries are learnt, and how often all was "
     "forgotten."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject machine_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.core.pii._walk.Machine",
    .tp_doc = "What all walks share: the tables of all detectors, and what was learnt.",
    .tp_basicsize = sizeof(Machine),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = machine_new,
    .tp_dealloc = (destructor)machine_free,
    .tp_methods = machine_methods,
};

/* --- Walk, made by Machine.walk */

static void walk_free(Walk *w)
{
    walk_end(w);
    Py_TYPE(w)->tp_free((PyObject *)w);
}

/* A walk fails unless the call that begins here comes to its end. */
static int begin_call(Walk *w, PyObject *text, PyObject *judge)
{
    if (text != NULL && !PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a walk takes text");
        return -1;
    }
    if (w->fails || w->lost) {
        PyErr_SetString(PyExc_RuntimeError, "a walk that failed cannot go on");
        return -1;
    }
    w->fails = 1;
    w->judge = judge;
    return 0;
}

static PyObject *end_call(Walk *w, int result)
{
    w->judge = NULL;
    if (result < 0)
        return NULL;
    w->fails = 0;
    return PyLong_FromLongLong(w->sent);
}

static PyObject *walk_py_take(Walk *w, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "take needs a text and a judge");
        return NULL;
    }
    if (begin_call(w, args[0], args[1]) < 0)
        return NULL;
    return end_call(w, walk_take(w, args[0]));
}

static PyObject *walk_py_look_at(Walk *w, PyObject *text)
{
    if (begin_call(w, text, NULL) < 0)
        return NULL;
    return end_call(w, walk_look_at(w, text));
}

static PyObject *walk_py_finish(Walk *w, PyObject *judge)
{
    if (begin_call(w, NULL, judge) < 0)
        return NULL;
    return end_call(w, walk_finish(w));
}

static PyObject *walk_py_skip(Walk *w, PyObject *Py_UNUSED(ignored))
{
    if (begin_call(w, NULL, NULL) < 0)
        return NULL;
    w->sent = w->at;
    walk_clip(w);
    return end_call(w, 0);
}

static PyObject *walk_py_needed(Walk *w, PyObject *Py_UNUSED(ignored))
{
    if (w->lost) {
        PyErr_SetString(PyExc_RuntimeError, "a walk that failed cannot go on");
        return NULL;
    }
    return PyLong_FromLongLong(walk_needed(w));
}

static PyObject *walk_py_under_way(Walk *w, PyObject *Py_UNUSED(ignored))
{
    size_t count = w->open.count;
    count += w->pending.count;
    count += w->matches.count;
    return PyLong_FromSize_t(count + w->swallowing.count);
}

static PyMethodDef walk_methods[] = {
    {"look_at", (PyCFunction)walk_py_look_at, METH_O, "As Walk.look_at of walk.py."},
    {"take", (PyCFunction)(void (*)(void))walk_py_take, METH_FASTCALL, "As Walk.take of walk.py."},
    {"finish", (PyCFunction)walk_py_finish, METH_O, "As Walk.finish of walk.py."},
    {"skip", (PyCFunction)walk_py_skip, METH_NOARGS, "As Walk.skip of walk.py."},
    {"under_way", (PyCFunction)walk_py_under_way, METH_NOARGS, "As Walk.under_way of walk.py."},
    {"needed", (PyCFunction)walk_py_needed, METH_NOARGS, "As Walk.needed of walk.py."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject walk_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gateway.core.pii._walk.Walk",
    .tp_doc = "The walk of one stream over its text; as Walk of walk.py.",
    .tp_basicsize = sizeof(Walk),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)walk_free,
    .tp_methods = walk_methods,
};

/* --- the module */

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gateway.core.pii._walk",
    .m_doc = "The walk of walk.py, compiled.",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__walk(void);

PyMODINIT_FUNC PyInit__walk(void)
{
    if (PyType_Ready(&machine_type) < 0 || PyType_Ready(&walk_type) < 0)
        return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made == NULL || PyModule_AddObjectRef(made, "Machine", (PyObject *)&machine_type) < 0 ||
        PyModule_AddStringConstant(made, "SOURCES", SOURCES) < 0) {
        Py_XDECREF(made);
        return NULL;
    }
    return made;
}
