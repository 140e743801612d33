/* Which instruction set runs, and the scratch memory of each thread. Compiled once, for the baseline. */
#ifdef __linux__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define FILLS(VARIANT) \
    void fill_convolutions_##VARIANT(Kernels *), fill_boxes_##VARIANT(Kernels *), fill_others_##VARIANT(Kernels *);
#define FILL(VARIANT) {fill_convolutions_##VARIANT, fill_boxes_##VARIANT, fill_others_##VARIANT}
enum { PARTS = 3 };
FILLS(base_float) FILLS(base_double)
#ifdef PYCNN_X86
FILLS(avx2_float) FILLS(avx2_double) FILLS(avx512_float) FILLS(avx512_double)
#endif

typedef struct {
    const char *name;
    void (*fill[2][PARTS])(Kernels *); /* of floats, of doubles */
} Isa;

/* From the best to the one that every processor has. */
static const Isa isas[] = {
#ifdef PYCNN_X86
    {"avx512", {FILL(avx512_float), FILL(avx512_double)}},
    {"avx2", {FILL(avx2_float), FILL(avx2_double)}},
#endif
    {"base", {FILL(base_float), FILL(base_double)}},
};

static Kernels tables[2];
static int chosen;

static int supported(const char *name) {
#ifdef PYCNN_X86
    if (!strcmp(name, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    if (!strcmp(name, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return !strcmp(name, "base");
}

const Kernels *kernels(int is_double) { return chosen ? &tables[is_double] : NULL; }

const char *best_isa(void) {
    for (size_t i = 0;; i++)
        if (supported(isas[i].name)) return isas[i].name; /* the last, base, always is */
}

int select_isa(const char *name) {
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        if (!strcmp(isas[i].name, name) && supported(name)) {
            for (int is_double = 0; is_double < 2; is_double++)
                for (int part = 0; part < PARTS; part++) isas[i].fill[is_double][part](&tables[is_double]);
            chosen = 1;
            return 0;
        }
    }
    return -1;
}

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_key(void) { pthread_key_create(&key, free); }

static _Thread_local void *scratch;
static _Thread_local size_t scratch_size;

void *thread_scratch(size_t bytes) {
    if (bytes > scratch_size) {
        pthread_once(&once, make_key);
        free(scratch);
        scratch_size = (bytes + 4095) / 4096 * 4096;
        scratch = aligned_alloc(64, scratch_size);
        if (!scratch) abort(); /* a kernel has no way back; the caller holds far larger arrays already */
        pthread_setspecific(key, scratch); /* freed when the thread ends */
    }
    return scratch;
}

void keep_freed_memory(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}
