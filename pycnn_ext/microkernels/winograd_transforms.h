/* The transforms of Winograd's minimal filtering: F(4, 3), F(2, 5) and F(2, 3), in two dimensions; see winograd.h.
 *
 * F(4, 3) and F(2, 5) interpolate at 0, 1, -1, 1/2, -2 and infinity, which makes 2.4 times less error than 0, 1, -1,
 * 2, -2, and share B; F(2, 3) at 0, 1, -1 and infinity. Lanes are channels or columns.
 */
#ifndef PYCNN_WINOGRAD_TRANSFORMS_H
#define PYCNN_WINOGRAD_TRANSFORMS_H

#include "kernels.h"
#include "vector.h"

#define MOST_PLACES 36  /* t*t */
#define MOST_WEIGHTS 25 /* r*r */
#define MOST_OUTPUTS 16 /* m*m */

/* One-dimensional transforms, of elements `from` apart to elements `to` apart. */
#define TRANSFORM(name) INLINE void name(const vec *x, const int from, vec *y, const int to)
#define X(i) x[(i) * from]
#define Y(i) y[(i) * to]

TRANSFORM(input_6) { /* B^T of F(4, 3) and F(2, 5) */
    const vec a = X(3) - X(1), b = X(4) - X(2), half = splat((real)0.5), three_halves = splat((real)1.5);
    const vec sum = X(3) + X(2), difference = X(3) - X(2);
    Y(0) = (X(0) - X(2)) + b + three_halves * a;
    Y(1) = a + b + three_halves * sum;
    Y(2) = b - a + three_halves * difference;
    Y(3) = b + a + a;
    Y(4) = b - half * a;
    Y(5) = (X(5) - X(3)) - a + three_halves * b;
}

TRANSFORM(filter_3_to_6) { /* G of F(4, 3) */
    const vec even = (X(0) + X(2)) * splat((real)(1.0 / 3)), odd = X(1) * splat((real)(1.0 / 3));
    const vec a = X(0), b = X(1), c = X(2);
    Y(0) = a;
    Y(1) = even + odd;
    Y(2) = odd - even;
    Y(3) = (a + splat((real)0.5) * b + splat((real)0.25) * c) * splat((real)(-16.0 / 15));
    Y(4) = (a - splat((real)2) * b + splat((real)4) * c) * splat((real)(1.0 / 15));
    Y(5) = c;
}

TRANSFORM(filter_6_to_3) { /* its transpose */
    const vec sum = X(1) + X(2), difference = X(1) - X(2), third = splat((real)(1.0 / 3));
    const vec d = X(3) * splat((real)(-16.0 / 15)), e = X(4) * splat((real)(1.0 / 15));
    const vec last = X(5);
    Y(0) = X(0) + third * difference + d + e;
    Y(1) = third * sum + splat((real)0.5) * d - splat((real)2) * e;
    Y(2) = third * difference + splat((real)0.25) * d + splat((real)4) * e + last;
}

TRANSFORM(output_6_to_4) { /* A^T of F(4, 3) */
    const vec sum = X(1) + X(2), difference = X(1) - X(2), c = X(3), d = X(4), last = X(5);
    Y(0) = X(0) + sum + c + d;
    Y(1) = difference + splat((real)0.5) * c - splat((real)2) * d;
    Y(2) = sum + splat((real)0.25) * c + splat((real)4) * d;
    Y(3) = difference + splat((real)0.125) * c - splat((real)8) * d + last;
}

TRANSFORM(output_4_to_6) { /* its transpose */
    const vec a = X(0), b = X(1), c = X(2), d = X(3), even = a + c, odd = b + d;
    Y(0) = a;
    Y(1) = even + odd;
    Y(2) = even - odd;
    Y(3) = a + splat((real)0.5) * b + splat((real)0.25) * c + splat((real)0.125) * d;
    Y(4) = a - splat((real)2) * b + splat((real)4) * c - splat((real)8) * d;
    Y(5) = d;
}

TRANSFORM(filter_5_to_6) { /* G of F(2, 5) */
    const vec a = X(0), b = X(1), c = X(2), d = X(3), e = X(4), third = splat((real)(1.0 / 3));
    const vec even = (a + c + e) * third, odd = (b + d) * third;
    Y(0) = a;
    Y(1) = even + odd;
    Y(2) = odd - even;
    Y(3) = (a + splat((real)0.5) * b + splat((real)0.25) * c + splat((real)0.125) * d + splat((real)0.0625) * e) *
           splat((real)(-16.0 / 15));
    Y(4) = (a - splat((real)2) * b + splat((real)4) * c - splat((real)8) * d + splat((real)16) * e) *
           splat((real)(1.0 / 15));
    Y(5) = e;
}

TRANSFORM(filter_6_to_5) { /* its transpose */
    const vec sum = X(1) + X(2), difference = X(1) - X(2), third = splat((real)(1.0 / 3));
    const vec d = X(3) * splat((real)(-16.0 / 15)), e = X(4) * splat((real)(1.0 / 15)), last = X(5);
    Y(0) = X(0) + third * difference + d + e;
    Y(1) = third * sum + splat((real)0.5) * d - splat((real)2) * e;
    Y(2) = third * difference + splat((real)0.25) * d + splat((real)4) * e;
    Y(3) = third * sum + splat((real)0.125) * d - splat((real)8) * e;
    Y(4) = third * difference + splat((real)0.0625) * d + splat((real)16) * e + last;
}

