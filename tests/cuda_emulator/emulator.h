/* CUDA for one core: what kernels/common.cuh needs, so that g++ compiles the .cu files as they are and runs them.

   Blocks run one by one, each thread of a block as a fiber that yields where it waits. A warp runs as far as it can
   before the next one does, forward or in reverse order of warps and lanes: what a missing __syncthreads lets go wrong
   goes wrong in one of the two. Memory holds no luck: shared memory is NaN before each block, and the target of a
   cp.async is NaN until it has been waited for. Touching a guarded page, breaking the bound of an array of fixed size,
   a misaligned vector, an integer that overflows: each ends the launch with a message (the last three as traps of
   -fsanitize-undefined-trap-on-error). Threads that wait at different barriers do, too.

   __shared__ variables are static: they, and nothing else, lie in .bss; all state here is in State, on the heap. */
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <ucontext.h>
#include <utility>
#include <vector>

#include <cmath>
using std::max;
using std::min;
template <class T> inline T cospi(T x) { return std::cos((T)M_PI * x); }
template <class T> inline T sinpi(T x) { return std::sin((T)M_PI * x); }

#define __global__
#define __device__
#define __constant__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __shared__ static
#define DYNAMIC_SHARED(type, name) type *name = (type *)emulator->dynamic
#define INTERNAL __attribute__((noinline, visibility("hidden")))

