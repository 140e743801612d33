/* Greedy non-maximum suppression as one would write it in C: sort, then for each kept box go over the later ones. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    float score;
    int32_t index;
} Scored;

static int by_score(const void *a, const void *b) {
    const Scored *p = a, *q = b;
    if (p->score != q->score) return p->score < q->score ? 1 : -1;
    return p->index < q->index ? -1 : 1;
}

static float larger(float a, float b) { return a > b ? a : b; }
static float smaller(float a, float b) { return a < b ? a : b; }

/* kept (n) = indices of the boxes (n, 4) that are kept; returns their number. */
ptrdiff_t nms(const float *boxes, const float *scores, ptrdiff_t n, float threshold, int64_t *kept) {
    Scored *order = malloc(n * sizeof *order);
    float(*sorted)[4] = malloc(n * sizeof *sorted), *areas = malloc(n * sizeof *areas);
    unsigned char *suppressed = calloc(n, 1);
    for (ptrdiff_t i = 0; i < n; i++) order[i] = (Scored){scores[i], (int32_t)i};
    qsort(order, n, sizeof *order, by_score);
    for (ptrdiff_t i = 0; i < n; i++) {
        for (int c = 0; c < 4; c++) sorted[i][c] = boxes[4 * order[i].index + c];
        areas[i] = (sorted[i][2] - sorted[i][0]) * (sorted[i][3] - sorted[i][1]);
    }
    ptrdiff_t count = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        if (suppressed[i]) continue;
        kept[count++] = order[i].index;
        const float x1 = sorted[i][0], y1 = sorted[i][1], x2 = sorted[i][2], y2 = sorted[i][3], area = areas[i];
        for (ptrdiff_t j = i + 1; j < n; j++) {
            if (suppressed[j]) continue;
            const float width = larger(smaller(x2, sorted[j][2]) - larger(x1, sorted[j][0]), 0);
            const float height = larger(smaller(y2, sorted[j][3]) - larger(y1, sorted[j][1]), 0);
            const float inter = width * height;
            if (inter > threshold * (area + areas[j] - inter)) suppressed[j] = 1;
        }
    }
    free(order), free(sorted), free(areas), free(suppressed);
    return count;
}