TRANSFORM(output_6_to_2) { /* A^T of F(2, 5) */
    const vec sum = X(1) + X(2), difference = X(1) - X(2), c = X(3), d = X(4), last = X(5);
    Y(0) = X(0) + sum + c + d;
    Y(1) = difference + splat((real)0.5) * c - splat((real)2) * d + last;
}

TRANSFORM(output_2_to_6) { /* its transpose */
    const vec a = X(0), b = X(1);
    Y(0) = a;
    Y(1) = a + b;
    Y(2) = a - b;
    Y(3) = a + splat((real)0.5) * b;
    Y(4) = a - splat((real)2) * b;
    Y(5) = b;
}

TRANSFORM(input_4) { /* B^T of F(2, 3) */
    const vec b = X(1), c = X(2);
    Y(0) = X(0) - c;
    Y(1) = c + b;
    Y(2) = c - b;
    Y(3) = X(3) - b;
}

TRANSFORM(filter_3_to_4) { /* G of F(2, 3) */
    const vec even = (X(0) + X(2)) * splat((real)0.5), odd = X(1) * splat((real)0.5), last = X(2);
    Y(0) = X(0);
    Y(1) = even + odd;
    Y(2) = even - odd;
    Y(3) = last;
}

TRANSFORM(filter_4_to_3) { /* its transpose */
    const vec sum = (X(1) + X(2)) * splat((real)0.5), difference = (X(1) - X(2)) * splat((real)0.5), last = X(3);
    Y(0) = X(0) + sum;
    Y(1) = difference;
    Y(2) = sum + last;
}

TRANSFORM(output_4_to_2) { /* A^T of F(2, 3) */
    const vec b = X(1), c = X(2), last = X(3);
    Y(0) = X(0) + b + c;
    Y(1) = b - c + last;
}

TRANSFORM(output_2_to_4) { /* its transpose */
    const vec a = X(0), b = X(1);
    Y(0) = a;
    Y(1) = a + b;
    Y(2) = a - b;
    Y(3) = b;
}

#undef X
#undef Y
#undef TRANSFORM

/* From n x n vectors to m x m that lie `step` apart: the columns, then the rows. */
#define BOTH_WAYS(name, transform, n, m)                                        \
    static void name(const vec *x, real *y, ptrdiff_t step) {                   \
        vec half[(m) * (n)];                                                    \
        UNROLL for (int j = 0; j < (n); j++) transform(x + j, n, half + j, n);  \
        UNROLL for (int i = 0; i < (m); i++) {                                  \
            vec line[m];                                                        \
            transform(half + i * (n), 1, line, 1);                              \
            UNROLL for (int j = 0; j < (m); j++, y += step) store(y, line[j]);  \
        }                                                                       \
    }

BOTH_WAYS(input_6x6, input_6, 6, 6)
BOTH_WAYS(filter_3x3_to_6x6, filter_3_to_6, 3, 6)
BOTH_WAYS(filter_6x6_to_3x3, filter_6_to_3, 6, 3)
BOTH_WAYS(output_6x6_to_4x4, output_6_to_4, 6, 4)
BOTH_WAYS(output_4x4_to_6x6, output_4_to_6, 4, 6)
BOTH_WAYS(filter_5x5_to_6x6, filter_5_to_6, 5, 6)
BOTH_WAYS(filter_6x6_to_5x5, filter_6_to_5, 6, 5)
BOTH_WAYS(output_6x6_to_2x2, output_6_to_2, 6, 2)
BOTH_WAYS(output_2x2_to_6x6, output_2_to_6, 2, 6)
BOTH_WAYS(input_4x4, input_4, 4, 4)
BOTH_WAYS(filter_3x3_to_4x4, filter_3_to_4, 3, 4)
BOTH_WAYS(filter_4x4_to_3x3, filter_4_to_3, 4, 3)
BOTH_WAYS(output_4x4_to_2x2, output_4_to_2, 4, 2)
BOTH_WAYS(output_2x2_to_4x4, output_2_to_4, 2, 4)

typedef void transform_fn(const vec *, real *, ptrdiff_t step);

typedef struct {
    int kernel, outputs, taps; /* r, m, t */
    transform_fn *input, *filter, *filter_adjoint, *output, *output_adjoint;
} Transforms;

static const Transforms transforms_of[] = {
    {3, 4, 6, input_6x6, filter_3x3_to_6x6, filter_6x6_to_3x3, output_6x6_to_4x4, output_4x4_to_6x6},
    {5, 2, 6, input_6x6, filter_5x5_to_6x6, filter_6x6_to_5x5, output_6x6_to_2x2, output_2x2_to_6x6},
    {3, 2, 4, input_4x4, filter_3x3_to_4x4, filter_4x4_to_3x3, output_4x4_to_2x2, output_2x2_to_4x4},
};

static const Transforms *find_transforms(const Winograd *s) {
    const Transforms *f = transforms_of;
    while (f->kernel != s->kernel || f->outputs != s->outputs) f++; /* the caller asks for none but these */
    return f;
}

#endif