struct Index { unsigned x, y, z; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(4) uchar4 { unsigned char x, y, z, w; };
struct alignas(16) int4 { int x, y, z, w; };

struct Copy { unsigned char *to; const unsigned char *from; int bytes; };
typedef double Eight __attribute__((vector_size(64)));
struct Fiber {
    enum { READY, AT_WARP, AT_BLOCK, DONE } state;
    bool begun = false;
    unsigned shown; /* how often it has shown something to its warp */
    jmp_buf place;
    ucontext_t context;
    void *stack = nullptr;
    std::vector<std::vector<Copy>> groups; /* of cp.async, the last still open */
};
struct State {
    Index thread, block, grid, threads;
    Fiber fibers[1024], *current;
    jmp_buf scheduler;
    sigjmp_buf escape;
    alignas(16) unsigned char lanes[2][32][64]; /* what lanes show each other, by turns: who goes on shows in the other */
    Eight mma[2][2][16 + 8]; /* rows of the left matrix, columns of the right one, in halves; by turns, too */
    void (*kernel)(void **), **arguments, *dynamic, *touched;
    char message[256];
};
static State *emulator __attribute__((section(".data"))) = new State();
#define threadIdx (emulator->thread)
#define blockIdx (emulator->block)
#define gridDim (emulator->grid)
#define blockDim (emulator->threads)
enum { STACK = 1 << 16 };

/* ---- fibers ---- */

INTERNAL void yield_as(int state) {
    Fiber *self = emulator->current;
    self->state = decltype(self->state)(state);
    if (!_setjmp(self->place)) _longjmp(emulator->scheduler, 1);
}
static void fiber_main() {
    for (;;) {
        emulator->kernel(emulator->arguments);
        yield_as(Fiber::DONE);
    }
}
static void resume(int number) {
    Fiber &fiber = emulator->fibers[number];
    emulator->thread.x = number, emulator->current = &fiber;
    if (_setjmp(emulator->scheduler)) return;
    if (fiber.begun) _longjmp(fiber.place, 1);
    if (!fiber.stack)
        fiber.stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack, fiber.context.uc_stack.ss_size = STACK;
    makecontext(&fiber.context, fiber_main, 0);
    fiber.begun = true;
    setcontext(&fiber.context);
}

/* Run a warp until each of its lanes waits for the block or has ended. */
static bool run_warp(int warp, bool reverse) {
    for (;;) {
        int waiting = 0;
        for (int i = 0; i < 32; i++) {
            const int number = 32 * warp + (reverse ? 31 - i : i);
            if (emulator->fibers[number].state == Fiber::READY) resume(number);
            waiting += emulator->fibers[number].state == Fiber::AT_WARP;
        }
        if (!waiting) return true;
        if (waiting < 32) return false;
        for (int i = 0; i < 32; i++) emulator->fibers[32 * warp + i].state = Fiber::READY;
    }
}
extern "C" char __bss_start __attribute__((visibility("hidden"))), _end __attribute__((visibility("hidden")));

static const char *run_block(size_t shared, bool reverse) {
    memset(&__bss_start, 0xff, &_end - &__bss_start);
    memset(emulator->dynamic, 0xff, shared);
    const int threads = emulator->threads.x, warps = threads / 32;
    for (int i = 0; i < threads; i++) emulator->fibers[i].state = Fiber::READY, emulator->fibers[i].shown = 0, emulator->fibers[i].groups.clear();
    for (;;) {
        int waiting = 0;
        for (int i = 0; i < warps; i++)
            if (!run_warp(reverse ? warps - 1 - i : i, reverse)) return "not all lanes of a warp meet in a shuffle";
        for (int i = 0; i < threads; i++) waiting += emulator->fibers[i].state == Fiber::AT_BLOCK;
        if (!waiting) return nullptr;
        if (waiting < threads) return "not all threads of a block meet in __syncthreads";
        for (int i = 0; i < threads; i++) emulator->fibers[i].state = Fiber::READY;
    }
}

static void on_signal(int, siginfo_t *info, void *) {
    emulator->touched = info->si_addr;
    siglongjmp(emulator->escape, info->si_signo);
}

/* Run a kernel; null, or what went wrong. */
extern "C" __attribute__((visibility("default"))) const char *
emulate(void (*kernel)(void **), void **arguments, const unsigned *grid, unsigned threads, void *dynamic, size_t shared,
        int reverse) {
    static const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
    struct sigaction action = {}, before[5];
    action.sa_sigaction = on_signal, action.sa_flags = SA_SIGINFO;
    emulator->kernel = kernel, emulator->arguments = arguments, emulator->dynamic = dynamic;
    emulator->grid = {grid[0], grid[1], grid[2]}, emulator->threads = {threads, 1, 1}, emulator->thread = {};
    for (int i = 0; i < 5; i++) sigaction(SIGNALS[i], &action, &before[i]);
    const char *wrong = nullptr;
    const int caught = sigsetjmp(emulator->escape, 1);
    if (caught == SIGSEGV || caught == SIGBUS)
        wrong = "memory beside all arrays is touched";
    else if (caught)
        wrong = "a bound, an alignment, a shift or a division is wrong, or an integer overflows";
    const size_t blocks = (size_t)grid[0] * grid[1] * grid[2];
    for (size_t i = 0; i < blocks && !wrong; i++) {
        const size_t b = reverse ? blocks - 1 - i : i;
        emulator->block = {unsigned(b % grid[0]), unsigned(b / grid[0] % grid[1]), unsigned(b / grid[0] / grid[1])};
        wrong = run_block(shared, reverse);
    }
    for (int i = 0; i < 5; i++) sigaction(SIGNALS[i], &before[i], nullptr);
    if (!wrong) return nullptr;
    for (Fiber &fiber : emulator->fibers) fiber.begun = false;
    const Index b = emulator->block;
    snprintf(emulator->message, sizeof emulator->message, "%s, in block (%u, %u, %u), thread %u, address %p", wrong, b.x,
             b.y, b.z, emulator->thread.x, caught ? emulator->touched : nullptr);
    return emulator->message;
}

/* ---- what kernels call ---- */

inline void __syncthreads() { yield_as(Fiber::AT_BLOCK); }
inline void __syncwarp() { yield_as(Fiber::AT_WARP); }
inline void __threadfence() {}
template <class T> T __ldg(const T *from) { return *from; }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __clz(int bits) { return bits ? __builtin_clz(bits) : 32; }
inline float rounded_product(float a, float b) { return a * b; }
inline double rounded_product(double a, double b) { return a * b; }
inline float rsqrt(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

/* What a lane shows, then what `function` makes of all that the lanes show. */
template <class T, class F> auto of_warp(const T &value, F function) {
    static_assert(sizeof(T) <= sizeof emulator->lanes[0][0], "");
    auto &lanes = emulator->lanes[emulator->current->shown++ % 2];
    memcpy(lanes[emulator->thread.x % 32], &value, sizeof value);
    __syncwarp();
    return function([&](int lane) -> const T & { return *(const T *)lanes[lane]; });
}
template <class T> INTERNAL T shfl(T value, int lane) {
    return of_warp(value, [=](auto shown) { return shown(lane); });
}
template <class T> T shfl_xor(T value, int mask) { return shfl(value, (threadIdx.x % 32) ^ mask); }
INTERNAL inline unsigned ballot(bool condition) {
    return of_warp(condition, [](auto shown) {
        unsigned bits = 0;
        for (int lane = 0; lane < 32; lane++) bits |= (unsigned)shown(lane) << lane;
        return bits;
    });
}

INTERNAL inline void cp_async16(void *shared, const void *global, int bytes = 16) {
    if ((size_t)shared % 16 || (bytes && (size_t)global % 16)) __builtin_trap();
    memset(shared, 0xff, 16);
    auto &groups = emulator->current->groups;
    if (groups.empty()) groups.emplace_back();
    groups.back().push_back({(unsigned char *)shared, (const unsigned char *)global, bytes});
}
INTERNAL inline void cp_commit() { emulator->current->groups.resize(max<size_t>(emulator->current->groups.size(), 1) + 1); }
template <int N> INTERNAL void cp_wait() {
    auto &groups = emulator->current->groups;
    for (; groups.size() > N + 1; groups.erase(groups.begin()))
        for (const Copy &copy : groups.front()) {
            memset(copy.to, 0, 16);
            memcpy(copy.to, copy.from, copy.bytes);
        }
}

inline float from_bits(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
inline unsigned bits_of(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }
inline float to_tf32(float x) { return std::isfinite(x) ? from_bits((bits_of(x) + 0x1000) & 0xffffe000) : x; }
inline unsigned short to_float16(float x) {
    const unsigned sign = bits_of(x) >> 16 & 0x8000;
    const float size = std::fabs(x);
    if (!(size < 65520)) return sign | (size == size ? 0x7c00 : 0x7e00);
    const int exponent = size < 0x1p-14f ? -14 : std::ilogb(size);
    return sign | ((exponent + 14 << 10) + (int)std::nearbyint(std::ldexp(size, 10 - exponent)));
}
inline float from_float16(unsigned short bits) {
    const int exponent = bits >> 10 & 31, steps = bits & 1023;
    const float size = exponent == 31 ? (steps ? NAN : INFINITY)
                                      : std::ldexp((float)(exponent ? steps + 1024 : steps), max(exponent, 1) - 25);
    return bits & 0x8000 ? -size : size;
}

/* The hardware does not look at the last 13 bits of what it multiplies. */
inline double of_10_bits(float x) { return from_bits(bits_of(x) & 0xffffe000); }
/* d += left @ right, of which the lanes have shown both in 8 (or 16) of the sum. */
inline void add_products(float (&d)[4], const Eight (&shown)[2][24], int parts) {
    const int group = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    const auto sum = [](Eight p) { return ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7])); };
    for (int e = 0; e < 4; e++) {
        double all = 0;
        for (int part = 0; part < parts; part++)
            all += sum(shown[part][group + e / 2 * 8] * shown[part][16 + 2 * i + e % 2]);
        d[e] = (float)(d[e] + all);
    }
}
INTERNAL inline void mma_tf32(float (&d)[4], const float (&a)[4], const float (&b)[2]) {
    const int group = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    auto &shown = emulator->mma[emulator->current->shown++ % 2];
    double *left = (double *)&shown[0][group], *below = (double *)&shown[0][group + 8];
    double *right = (double *)&shown[0][16 + group];
    left[i] = of_10_bits(a[0]), left[i + 4] = of_10_bits(a[2]), right[i] = of_10_bits(b[0]);
    below[i] = of_10_bits(a[1]), below[i + 4] = of_10_bits(a[3]), right[i + 4] = of_10_bits(b[1]);
    __syncwarp();
    add_products(d, shown, 1);
}

template <class T> INTERNAL void mma_half(float (&d)[4], const unsigned (&a)[4], unsigned b_low, unsigned b_high) {
    const auto number = [](unsigned pair, int which) { T x; x.bits = pair >> 16 * which; return (float)x; };
    const int group = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    auto &shown = emulator->mma[emulator->current->shown++ % 2];
    for (int part = 0; part < 2; part++)
        for (int e = 0; e < 2; e++) {
            ((double *)&shown[part][group])[2 * i + e] = number(a[2 * part], e);
            ((double *)&shown[part][group + 8])[2 * i + e] = number(a[2 * part + 1], e);
            ((double *)&shown[part][16 + group])[2 * i + e] = number(part ? b_high : b_low, e);
        }
    __syncwarp();
    add_products(d, shown, 2);
}
struct Row { unsigned short at[8]; };
template <bool TRANSPOSED> INTERNAL void load_matrices(unsigned (&to)[4], const void *row) {
    if ((size_t)row % 16) __builtin_trap();
    const int group = threadIdx.x % 32 / 4, i = threadIdx.x % 4;
    of_warp(*(const Row *)row, [&](auto shown) {
        for (int m = 0; m < 4; m++) {
            unsigned pair[2];
            for (int e = 0; e < 2; e++)
                pair[e] = TRANSPOSED ? shown(8 * m + 2 * i + e).at[group] : shown(8 * m + group).at[2 * i + e];
            to[m] = pair[0] | pair[1] << 16;
        }
        return 0;
    });
}

/* ---- how Python calls a kernel: arguments by address ---- */

template <class... T, size_t... I> void apply(void (*kernel)(T...), void **arguments, std::index_sequence<I...>) {
    kernel(*(T *)arguments[I]...);
}
template <class... T> void apply(void (*kernel)(T...), void **arguments) {
    apply(kernel, arguments, std::index_sequence_for<T...>());
}
#define CALLABLE(name) \
    extern "C" __attribute__((visibility("default"))) void call_##name(void **arguments) { apply(name, arguments); }
